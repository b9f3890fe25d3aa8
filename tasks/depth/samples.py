"""How depth estimation cuts images and their depths."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.augment import fit_size, random_warp, recolour, warp
from tasks.depth.data import DepthData
from tasks.samples import Sample, Samples


class DepthSamples(Samples):
    """The truth of a sample is its (H, W) depths, float32; what lies outside of an image has none, which is 0.

    What is enlarged s times beyond how images are scored looks s times nearer, and so is its depth (Eigen et al., NeurIPS 2014,
    section 3.4).
    """

    data: DepthData
    learns_by = ("eval_size",)

    def cut(self, image: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> Sample:
        size, scored = self.view.size, self.view.eval_size
        matrix = random_warp(image.shape, self.view, rng)
        enlarged = 1 / matrix[1, 1] / (max(scored[0] / image.shape[0], scored[1] / image.shape[1]) if scored else 1)
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        truth = np.where(self.data.counts(truth), truth, np.float32(0))  # else it would come to count by being divided
        depth = cv2.warpAffine(truth, matrix, size[::-1], None, flags, cv2.BORDER_CONSTANT, (0,))
        return recolour(warp(image, matrix, size), self.view.jitter, rng), depth / np.float32(enlarged)

    def whole(self, image: np.ndarray, truth: np.ndarray) -> Sample:
        size = self.view.eval_size
        if size is None:
            return image, truth
        return fit_size(image, size), cv2.resize(truth, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
