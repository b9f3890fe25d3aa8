"""Images with label maps, and the embedded data sets as such."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np

from tasks import nuclei, scenes
from tasks.data import Data, NucleiData, ScenesData

IGNORE = 255
ALL_IGNORED = "split {!r} has no label that counts, all are ignored: label some of its pixels"


class SegmentationData(Data):
    """Splits of (image, labels). Labels are class indices, or IGNORE where a pixel does not count.

    Classes that are `named` for these images must all have pixels to learn from; of others, those that there are.
    """

    classes: tuple[str, ...]
    named: bool = False

    @abstractmethod
    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) RGB and (H, W) labels, both uint8."""

    def unscorable(self, split: str) -> Iterator[str]:
        if not any((self.read(split, index)[1] != IGNORE).any() for index in range(self.size(split))):
            yield ALL_IGNORED.format(split)


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
