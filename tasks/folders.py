"""What data sets in folders share: a split that is listed once, images that are decoded when they are asked for."""

from __future__ import annotations

import hashlib
import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from core import content_key
from tasks.data import ALIASES, SPLITS, Data
from tasks.files import existing
from tasks.looks import Look, Looks, cache_of_looks, file_digest

T = TypeVar("T")
F = TypeVar("F", bound="FolderData")
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

    Where the listing has a problem, all that reads the split raises it as ValueError. What a check finds out about the files
    is known to later processes, where the data set was built within `looks_kept_in`.
    """

    def __init__(self, root: str, splits: Iterable[str] = ()):
        self.root = existing(Path(root))
        self._names = dict.fromkeys((*SPLITS, *splits))
        self._listings: dict[str, Listing] = {}
        self._looks: dict[str, list[Look]] = {}  # of the items of sound splits
        self._digests: dict[Path, bytes] = {}
        self._cache = cache_of_looks()

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

    def settings(self, item: Any) -> object:
        """What else, beside `content`, decides whether an item is sound."""
        return None

    @abstractmethod
    def called(self, item: Any) -> str:
        """The path of an item's picture, from the root."""

    def from_root(self, path: Path) -> str:
        """What annotations call an image file: its path from the root, which may lead out of it."""
        return Path(os.path.relpath(path, self.root)).as_posix()

    def picture(self, opened: tuple[np.ndarray, Any]) -> np.ndarray:
        """What of an item must not be in two splits."""
        return opened[0]

    def truth(self, item: Any) -> Any:
        """What a network should make of an item, without its image where that can be."""
        return self.open(item)[1]

    def tally(self, truth: Any) -> Any:
        """What an item adds to a count over the split, as plain JSON."""
        return None

    def tallies(self, split: str) -> Iterator[Any]:
        """Those of the items whose truth can be read; as `problems` has seen them, where it has."""
        if split in self._looks:
            yield from (look.tally for look in self._looks[split])
            return
        for item in self.listing(split).items:
            with suppress(ValueError):
                yield self.tally(self.truth(item))

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
        return self._looks[split][index].shape if split in self._looks else super().shape(split, index)

    @cached_property
    def _known(self) -> Looks | None:
        if not self._cache or self.in_memory:
            return None
        kind = f"{type(self).__module__}.{type(self).__qualname__}"
        return Looks(self._cache, self.root, [kind, READING.hex(), self.identity().hex()])

    def look(self, item: Any) -> Look:
        """What a check finds in an item, now or before. Raises ValueError where something is wrong with it."""
        key = "" if self._known is None else self._key(item)
        if self._known is not None and (found := self._known.get(key)):
            return found
        opened = self.open(item)
        height, width = opened[0].shape[:2]
        look = Look((height, width), _print(self.picture(opened)), self.tally(opened[1]))
        if self._known is not None:
            self._known.add(key, look)
        return look

    def _key(self, item: Any) -> str:
        parts = [part if isinstance(part, bytes) else self._digest(part) for part in self.content(item)]
        return content_key([self.settings(item), *(part.hex() for part in parts)])

    def problems(self, split: str) -> Iterator[str]:
        listing, looks = self.listing(split), []
        yield from listing.problems
        for item in listing.items:
            try:
                looks.append(self.look(item))
            except ValueError as error:
                yield str(error)
        if not listing.problems and len(looks) == len(listing.items):
            self._looks[split] = looks

    def pictures(self, split: str) -> list[tuple[bytes, str]]:
        if split not in self._looks:
            self.check([split])
        pairs = zip(self._looks[split], self.items(split), strict=True)
        return [(look.print, self.called(item)) for look, item in pairs]

    def keep(self) -> None:
        if self._known is not None:
            self._known.write()

    def fingerprint(self, *others: str) -> str:
        """A hash over the settings and the contents of the files of all splits that are there, and of some more."""
        digest = hashlib.sha256(READING + self.identity())
        for split in dict.fromkeys((*self._names, *others)):
            with suppress(OSError):
                for item in self.listing(split).items:
                    for part in self.content(item):
                        known = part if isinstance(part, bytes) else self._digest(part)
                        digest.update(f"{split} {len(known)} ".encode() + known)
        return digest.hexdigest()[:16]

    def _digest(self, path: Path) -> bytes:
        """That of a file, which is read once, as several items may share it."""
        if path not in self._digests:
            self._digests[path] = file_digest(path) if self._known is None else self._known.digest(path)
        return self._digests[path]


def _print(picture: np.ndarray) -> bytes:
    """A hash of a picture; empty where all of it has one colour, as pictures without a content may have."""
    if (picture == picture[0, 0]).all():
        return b""
    return hashlib.blake2b(f"{picture.shape}".encode() + picture.tobytes(), digest_size=16).digest()


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
