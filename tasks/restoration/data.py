"""Degraded and clean images: what every data set promises, and the embedded data sets."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from tasks import scenes
from tasks.data import Data, NucleiData, ScenesData

GRAY = np.array([0.298936021293775, 0.587043074451121, 0.114020904255103])  # with these BSD68 comes out bit for bit


def to_gray(image: np.ndarray) -> np.ndarray:
    """The luminance of an (H, W, 3) RGB image, ITU-R BT.601, as (H, W, 1); both uint8."""
    return np.floor(image @ GRAY + 0.5).astype(np.uint8)[..., None]


class RestorationData(Data):
    """Splits of (degraded, clean) images.

    `gray` makes luminance of them. Where `paired` is false, the data are clean images only, which a task degrades.
    """

    paired: bool = False
    gray: bool

    @property
    def channels(self) -> int:
        return 1 if self.gray else 3

    @abstractmethod
    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, channels) uint8 images of one size, degraded (without pairs: clean) and clean. Do not write to them."""

    @abstractmethod
    def name(self, split: str, index: int) -> str:
        """What messages call an image: for data in a folder, its path."""


class EmbeddedImages(RestorationData):
    """Clean images that lie in memory, in colour or `gray`; each becomes that once."""

    def __init__(self, gray: bool):
        self.gray = gray
        self._made: dict[tuple[str, int], np.ndarray] = {}

    @abstractmethod
    def image(self, split: str, index: int) -> np.ndarray:
        """(H, W, 3) uint8."""

    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        if (split, index) not in self._made:
            image = self.image(split, index)
            self._made[split, index] = to_gray(image) if self.gray else image
        return self._made[split, index], self._made[split, index]


class ScenesImages(ScenesData, EmbeddedImages):
    """The images of the embedded scenes-v1, splits "train", "val" and "test"."""

    def __init__(self, gray: bool = True):
        EmbeddedImages.__init__(self, gray)

    def image(self, split: str, index: int) -> np.ndarray:
        return scenes.scenes(split)[index].image

    def name(self, split: str, index: int) -> str:
        return f"scene {index} of {split}"


class NucleiImages(NucleiData, EmbeddedImages):
    """The images of the embedded nuclei-v1, splits "train", "val" and "test"."""

    def __init__(self, gray: bool = True, window: int | None = None):
        NucleiData.__init__(self, window)
        EmbeddedImages.__init__(self, gray)

    def image(self, split: str, index: int) -> np.ndarray:
        return self.field(split, index).image

    def name(self, split: str, index: int) -> str:
        return f"image {self.field(split, index).name} of {split}"
