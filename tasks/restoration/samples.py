"""How restoration cuts images, and when it degrades them."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.restoration.data import RestorationData
from tasks.restoration.degradations import Degradation
from tasks.samples import Sample, Samples
from tasks.stage import Stage


class RestorationSamples(Samples):
    """A sample is (degraded, clean), both (H, W, channels) float32, black 0 and white 1.

    Without pairs, training crops are degraded afresh each time they are drawn; a scored image is degraded once and whole,
    by its index alone, so that every network sees the same. (Noise drawn anew for overlapping patches, whose results are
    then averaged, would flatter a denoiser by most of a dB.)
    """

    def __init__(self, data: RestorationData, stage: Stage, degradation: Degradation | None):
        super().__init__(data, stage)
        self.degradation = degradation

    def cut(self, image: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> Sample:
        """A crop at the image's own resolution, enlarged by a factor from `view.scale`, in one of eight orientations."""
        turns, mirrored = int(rng.integers(4)), rng.random() < 0.5
        factor = np.exp(rng.uniform(*np.log(self.view.scale)))
        sides = [round(side / factor) for side in (self.view.size if turns % 2 == 0 else self.view.size[::-1])]
        top, left = (rng.integers(whole - side + 1) for whole, side in zip(image.shape, sides, strict=False))
        views = []
        for whole in (image, truth):
            view = np.rot90(whole[top : top + sides[0], left : left + sides[1]], turns)
            views.append(_resize(view[:, ::-1] if mirrored else view, self.view.size))
        degraded, clean = self.whole(*views)
        return self._degrade(degraded, rng), clean

    def whole(self, image: np.ndarray, truth: np.ndarray) -> Sample:
        """Both as far as a degradation can make them smaller."""
        scale = self.degradation.scale if self.degradation else 1
        height, width = (side - side % scale for side in image.shape[:2])
        degraded, clean = (one[:height, :width].astype(np.float32) / 255 for one in (image, truth))
        return degraded, clean

    def scored(self, index: int) -> Sample:
        degraded, clean = super().scored(index)
        return self._degrade(degraded, np.random.default_rng([3, index])), clean

    def _degrade(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return image if self.degradation is None else self.degradation(image, rng)


def _resize(view: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if view.shape[:2] == size:
        return view
    kind = cv2.INTER_AREA if view.shape[0] > size[0] else cv2.INTER_CUBIC
    return cv2.resize(np.ascontiguousarray(view), size[::-1], interpolation=kind).reshape(*size, -1)
