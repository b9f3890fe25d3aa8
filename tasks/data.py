"""What every data set promises, and what the views of the embedded ones share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tasks.nuclei import Field

SPLITS = ("train", "val", "test")
FLAT = "."  # the split of a folder that has none
POOLS = ("train", FLAT)  # splits to learn from, also where they are dealt out first
ALIASES = {  # what folders and lists of a split may be called
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")  # of image files, in capitals or not


class Data(ABC):
    """Named splits of images and what belongs to them. Indices run from 0 to `size(split)` - 1.

    Images that lie `in_memory` are at hand at once; others are read from files and decoded.
    """

    in_memory: bool = False

    @abstractmethod
    def size(self, split: str) -> int: ...

    @abstractmethod
    def read(self, split: str, index: int) -> tuple[np.ndarray, Any]:
        """An image and what a network should make of it."""

    def shape(self, split: str, index: int) -> tuple[int, int]:
        """(height, width) in pixels of what a network sees of an image: all of it, where a data set says nothing else."""
        height, width = self.read(split, index)[0].shape[:2]
        return height, width

    @abstractmethod
    def fingerprint(self, *others: str) -> str:
        """A hash of what is read of the splits that are known, and of `others` that are read."""

    @abstractmethod
    def problems(self, split: str) -> Iterator[str]:
        """A sentence, naming the file, for each thing of a split that is wrong. Raises OSError where there is no split."""

    def summary(self, split: str) -> str:
        """What a split holds, in one line."""
        return f"{self.size(split)} images"

    def unscorable(self, split: str) -> Iterator[str]:
        """The same for what keeps a split, in which nothing is wrong, from being scored."""
        return iter(())

    def pictures(self, split: str) -> list[tuple[bytes, str]]:
        """A hash of each picture as it is read (empty: of one colour) and its name; none where all are known to differ.

        Raises ValueError where one cannot be read, OSError for a split that is not there.
        """
        return []

    def keep(self) -> None:
        """Write what was found out about files into the cache that it was built with, if it was, for later processes."""
        return

    def check(self, splits: Iterable[str], scored: Iterable[str] = ()) -> None:
        """Raise ValueError for the first thing that is wrong, OSError for a split that is not there."""
        for split in splits:
            for sentence in self.problems(split):
                raise ValueError(sentence)
        for split in scored:
            for sentence in self.unscorable(split):
                raise ValueError(sentence)


def in_both(first: Sequence[tuple[bytes, str]], second: Sequence[tuple[bytes, str]]) -> str:
    """Which `pictures` of one split are in another, too; empty: none. Those of one colour are not compared."""
    names = {print: name for print, name in second if print}
    found = [(name, names[print]) for print, name in first if print in names]
    return f"{len(found)} of {len(first)} pictures ({found[0][0]} is {found[0][1]})" if found else ""


def window(image: np.ndarray, centre: tuple[int, int], side: int) -> np.ndarray:
    """The square of `side` pixels around (row, column) in an image (H, W, C), black outside of it."""
    top, left = (place - side // 2 for place in centre)
    seen = image[max(0, top) : top + side, max(0, left) : left + side]
    above, before = max(0, -top), max(0, -left)
    made = np.zeros((side, side, image.shape[2]), image.dtype)
    made[above : above + seen.shape[0], before : before + seen.shape[1]] = seen
    return made


class EmbeddedData(Data):
    """A data set that comes with the suite, splits "train", "val" and "test"; it is imported when it is asked for."""

    in_memory = True
    called: str  # in messages

    def problems(self, split: str) -> Iterator[str]:
        if split not in SPLITS:
            yield f"{self.called} has no split {split!r}: use one of {', '.join(SPLITS)}"


class ScenesData(EmbeddedData):
    """scenes-v1, which is made on the spot."""

    called = "scenes-v1"

    def size(self, split: str) -> int:
        from tasks import scenes

        return scenes.COUNTS[split]

    def fingerprint(self, *others: str) -> str:
        from tasks import scenes

        return f"{self.called} {scenes.fingerprint()}"


class NucleiData(EmbeddedData):
    """nuclei-v1, images of a microscope; with a `window`, the square of so many pixels in the middle of each."""

    called = "nuclei-v1"

    def __init__(self, window: int | None = None):
        if window is not None and not 32 <= window <= 256:
            raise ValueError(f"the window must be 32 to 256 pixels, as the images have 256 and more, not {window}")
        self.window = window

    def field(self, split: str, index: int) -> Field:
        from tasks import nuclei

        return nuclei.fields(split, self.window)[index]

    def size(self, split: str) -> int:
        from tasks import nuclei

        return len(nuclei.index()[split])

    def fingerprint(self, *others: str) -> str:
        from tasks import nuclei

        seen = f" in windows of {self.window}" if self.window else ""
        return f"{self.called} {nuclei.fingerprint()}{seen}"
