"""Images with label maps, and the embedded data sets as such."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from tasks import nuclei, scenes
from tasks.data import Data, NucleiData, ScenesData


class SegmentationData(Data):
    """Splits of (image, labels). Labels are class indices, or IGNORE where a pixel does not count."""

    classes: tuple[str, ...]

    @abstractmethod
    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) RGB and (H, W) labels, both uint8."""


class ScenesSegmentation(ScenesData, SegmentationData):
    """The embedded scenes-v1, splits "train", "val" and "test"."""

    classes = scenes.CLASSES

    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        scene = scenes.scenes(split)[index]
        return scene.image, scene.mask


class NucleiSegmentation(NucleiData, SegmentationData):
    """The embedded nuclei-v1, splits "train", "val" and "test"; the border of a nucleus is a class of its own."""

    classes = nuclei.CLASSES

    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        field = self.field(split, index)
        return field.image, field.mask
