"""What data sets in folders share: annotations that are parsed once, images that are read when they are asked for."""

from __future__ import annotations

import hashlib
import math
import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tasks.detection.data import Box, DetectionData, Objects
from tasks.registry import DATA

SPLITS = ("train", "val", "test")
TRAIN = "train"  # the split that every class must have objects in, and that names the classes where nothing else does
ALIASES = {"val": ("val", "valid")}  # what folders and lists of a split may be called, where not like the split
ROUNDING = 1.0  # pixels by which a box may stick out of its image


@dataclass(frozen=True)
class Annotated:
    """An image file, with the size and the objects that its annotations claim."""

    path: Path
    height: int
    width: int
    objects: Objects

    def decode(self) -> np.ndarray:
        """(H, W, 3) RGB uint8. Raises ValueError, naming the file, where it is missing, broken or of another size."""
        try:
            with Image.open(self.path) as image:
                pixels = np.array(image.convert("RGB"))
        except FileNotFoundError:
            raise ValueError(f"{self.path} is missing: every annotated image must be there") from None
        except (OSError, SyntaxError) as error:
            raise ValueError(f"{self.path} cannot be decoded ({error}): replace the file") from None
        height, width = pixels.shape[:2]
        if (height, width) != (self.height, self.width):
            sizes = f"{width}x{height}, its annotations say {self.width}x{self.height}"
            raise ValueError(f"{self.path} is {sizes}: correct them, and the boxes with them")
        return pixels


@dataclass
class Parsed:
    """The annotations of a split: images, boxes left out because they have no area, and all that is wrong."""

    images: list[Annotated] = field(default_factory=list)
    dropped: int = 0
    problems: list[str] = field(default_factory=list)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Turn a ValueError into one of the problems."""
        try:
            yield
        except ValueError as error:
            self.problems.append(str(error))


def fit_box(box: Box, height: int, width: int, first: float = 0.0) -> Box | None:
    """x1, y1, x2, y2 cut to the image, whose first pixel the annotations call `first`; None: the box has no area.

    Raises ValueError, the rest of a sentence that begins with the box, where it makes no sense.
    """
    if not all(map(math.isfinite, box)):
        raise ValueError("is not made of finite numbers: correct it")
    if box[2] < box[0] or box[3] < box[1]:
        raise ValueError("has a negative width or height: correct it")
    x1, y1, x2, y2 = box[0] - first, box[1] - first, box[2], box[3]
    outside = max(-x1, -y1, x2 - width, y2 - height)
    if outside > ROUNDING:
        raise ValueError(f"lies {outside:g} pixels outside its image of {width}x{height}: correct it")
    if box[0] == box[2] or box[1] == box[3]:
        return None
    x1, y1, x2, y2 = max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


class FolderDetection(DetectionData):
    """A data set in a folder: a split is parsed once and its annotations kept; images are read when they are asked for.

    Where the annotations of a split have a problem, all that reads the split raises it as ValueError.
    """

    def __init__(self, root: str, splits: Iterable[str]):
        self.root = Path(root)
        if not self.root.is_dir():
            raise FileNotFoundError(f"there is no folder {root}: give the root of the dataset")
        self._named = tuple(dict.fromkeys((*SPLITS, *splits)))
        self._parsed: dict[str, Parsed] = {}

    def name_classes(self, classes: Iterable[str]) -> None:
        self.classes = tuple(classes)
        self.label_of = {name: label for label, name in enumerate(self.classes)}
        if not self.classes:
            raise ValueError(f"{self.root} has no classes: annotate objects, or give `classes`")
        if len(self.label_of) < len(self.classes):
            raise ValueError(f"classes of {self.root} are named twice: {', '.join(self.classes)}")

    @staticmethod
    @abstractmethod
    def find(root: Path, split: str) -> Any:
        """The files that make a split of this layout. Raises OSError where it is not there."""

    @abstractmethod
    def parse(self, split: str) -> Parsed:
        """Read the annotations of a split. Raises OSError where there is no such split."""

    def parsed(self, split: str) -> Parsed:
        if split not in self._parsed:
            parsed = self.parse(split)
            if not parsed.images and not parsed.problems:
                parsed.problems.append(
                    f"split {split!r} of {self.root} holds no images: see docs/data.md for the layouts"
                )
            self._parsed[split] = parsed
        return self._parsed[split]

    def images(self, split: str) -> list[Annotated]:
        parsed = self.parsed(split)
        if parsed.problems:
            raise ValueError(parsed.problems[0])
        return parsed.images

    def size(self, split: str) -> int:
        return len(self.images(split))

    def read(self, split: str, index: int) -> tuple[np.ndarray, Objects]:
        image = self.images(split)[index]
        return image.decode(), image.objects

    def objects(self, split: str, index: int) -> Objects:
        return self.images(split)[index].objects

    def image_size(self, split: str, index: int) -> tuple[int, int]:
        image = self.images(split)[index]
        return image.height, image.width

    def file_name(self, split: str, index: int) -> str:
        return Path(os.path.relpath(self.images(split)[index].path, self.root)).as_posix()

    def dropped(self, split: str) -> int:
        """How many boxes of a split have no area and are left out."""
        return self.parsed(split).dropped

    def fingerprint(self) -> str:
        """A hash over classes, annotations and the contents of the images of all splits that are there."""
        digest = hashlib.sha256("\n".join(self.classes).encode())
        for split in self._named:
            try:
                images = self.parsed(split).images
            except OSError:
                continue
            for image in images:
                digest.update(f"{split} {image.path.name} {image.height} {image.width}".encode())
                for values in vars(image.objects).values():
                    digest.update(values.tobytes())
                digest.update(image.path.read_bytes() if image.path.is_file() else b"missing")
        return digest.hexdigest()[:16]

    def problems(self, split: str) -> Iterator[str]:
        parsed = self.parsed(split)
        yield from parsed.problems
        for image in parsed.images:
            try:
                image.decode()
            except ValueError as error:
                yield str(error)
        if split == TRAIN and not parsed.problems:
            for label in np.flatnonzero(self._counts(split) == 0):
                yield f"class {self.classes[label]!r} has no object in split {TRAIN!r}: annotate some, or leave it out"

    def _counts(self, split: str) -> np.ndarray:
        """(classes,): how many objects a split has, crowds left out."""
        labels = [image.objects.labels[~image.objects.crowd] for image in self.parsed(split).images]
        return np.bincount(np.concatenate([np.zeros(0, dtype=np.int64), *labels]), minlength=len(self.classes))

    def summary(self, split: str) -> str:
        """What a split holds, in one line; of what is wrong, only what could be read."""
        parsed, counts = self.parsed(split), self._counts(split)
        empty = sum(not image.objects.labels.size for image in parsed.images)
        shown = ", ".join(f"{name} {count}" for name, count in zip(self.classes, counts, strict=True))
        return (
            f"{len(parsed.images)} images, {empty} without objects; {counts.sum()} objects: {shown}; "
            f"boxes without area, left out: {parsed.dropped}"
        )


def recognise(root: Path) -> FolderDetection:
    """The data set in a folder, in the first layout of which it has a split. Raises ValueError where it has none."""
    if not root.is_dir():
        raise ValueError(f"there is no folder {root}: give the dataset's root")
    for name, split in product(("CocoDetection", "VocDetection"), SPLITS):
        kind = DATA.get(name)
        try:
            kind.find(root, split)
        except OSError:
            continue
        return kind(str(root))
    raise ValueError(f"{root} has annotations neither of COCO nor of Pascal VOC: see docs/data.md")
