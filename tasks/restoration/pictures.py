"""How restoration cuts images, and when it degrades them."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.pictures import Picture, Pictures
from tasks.restoration.data import RestorationData
from tasks.restoration.degradations import Degradation
from tasks.stage import Stage


class RestorationPictures(Pictures):
    """A picture is (degraded, clean), both (H, W, channels) float32, black 0 and white 1.

    Without pairs, training crops are degraded afresh each time they are drawn; a scored image is degraded once and whole,
    by its index alone, so that every network sees the same. (Noise drawn anew for overlapping patches, whose results are
    then averaged, would flatter a denoiser by most of a dB.)
    """

    def __init__(self, data: RestorationData, stage: Stage, degradation: Degradation | None):
        super().__init__(data, stage)
        self.degradation = degradation

    def cut(self, image: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> Picture:
        """A crop at the image's own resolution, enlarged by a factor from `stage.scale`, in one of eight orientations."""
        turns, mirrored = int(rng.integers(4)), rng.random() < 0.5
        factor = np.exp(rng.uniform(*np.log(self.stage.scale)))
        sides = [round(side / factor) for side in (self.stage.size if turns % 2 == 0 else self.stage.size[::-1])]
        top, left = (rng.integers(whole - side + 1) for whole, side in zip(image.shape, sides, strict=False))
        views = []
        for whole in (image, truth):
            view = np.rot90(whole[top : top + sides[0], left : left + sides[1]], turns)
            views.append(_resize(view[:, ::-1] if mirrored else view, self.stage.size))
        degraded, clean = self.fit(*views)
        return self._degrade(degraded, rng), clean

    def fit(self, image: np.ndarray, truth: np.ndarray) -> Picture:
        return image.astype(np.float32) / 255, truth.astype(np.float32) / 255

    def scored(self, index: int) -> Picture:
        degraded, clean = super().scored(index)
        return self._degrade(degraded, np.random.default_rng([3, index])), clean

    def _degrade(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return image if self.degradation is None else self.degradation(image, rng)


def _resize(view: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if view.shape[:2] == size:
        return view
    kind = cv2.INTER_AREA if view.shape[0] > size[0] else cv2.INTER_CUBIC
    return cv2.resize(np.ascontiguousarray(view), size[::-1], interpolation=kind).reshape(*size, -1)
