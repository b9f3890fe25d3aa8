"""What data sets in folders share: a split that is listed once, images that are decoded when they are asked for."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFile

from tasks.data import SPLITS, SUFFIXES, Data


@dataclass
class Listing:
    """What files and annotations say that a split holds, and a sentence for each thing that is wrong with them."""

    items: list[Any] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Turn a ValueError into one of the problems."""
        try:
            yield
        except ValueError as error:
            self.problems.append(str(error))


class FolderData(Data):
    """A data set in a folder: a split is listed once, its images are decoded when they are asked for.

    Where the listing has a problem, all that reads the split raises it as ValueError.
    """

    def __init__(self, root: str, splits: Iterable[str] = ()):
        self.root = existing(Path(root))
        self._names = dict.fromkeys((*SPLITS, *splits))
        self._listings: dict[str, Listing] = {}

    @abstractmethod
    def list_split(self, split: str) -> Listing:
        """Find out what a split holds. Raises OSError where it is not there."""

    @abstractmethod
    def open(self, item: Any) -> tuple[np.ndarray, Any]:
        """Read an item of a listing. Raises ValueError, naming the file, where something is wrong with it."""

    @abstractmethod
    def identity(self) -> bytes:
        """The settings that decide what is read."""

    @abstractmethod
    def content(self, split: str, item: Any) -> Iterator[bytes]:
        """What an item is made of."""

    def listing(self, split: str) -> Listing:
        if split not in self._listings:
            listing = self.list_split(split)
            if not listing.items and not listing.problems:
                listing.problems.append(
                    f"split {split!r} of {self.root} holds no images: see docs/data.md for the layouts"
                )
            self._listings[split] = listing
        return self._listings[split]

    def items(self, split: str) -> list[Any]:
        listing = self.listing(split)
        if listing.problems:
            raise ValueError(listing.problems[0])
        return listing.items

    def size(self, split: str) -> int:
        return len(self.items(split))

    def read(self, split: str, index: int) -> tuple[np.ndarray, Any]:
        return self.open(self.items(split)[index])

    def problems(self, split: str) -> Iterator[str]:
        listing = self.listing(split)
        yield from listing.problems
        for item in listing.items:
            try:
                self.open(item)
            except ValueError as error:
                yield str(error)

    def fingerprint(self) -> str:
        """A hash over the settings and the contents of the files of all splits that are there."""
        digest = hashlib.sha256(self.identity())
        for split in self._names:
            with suppress(OSError):
                for item in self.listing(split).items:
                    for part in self.content(split, item):
                        digest.update(part)
        return digest.hexdigest()[:16]


class Refusal(Exception):  # noqa: N818 - a sentence without its beginning
    """What an image file has that cannot be used, and what to do: the rest of a sentence that begins with its path."""


def decode(path: Path, convert: Callable[[ImageFile.ImageFile], np.ndarray]) -> np.ndarray:
    """What `convert`, which may raise a `Refusal`, makes of an image file.

    Raises ValueError, naming the file, where it is missing, broken or refused.
    """
    try:
        with Image.open(path) as image:
            return convert(image)
    except FileNotFoundError:
        raise ValueError(f"{path} is missing: put it back, or take what belongs to it out of the split") from None
    except Refusal as refusal:
        raise ValueError(f"{path} {refusal}") from None
    except Exception as error:  # damaged bytes can make a decoder raise anything
        raise ValueError(f"{path} cannot be decoded ({error}): replace the file") from None


def in_colour(image: Image.Image) -> np.ndarray:
    """(H, W, 3) RGB uint8."""
    return np.array(image.convert("RGB"))


def check_size(path: Path, size: tuple[int, ...], of: str, expected: tuple[int, ...]) -> None:
    """Raises ValueError where (height, width) are not those expected, which are `of` something else."""
    if size != expected:
        raise ValueError(f"{path} is {size[1]}x{size[0]}, {of} {expected[1]}x{expected[0]}: make both of one size")


def existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}: check the root and the layout of the dataset")
    return folder


def images_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def contents(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b"missing"
