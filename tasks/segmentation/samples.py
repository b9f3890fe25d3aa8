"""How segmentation cuts images and their label maps."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.augment import fit_size, random_warp, recolour, warp
from tasks.samples import Sample, Samples
from tasks.segmentation.metrics import IGNORE


class SegmentationSamples(Samples):
    """The truth of a sample is its (H, W) label map, uint8; what lies outside of an image is ignored."""

    def cut(self, image: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> Sample:
        size = self.view.size
        matrix = random_warp(image.shape, self.view, rng)
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        labels = cv2.warpAffine(truth, matrix, size[::-1], None, flags, cv2.BORDER_CONSTANT, (IGNORE,))
        return recolour(warp(image, matrix, size), self.view.jitter, rng), labels

    def whole(self, image: np.ndarray, truth: np.ndarray) -> Sample:
        size = self.view.eval_size
        if size is None:
            return image, truth
        return fit_size(image, size), cv2.resize(truth, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
