"""How segmentation cuts images and their label maps."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.augment import fit_size, random_warp, recolour, warp
from tasks.pictures import Picture, Pictures
from tasks.segmentation.confusion import IGNORE


class SegmentationPictures(Pictures):
    """The truth of a picture is its (H, W) label map, uint8; what lies outside of an image is ignored."""

    def cut(self, image: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> Picture:
        size = self.stage.size
        matrix = random_warp(image.shape, self.stage, rng)
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        labels = cv2.warpAffine(truth, matrix, size[::-1], None, flags, cv2.BORDER_CONSTANT, (IGNORE,))
        return recolour(warp(image, matrix, size), self.stage.jitter, rng), labels

    def fit(self, image: np.ndarray, truth: np.ndarray) -> Picture:
        size = self.stage.eval_size
        if size is None:
            return image, truth
        return fit_size(image, size), cv2.resize(truth, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
