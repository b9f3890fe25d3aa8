"""Folders of clean images, and of degraded images beside the clean ones."""

from __future__ import annotations

import os
import re
import unicodedata
from abc import abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from PIL import ImageFile

from tasks.data import FLAT, SPLITS, SUFFIXES
from tasks.files import all_files_in, by_stem, check_name, check_size, decode, files_in, listed, opaque, stem
from tasks.folders import FolderData, Listing, under_any_name
from tasks.looks import Look
from tasks.restoration.data import RestorationData, to_gray

PLACES = (".", "images", "BSDS500/data/images")  # where the folders of the splits of clean images may lie
MEMORY = 256 << 20  # bytes of decoded images that a data set keeps
Pair = tuple[Path, Path]
Splits = Mapping[str, str | Sequence[str]]


def eight_bits(image: ImageFile.ImageFile, gray: bool) -> np.ndarray:
    """(H, W, 1 or 3) uint8. Refuses what 8-bit colours would lose."""
    colours = opaque(image)
    if not gray:
        return colours
    return colours[..., :1].copy() if image.mode in ("1", "L") else to_gray(colours)


class FolderRestoration(FolderData, RestorationData):
    """Images in a folder, decoded when they are first asked for, and then kept as far as MEMORY goes.

    `splits` names the sources of a split, one or several, where it is not a folder with the split's own name. Behind a source
    may stand a slice as Python writes it: `{"val": "val[::10]"}` takes every tenth image.
    """

    def __init__(self, root: str, splits: Splits | None = None, gray: bool = True):
        super().__init__(root, splits or ())
        self.gray, self.splits = gray, dict(splits or {})
        self._decoded: dict[Path, np.ndarray] = {}
        self._room, self._process = MEMORY, os.getpid()

    @abstractmethod
    def find(self, source: str) -> Listing:
        """The (degraded, clean) files of a source. Raises OSError where there is no such source."""

    def list_split(self, split: str) -> Listing:
        if split not in self.splits:
            return under_any_name(split, self.find)
        sources, listing = self.splits[split], Listing()
        with listing.noting():
            for source in [sources] if isinstance(sources, str) else sources:
                name, part = _sliced(source)
                found = self.find(name)
                listing.items += found.items[part]
                listing.problems += found.problems
        twice = [pair for pair, count in Counter(listing.items).items() if count > 1]
        if twice:
            listing.problems.append(f"{twice[0][0]} is in split {split!r} more than once: name it once in `splits`")
        return listing

    def name(self, split: str, index: int) -> str:
        return str(self.items(split)[index][0])

    def open(self, item: Pair) -> tuple[np.ndarray, np.ndarray]:
        pixels = {path: self._pixels(path) for path in dict.fromkeys(item)}  # a clean image alone is decoded once
        degraded, clean = (pixels[path] for path in item)
        check_size(item[0], degraded.shape, "its clean image", clean.shape)
        return degraded, clean

    def _pixels(self, path: Path) -> np.ndarray:
        if path in self._decoded:
            return self._decoded[path]
        pixels = decode(path, partial(eight_bits, gray=self.gray))
        # Processes that read ahead share what was kept before they began, and keep nothing themselves.
        if os.getpid() == self._process:
            self._room -= pixels.nbytes
            if self._room >= 0:
                self._decoded[path] = pixels
        return pixels

    def look(self, item: Pair) -> Look:
        if self._room > 0:  # these are decoded in any case, before there are processes to share them with
            for path in item:
                self._pixels(path)
        return super().look(item)

    def identity(self) -> bytes:
        return str(self.gray).encode()

    def content(self, item: Pair) -> Iterator[Path]:
        yield from dict.fromkeys(item)

    def called(self, item: Pair) -> str:
        return str(item[1])

    def picture(self, opened: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return opened[1]  # that of several degraded ones

    def summary(self, split: str) -> str:
        return f"{len(self.listing(split).items)} {'pairs' if self.paired else 'images'}"


class FolderImages(FolderRestoration):
    """Clean images in folders with the names of the splits: in the root, in `images`, or as BSDS500 has them.

    A source in `splits` is the name of such a folder, or the path, from the root, of a text file with the names of images,
    without suffix, one a line; these may lie anywhere in the root. `{"train": ["train", "val"], "test": "bsd68_ids.txt"}`
    has both.
    """

    def find(self, source: str) -> Listing:
        if source.endswith(".txt"):
            return self._listed(self.root / source)
        folders = [folder for place in PLACES if (folder := self.root / place / source).is_dir()]
        if not folders:
            raise FileNotFoundError(f"there is no folder {source!r} in {self.root}: create it, or name it in `splits`")
        pictures = files_in if source == FLAT else all_files_in
        listing = Listing()
        with listing.noting():
            listing.items += [(path, path) for path in pictures(folders[0])]
        return listing

    def _listed(self, path: Path) -> Listing:
        if not path.is_file():
            raise FileNotFoundError(f"there is no list {path}: write the names of a split's images in it, one a line")
        listing = Listing()
        with listing.noting():
            images = (found for found in self.root.rglob("*") if found.suffix.lower() in SUFFIXES)
            named = _by(stem, (found for found in images if found.name[0] != "."))
            for name, number in listed(path).items():
                found = named.get(unicodedata.normalize("NFC", name), [])
                if len(found) == 1:
                    listing.items.append((found[0], found[0]))
                else:
                    sentence = f"{name!r} names {len(found)} images, make it name one"
                    listing.problems.append(f"{path}, line {number}: {sentence}")
        return listing


class FolderPairs(FolderRestoration):
    """Folders of degraded images, each with its clean one in another folder: `<split>/<degraded>` and `<split>/<clean>`, or
    `<degraded>/<split>` and `<clean>/<split>`.

    Partners have the same name, the suffix aside. Where no two names are the same, partners are those whose first numbers
    are (rain-001 and norain-001, 1400_1 and 1400); several degraded images may share a clean one.
    """

    paired = True

    def __init__(self, root: str, degraded: str, clean: str, splits: Splits | None = None, gray: bool = False):
        super().__init__(root, splits, gray)
        self.degraded, self.clean = degraded, clean
        for kind in (degraded, clean):
            check_name(kind, f"{root}: the folder")

    def find(self, source: str) -> Listing:
        kinds = (self.degraded, self.clean)
        for degraded, clean in ([f"{source}/{kind}" for kind in kinds], [f"{kind}/{source}" for kind in kinds]):
            if (self.root / degraded).is_dir() and (self.root / clean).is_dir():
                listing = Listing()
                with listing.noting():
                    pictures = [all_files_in(self.root / kind) for kind in (degraded, clean)]
                    return partners(pictures[0], pictures[1], self.root / clean)
                return listing
        places = f"{source}/{self.degraded} and {source}/{self.clean}"
        raise FileNotFoundError(f"there are no folders {places} in {self.root}: create them, or name others")


def partners(degraded: list[Path], clean: list[Path], folder: Path) -> Listing:
    """Each degraded image with its clean one, which lies in `folder`, and a sentence for each image without a partner."""
    same = {stem(path) for path in degraded} & {stem(path) for path in clean}
    key = stem if same else _first_number
    spoilt, clear = _by(key, degraded), _by(key, clean)
    listing = Listing()
    with listing.noting():
        by_stem(degraded)
    for path in degraded:
        found = clear.get(key(path), [])
        if len(found) == 1:
            listing.items.append((path, found[0]))
        else:
            listing.problems.append(f"{path} has {len(found)} clean images in {folder}: give it one of the same name")
    for path in clean:
        if key(path) not in spoilt:
            listing.problems.append(f"{path} is the clean image of nothing: add the degraded one, or take it away")
    return listing


def _sliced(source: str) -> tuple[str, slice]:
    """A source's name and which of its images are meant: all, or those of a slice behind it."""
    found = re.fullmatch(r"(.*)\[(-?\d*):(-?\d*)(?::(-?\d*))?\]", source)
    if found is None:
        return source, slice(None)
    name, *bounds = found.groups()
    if bounds[2] and not int(bounds[2]):
        raise ValueError(f"the source {source!r} has steps of 0: give another number")
    return name, slice(*(int(bound) if bound else None for bound in bounds))


def _by(key: Callable[[Path], str], paths: Iterable[Path]) -> dict[str, list[Path]]:
    named: defaultdict[str, list[Path]] = defaultdict(list)
    for path in paths:
        named[key(path)].append(path)
    return named


def _first_number(path: Path) -> str:
    number = re.search(r"\d+", path.stem)
    return number.group() if number else path.stem


# What the folders of degraded and of clean images are usually called.
USUAL = "degraded/clean noisy/clean rain/norain rainy/clean haze/clear hazy/clear hazy/GT input/target LQ/GT"


def recognise(root: Path) -> FolderRestoration:
    """The data set in a folder: pairs, where it has folders with the usual names of pairs, else clean images."""
    for names, split in product(USUAL.split(), SPLITS):
        degraded, clean = names.split("/")
        pairs = FolderPairs(str(root), degraded, clean)
        with suppress(OSError):
            pairs.listing(split)
            return pairs
    return FolderImages(str(root), gray=False)
