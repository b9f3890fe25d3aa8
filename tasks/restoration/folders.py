"""Folders of clean images, and of degraded images beside the clean ones."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import product
from operator import attrgetter
from pathlib import Path

import numpy as np
from PIL import ImageFile

from tasks.data import SPLITS, SUFFIXES
from tasks.folders import FolderData, Listing, Refusal, check_size, contents, decode, images_in, in_colour
from tasks.restoration.data import RestorationData, to_gray

PLACES = (".", "images", "BSDS500/data/images")  # where the folders of the splits of clean images may lie
MEMORY = 2 << 30  # bytes of decoded images that a data set keeps
Pair = tuple[Path, Path]
Splits = Mapping[str, str | Sequence[str]]
STEM = attrgetter("stem")


def eight_bits(image: ImageFile.ImageFile, gray: bool) -> np.ndarray:
    """(H, W, 1 or 3) uint8; orientation tags are not followed. Refuses what 8-bit colours would lose."""
    if image.mode[0] in "IF" or any(";16" in str(part[3]) for part in image.tile):
        raise Refusal("has more than 8 bits a channel: save it as an 8-bit image")
    if image.mode.endswith(("A", "a")) or "transparency" in image.info:
        raise Refusal("has an alpha channel: save it without transparency")
    if image.mode in ("1", "L"):
        level = np.array(image.convert("L"))[..., None]
        return level if gray else np.repeat(level, 3, 2)
    return to_gray(in_colour(image)) if gray else in_colour(image)


class FolderRestoration(FolderData, RestorationData):
    """Images in a folder, decoded when they are first asked for, and then kept as far as MEMORY goes.

    `splits` names the sources of a split, one or several, where it is not a folder with the split's own name. Behind a source
    may stand a slice as Python writes it: `{"val": "val[::10]"}` takes every tenth image.
    """

    def __init__(self, root: str, splits: Splits | None = None, gray: bool = True):
        super().__init__(root, splits or ())
        self.gray, self.splits = gray, dict(splits or {})
        self._decoded: dict[Path, np.ndarray] = {}
        self._room = MEMORY

    @abstractmethod
    def find(self, source: str) -> Listing:
        """The (degraded, clean) files of a source. Raises OSError where there is no such source."""

    def list_split(self, split: str) -> Listing:
        sources, listing = self.splits.get(split, split), Listing()
        for source in [sources] if isinstance(sources, str) else sources:
            name, part = _sliced(source)
            found = self.find(name)
            listing.items += found.items[part]
            listing.problems += found.problems
        return listing

    def name(self, split: str, index: int) -> str:
        return str(self.items(split)[index][0])

    def open(self, item: Pair) -> tuple[np.ndarray, np.ndarray]:
        degraded, clean = map(self._pixels, item)
        check_size(item[0], degraded.shape, "its clean image", clean.shape)
        return degraded, clean

    def _pixels(self, path: Path) -> np.ndarray:
        if path in self._decoded:
            return self._decoded[path]
        pixels = decode(path, partial(eight_bits, gray=self.gray))
        if pixels.nbytes <= self._room:
            self._decoded[path] = pixels
            self._room -= pixels.nbytes
        return pixels

    def identity(self) -> bytes:
        return str(self.gray).encode()

    def content(self, split: str, item: Pair) -> Iterator[bytes]:
        for path in dict.fromkeys(item):
            yield f"{split} {path.name}".encode()
            yield contents(path)

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
        return Listing([(path, path) for path in images_in(folders[0])])

    def _listed(self, path: Path) -> Listing:
        if not path.is_file():
            raise FileNotFoundError(f"there is no list {path}: write the names of a split's images in it, one a line")
        named = _by(STEM, (found for found in self.root.rglob("*") if found.suffix.lower() in SUFFIXES))
        listing = Listing()
        for number, line in enumerate(path.read_text().split("\n"), 1):
            found = named.get(line.strip(), [])
            if len(found) == 1:
                listing.items.append((found[0], found[0]))
            elif line.strip():
                sentence = f"{line.strip()!r} names {len(found)} images, make it name one"
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

    def find(self, source: str) -> Listing:
        kinds = (self.degraded, self.clean)
        for degraded, clean in ([f"{source}/{kind}" for kind in kinds], [f"{kind}/{source}" for kind in kinds]):
            if (self.root / degraded).is_dir() and (self.root / clean).is_dir():
                return partners(images_in(self.root / degraded), images_in(self.root / clean), self.root / clean)
        places = f"{source}/{self.degraded} and {source}/{self.clean}"
        raise FileNotFoundError(f"there are no folders {places} in {self.root}: create them, or name others")


def partners(degraded: list[Path], clean: list[Path], folder: Path) -> Listing:
    """Each degraded image with its clean one, which lies in `folder`, and a sentence for each image without a partner."""
    same = {path.stem for path in degraded} & {path.stem for path in clean}
    key = STEM if same else _first_number
    spoilt, clear = _by(key, degraded), _by(key, clean)
    listing = Listing()
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
