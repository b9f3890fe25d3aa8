"""Degraded and clean images: what every data set promises, and the embedded data sets."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from tasks import nuclei, scenes
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


class ScenesImages(ScenesData, RestorationData):
    """The images of the embedded scenes-v1, splits "train", "val" and "test"."""

    def __init__(self, gray: bool = True):
        self.gray = gray

    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        image = scenes.scenes(split)[index].image
        image = to_gray(image) if self.gray else image
        return image, image

    def name(self, split: str, index: int) -> str:
        return f"scene {index} of {split}"


class NucleiImages(NucleiData, RestorationData):
    """The images of the embedded nuclei-v1, splits "train", "val" and "test"."""

    def __init__(self, gray: bool = True):
        self.gray = gray

    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        image = nuclei.fields(split)[index].image
        image = to_gray(image) if self.gray else image
        return image, image

    def name(self, split: str, index: int) -> str:
        return f"image {nuclei.fields(split)[index].name} of {split}"
