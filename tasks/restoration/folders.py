"""Folders of clean images, and of degraded images beside the clean ones."""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

from tasks.restoration.data import RestorationData, to_gray

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
PLACES = (".", "images", "BSDS500/data/images")  # where the folders of the splits of clean images may lie
MEMORY = 2 << 30  # bytes of decoded images that a data set keeps
Pair = tuple[Path, Path]
Files = tuple[list[Pair], list[str]]


def decode(path: Path, gray: bool) -> np.ndarray:
    """An 8-bit image file as (H, W, 1 or 3) uint8; orientation tags are not followed.

    Raises ValueError, naming the file, where it is missing, broken, transparent or has 16 bits, which would be lost.
    """
    try:
        with Image.open(path) as image:
            flaw, layers = _flaw(image), "".join(image.getbands())
            pixels = np.array(image.convert("L" if layers in ("1", "L") else "RGB")) if flaw is None else np.zeros(0)
    except FileNotFoundError:
        raise ValueError(f"{path} is missing: put it back, or take it out of its split") from None
    except Exception as error:  # damaged bytes can make a decoder raise anything
        raise ValueError(f"{path} cannot be decoded ({error}): replace the file") from None
    if flaw is not None:
        raise ValueError(f"{path} {flaw}")
    if pixels.ndim == 2:
        return pixels[..., None] if gray else np.repeat(pixels[..., None], 3, 2)
    return to_gray(pixels) if gray else pixels


def _flaw(image: ImageFile.ImageFile) -> str | None:
    """What of an image 8-bit colours would lose, and what to do, as the rest of a sentence."""
    if image.mode[0] in "IF" or any(";16" in str(part[3]) for part in image.tile):
        return "has more than 8 bits a channel: save it as an 8-bit image"
    if image.mode.endswith(("A", "a")) or "transparency" in image.info:
        return "has an alpha channel: save it without transparency"
    return None


def images_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


class FolderRestoration(RestorationData):
    """Images in a folder, decoded when they are first asked for, and then kept as far as MEMORY goes.

    `splits` names the sources of a split, one or several, where it is not a folder with the split's own name. Behind a source
    may stand a slice as Python writes it: `{"val": "val[::10]"}` takes every tenth image.
    """

    def __init__(self, root: str, splits: Mapping[str, str | Sequence[str]] | None, gray: bool):
        super().__init__(gray)
        self.root = Path(root)
        if not self.root.is_dir():
            raise FileNotFoundError(f"there is no folder {root}: give the root of the dataset")
        self.splits = {
            name: [named] if isinstance(named, str) else list(named) for name, named in (splits or {}).items()
        }
        self._files: dict[str, Files] = {}
        self._decoded: dict[Path, np.ndarray] = {}
        self._room = MEMORY

    @abstractmethod
    def find(self, source: str) -> Files:
        """The (degraded, clean) files of a source, and a sentence for each thing wrong with their names.

        Raises OSError where there is no such source.
        """

    def files(self, split: str) -> Files:
        """The same for a split."""
        if split not in self._files:
            sources = [_sliced(source) for source in self.splits.get(split, [split])]
            found = [self.find(name) for name, _ in sources]
            pairs = [pair for (pairs, _), (_, part) in zip(found, sources, strict=True) for pair in pairs[part]]
            wrong = [sentence for _, sentences in found for sentence in sentences]
            if not pairs and not wrong:
                wrong = [f"split {split!r} of {self.root} holds no images: see docs/data.md for the layouts"]
            self._files[split] = pairs, wrong
        return self._files[split]

    def pairs(self, split: str) -> list[Pair]:
        pairs, wrong = self.files(split)
        if wrong:
            raise ValueError(wrong[0])
        return pairs

    def size(self, split: str) -> int:
        return len(self.pairs(split))

    def name(self, split: str, index: int) -> str:
        return str(self.pairs(split)[index][0])

    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self._read(self.pairs(split)[index])

    def _read(self, pair: Pair) -> tuple[np.ndarray, np.ndarray]:
        degraded, clean = map(self._pixels, pair)
        if degraded.shape != clean.shape:
            sizes = f"{degraded.shape[1]}x{degraded.shape[0]}, its clean image {clean.shape[1]}x{clean.shape[0]}"
            raise ValueError(f"{pair[0]} is {sizes}: make both of one size")
        return degraded, clean

    def _pixels(self, path: Path) -> np.ndarray:
        if path in self._decoded:
            return self._decoded[path]
        pixels = decode(path, self.gray)
        if pixels.nbytes <= self._room:
            self._decoded[path] = pixels
            self._room -= pixels.nbytes
        return pixels

    def fingerprint(self) -> str:
        """A hash over the contents of the files of all splits that are there."""
        digest = hashlib.sha256(str(self.gray).encode())
        for split in dict.fromkeys(("train", "val", "test", *self.splits)):
            with suppress(OSError):
                for path in (path for pair in self.files(split)[0] for path in dict.fromkeys(pair)):
                    digest.update(f"{split} {path.name}".encode())
                    digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    def problems(self, split: str) -> Iterator[str]:
        pairs, wrong = self.files(split)
        yield from wrong
        for pair in pairs:
            try:
                self._read(pair)
            except ValueError as error:
                yield str(error)

    def summary(self, split: str) -> str:
        """How many images a split has, in words."""
        return f"{len(self.files(split)[0])} {'pairs' if self.paired else 'images'}"


