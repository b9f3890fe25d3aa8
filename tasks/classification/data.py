"""Images with a class each, and the embedded data sets as such."""

from __future__ import annotations

from abc import abstractmethod
from functools import lru_cache

import cv2
import numpy as np

from tasks import nuclei, scenes
from tasks.data import Data, NucleiData, ScenesData, window

SIDE = 64  # pixels of a window around an object of scenes-v1
SMALL = 48  # and around a nucleus, or a place that has none
GAP = 8  # pixels that such a place is away from every nucleus


class ClassificationData(Data):
    """Splits of (image, label). Labels are indices of `classes`."""

    classes: tuple[str, ...]

    @abstractmethod
    def read(self, split: str, index: int) -> tuple[np.ndarray, int]:
        """(H, W, 3) RGB uint8, and the label."""

    def label_of(self, split: str, index: int) -> int:
        """The same label; where it is known by itself, without decoding the image."""
        return self.read(split, index)[1]


class ScenesClassification(ScenesData, ClassificationData):
    """The objects of the embedded scenes-v1, splits "train", "val" and "test".

    An image is the square of SIDE pixels around the middle of an object's box, black outside of the scene; objects that are
    mostly hidden are left out, and others may be seen beside the one in the middle.
    """

    classes = scenes.CLASSES[1:]

    def size(self, split: str) -> int:
        return len(scenes.objects(split))

    def read(self, split: str, index: int) -> tuple[np.ndarray, int]:
        found = scenes.objects(split)[index]
        return window(found.image, found.centre, SIDE), found.label - 1


class NucleiClassification(NucleiData, ClassificationData):
    """Is there a nucleus in the middle? Squares of SMALL pixels of the embedded nuclei-v1, splits "train", "val" and "test".

    There is one around the middle of each nucleus that covers it, and of each image as many, as far as there is room, around
    places that are GAP pixels and more away from every nucleus. They are black outside of the image.
    """

    classes = ("background", "nucleus")

    def size(self, split: str) -> int:
        return len(_places(split, self.window))

    def read(self, split: str, index: int) -> tuple[np.ndarray, int]:
        field, centre, label = _places(split, self.window)[index]
        return window(self.field(split, field).image, centre, SMALL), label


@lru_cache
def _places(split: str, side: int | None) -> tuple[tuple[int, tuple[int, int], int], ...]:
    """Which image, (row, column) and label of each square of a split; the same on every machine."""
    found = []
    for index, field in enumerate(nuclei.fields(split, side)):
        middles = field.boxes[:, 1::-1] + field.boxes[:, :1:-1] // 2
        covered = field.instances[middles[:, 0], middles[:, 1]] == np.arange(1, len(middles) + 1)
        near = cv2.dilate((field.instances > 0).astype(np.uint8), np.ones((2 * GAP + 1, 2 * GAP + 1), np.uint8))
        free = np.argwhere(near == 0)
        chosen = np.random.default_rng([sorted(nuclei.index()).index(split), index]).permutation(len(free))
        for label, places in enumerate((free[np.sort(chosen[: covered.sum()])], middles[covered])):
            found += [(index, (row, column), label) for row, column in places.tolist()]
    return tuple(found)
