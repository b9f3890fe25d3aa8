"""How classification cuts images."""

from __future__ import annotations

import numpy as np

from tasks.augment import fit_size, random_warp, recolour, warp
from tasks.samples import Sample, Samples


class ClassificationSamples(Samples):
    """The truth of a sample is its label, an int64 array of no dimension, whatever of the image is left in a view."""

    def cut(self, image: np.ndarray, truth: int, rng: np.random.Generator) -> Sample:
        size = self.view.size
        view = warp(image, random_warp(image.shape, self.view, rng), size)
        return recolour(view, self.view.jitter, rng), np.array(truth, dtype=np.int64)

    def whole(self, image: np.ndarray, truth: int) -> Sample:
        size = self.view.eval_size
        return image if size is None else fit_size(image, size), np.array(truth, dtype=np.int64)