class FolderImages(FolderRestoration):
    """Clean images in folders with the names of the splits: in the root, in `images`, or as BSDS500 has them.

    A source in `splits` is the name of such a folder, or the path, from the root, of a text file with the names of images,
    without suffix, one a line; these may lie anywhere in the root. `{"train": ["train", "val"], "test": "bsd68_ids.txt"}`
    has both.
    """

    def __init__(self, root: str, splits: Mapping[str, str | Sequence[str]] | None = None, gray: bool = True):
        super().__init__(root, splits, gray)

    def find(self, source: str) -> Files:
        if source.endswith(".txt"):
            return self._listed(self.root / source)
        folders = [folder for place in PLACES if (folder := self.root / place / source).is_dir()]
        if not folders:
            raise FileNotFoundError(f"there is no folder {source!r} in {self.root}: create it, or name it in `splits`")
        return [(path, path) for path in images_in(folders[0])], []

    def _listed(self, path: Path) -> Files:
        if not path.is_file():
            raise FileNotFoundError(f"there is no list {path}: write the names of a split's images in it, one a line")
        named = _by(_stem, (found for found in self.root.rglob("*") if found.suffix.lower() in SUFFIXES))
        pairs, wrong = [], []
        for number, line in enumerate(path.read_text().split("\n"), 1):
            found = named.get(line.strip(), [])
            if len(found) == 1:
                pairs.append((found[0], found[0]))
            elif line.strip():
                wrong.append(f"{path}, line {number}: {line.strip()!r} names {len(found)} images, make it name one")
        return pairs, wrong


class FolderPairs(FolderRestoration):
    """Folders of degraded images, each with its clean one in another folder: `<split>/<degraded>` and `<split>/<clean>`, or
    `<degraded>/<split>` and `<clean>/<split>`.

    Partners have the same name, the suffix aside. Where no two names are the same, partners are those whose first numbers
    are (rain-001 and norain-001, 1400_1 and 1400); several degraded images may share a clean one.
    """

    paired = True

    def __init__(
        self,
        root: str,
        degraded: str,
        clean: str,
        splits: Mapping[str, str | Sequence[str]] | None = None,
        gray: bool = False,
    ):
        super().__init__(root, splits, gray)
        self.degraded, self.clean = degraded, clean

    def find(self, source: str) -> Files:
        for template in ("{source}/{kind}", "{kind}/{source}"):
            folders = [self.root / template.format(source=source, kind=kind) for kind in (self.degraded, self.clean)]
            if all(folder.is_dir() for folder in folders):
                return partners(images_in(folders[0]), images_in(folders[1]), folders[1])
        places = f"{source}/{self.degraded} and {source}/{self.clean}"
        raise FileNotFoundError(
            f"there are no folders {places} in {self.root}: create them, or name others in `splits`"
        )


def partners(degraded: list[Path], clean: list[Path], folder: Path) -> Files:
    """Each degraded image with its clean one, which lies in `folder`, and a sentence for each image without a partner."""
    same = {path.stem for path in degraded} & {path.stem for path in clean}
    key = _stem if same else _first_number
    spoilt, clear = _by(key, degraded), _by(key, clean)
    pairs, wrong = [], []
    for path in degraded:
        found = clear.get(key(path), [])
        if len(found) == 1:
            pairs.append((path, found[0]))
        else:
            wrong.append(f"{path} has {len(found)} clean images in {folder}: give it one of the same name")
    lonely = [path for path in clean if key(path) not in spoilt]
    wrong += [f"{path} is the clean image of nothing: add the degraded one, or take it away" for path in lonely]
    return pairs, wrong


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


def _stem(path: Path) -> str:
    return path.stem


def _first_number(path: Path) -> str:
    number = re.search(r"\d+", path.stem)
    return number.group() if number else path.stem


PAIRS = (  # what the folders of degraded and of clean images are usually called
    ("degraded", "clean"),
    ("noisy", "clean"),
    ("rain", "norain"),
    ("rainy", "clean"),
    ("haze", "clear"),
    ("hazy", "clear"),
    ("hazy", "GT"),
    ("input", "target"),
    ("LQ", "GT"),
)


def recognise(root: Path) -> FolderRestoration:
    """The data set in a folder: pairs, where it has folders with the usual names of pairs, else clean images."""
    for names, split in product(PAIRS, ("train", "val", "test")):
        pairs = FolderPairs(str(root), *names)
        with suppress(OSError):
            pairs.files(split)
            return pairs
    return FolderImages(str(root), gray=False)
