"""What data sets in folders share: a split that is listed once, images that are decoded when they are asked for."""

from __future__ import annotations

import hashlib
import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tasks.data import ALIASES, SPLITS, Data
from tasks.files import Refusal, check_regular, existing

T = TypeVar("T")
F = TypeVar("F", bound="FolderData")
CHUNK = 1 << 20  # bytes read at once
READING = b"2"  # of how files are read: another number where the same files give other samples


@dataclass
class Listing:
    """What files and annotations say that a split holds, and a sentence for each thing that is wrong with them."""

    items: Any = field(default_factory=list)  # or another sequence
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
        self._pictures: dict[str, list[tuple[bytes, str]]] = {}
        self._shapes: dict[str, list[tuple[int, int]]] = {}
        self._digests: dict[Path, bytes] = {}

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
    def content(self, item: Any) -> Iterator[bytes | Path]:
        """What an item is made of: its settings, and its files."""

    @abstractmethod
    def called(self, item: Any) -> str:
        """The path of an item's picture, from the root."""

    def from_root(self, path: Path) -> str:
        """What annotations call an image file: its path from the root, which may lead out of it."""
        return Path(os.path.relpath(path, self.root)).as_posix()

    def picture(self, opened: tuple[np.ndarray, Any]) -> np.ndarray:
        """What of an item must not be in two splits."""
        return opened[0]

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

    def shape(self, split: str, index: int) -> tuple[int, int]:
        """As `problems` has seen it, where it has."""
        return self._shapes[split][index] if split in self._shapes else super().shape(split, index)

    def problems(self, split: str) -> Iterator[str]:
        listing, pictures, shapes = self.listing(split), [], []
        yield from listing.problems
        for item in listing.items:
            try:
                opened = self.open(item)
                pictures.append((_print(self.picture(opened)), self.called(item)))
                shapes.append(opened[0].shape[:2])
            except ValueError as error:
                yield str(error)
        if not listing.problems and len(pictures) == len(listing.items):
            self._pictures[split], self._shapes[split] = pictures, shapes

    def pictures(self, split: str) -> list[tuple[bytes, str]]:
        if split not in self._pictures:
            self.check([split])
        return self._pictures[split]

    def fingerprint(self, *others: str) -> str:
        """A hash over the settings and the contents of the files of all splits that are there, and of some more."""
        digest, files = hashlib.sha256(READING + self.identity()), self._digests  # each file is read once
        for split in dict.fromkeys((*self._names, *others)):
            with suppress(OSError):
                for item in self.listing(split).items:
                    for part in self.content(item):
                        if isinstance(part, Path) and part not in files:  # several items may share one
                            files[part] = _digest(part)
                        known = part if isinstance(part, bytes) else files[part]
                        digest.update(f"{split} {len(known)} ".encode() + known)
        return digest.hexdigest()[:16]


def _print(picture: np.ndarray) -> bytes:
    """A hash of a picture; empty where all of it has one colour, as pictures without a content may have."""
    if (picture == picture[0, 0]).all():
        return b""
    return hashlib.blake2b(f"{picture.shape}".encode() + picture.tobytes(), digest_size=16).digest()


def _digest(path: Path) -> bytes:
    """A hash of a file and its name."""
    try:
        check_regular(path)
        digest = hashlib.sha256()
        with path.open("rb") as file:  # hashlib.file_digest is not in Python 3.10
            while chunk := file.read(CHUNK):
                digest.update(chunk)
        return path.name.encode() + digest.digest()
    except (OSError, Refusal):
        return b"missing"


def under_any_name(split: str, find: Callable[[str], T]) -> T:
    """What `find` finds under a split's name, or another that it may have. Raises OSError where there is none."""
    for name in ALIASES.get(split, (split,)):
        with suppress(FileNotFoundError):
            return find(name)
    return find(split)


def first_layout(root: Path, kinds: Iterable[type[F]], otherwise: str) -> F:
    """The data set in a folder, of the first kind that finds a split there. Raises ValueError where none does."""
    existing(root)
    for kind, split in product(kinds, SPLITS):
        try:
            kind.find(root, split)  # type: ignore[attr-defined]
        except OSError:
            continue
        return kind(str(root))
    raise ValueError(f"{root} has annotations {otherwise}: see docs/data.md")
