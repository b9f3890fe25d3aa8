"""nuclei-v1: 144 microscope images in which every nucleus is outlined, public domain (NOTICE.md says where they are from).

Exposures differ so much that the brightest pixels of some images have a fifteenth of others'; every image is stretched to the
whole range of 8 bits, between the percentiles that StarDist takes (Schmidt et al., MICCAI 2018).
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from scipy.ndimage import find_objects
from skimage.segmentation import relabel_sequential

FOLDER = Path(__file__).parent
CLASSES = ("background", "inside", "border")
DARKEST, BRIGHTEST = 1.0, 99.8  # percentiles that become 0 and 255
BORDER = 2  # pixels that a nucleus' border is wide


@dataclass(frozen=True)
class Field:
    """What a microscope saw: an `image` (H, W, 3), uint8, and its `instances` (H, W): 0 is background, 1 to n are nuclei."""

    name: str
    image: np.ndarray
    instances: np.ndarray

    @cached_property
    def mask(self) -> np.ndarray:
        """(H, W) class indices, uint8. A nucleus' border are its pixels with another nucleus, or background, within BORDER.

        The distance is the larger of rows and columns. Nuclei that touch are apart by their borders, and one that an edge of
        the image cuts has no border there. Every twentieth nucleus is so small that all of it is border.
        """
        window = np.ones((2 * BORDER + 1, 2 * BORDER + 1), dtype=np.uint8)
        alike = cv2.dilate(self.instances, window) == cv2.erode(self.instances, window)
        return np.where(self.instances == 0, 0, np.where(alike, 1, 2)).astype(np.uint8)

    def middle(self, side: int) -> Field:
        """A square of `side` pixels at most; nuclei that its edge cuts count as what is left of them."""
        rows, columns = (slice((whole - side) // 2, (whole - side) // 2 + side) for whole in self.instances.shape)
        instances, _, _ = relabel_sequential(self.instances[rows, columns])
        return Field(self.name, self.image[rows, columns], instances.astype(self.instances.dtype))

    @cached_property
    def boxes(self) -> np.ndarray:
        """(n, 4): x, y, width, height in pixels of nuclei 1 to n."""
        found = [(x.start, y.start, x.stop - x.start, y.stop - y.start) for y, x in find_objects(self.instances)]
        return np.array(found, dtype=np.int64).reshape(-1, 4)

    @cached_property
    def areas(self) -> np.ndarray:
        """(n,): how many pixels nuclei 1 to n have."""
        return np.bincount(self.instances.ravel())[1:]


@lru_cache
def index() -> dict[str, tuple[str, ...]]:
    """The names of the images of each split."""
    with open(FOLDER / "index.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return {split: tuple(row["name"] for row in rows if row["split"] == split) for split in ("train", "val", "test")}


@lru_cache
def fields(split: str, window: int | None = None) -> tuple[Field, ...]:
    """All images of a split in the order of index.csv, decoded once a process; of each the `window` pixels in its middle."""
    if window is None:
        return tuple(_read(name) for name in index()[split])
    return tuple(field.middle(window) for field in fields(split))


def _read(name: str) -> Field:
    with Image.open(FOLDER / f"images/{name}.png") as image, Image.open(FOLDER / f"instances/{name}.png") as instances:
        return Field(name, stretched(np.asarray(image.convert("RGB"))), np.asarray(instances))


def stretched(image: np.ndarray) -> np.ndarray:
    """All channels alike, uint8."""
    low, high = np.percentile(image, (DARKEST, BRIGHTEST), method="nearest").astype(np.float64)
    return np.floor(255 * np.clip((image - low) / (high - low), 0, 1) + 0.5).astype(np.uint8)


def fingerprint() -> str:
    """A hash over every pixel, mask and box of all splits."""
    digest = hashlib.sha256()
    for split in index():
        for field in fields(split):
            for array in (field.image, field.instances, field.mask, field.boxes):
                digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
