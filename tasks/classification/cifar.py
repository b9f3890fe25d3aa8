"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) in their binary files, as they are unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tasks.classification.folders import LabelledFiles
from tasks.files import class_names, content, existing, listed
from tasks.folders import Listing

SIDE = 32
PIXELS = 3 * SIDE * SIDE  # bytes of an image: all of red, then green, then blue, row by row
LARGEST = 1 << 30  # bytes of a file


class Kind(NamedTuple):
    """Where a data set's files are, how many classes it has, and where their names are.

    A record has `labels` bytes, of which the last is the class, and then an image.
    """

    folder: str
    files: dict[str, str]
    names: str
    classes: int
    labels: int


KINDS = (
    Kind("cifar-10-batches-bin", {"train": "data_batch_*.bin", "test": "test_batch.bin"}, "batches.meta.txt", 10, 1),
    Kind("cifar-100-binary", {"train": "train.bin", "test": "test.bin"}, "fine_label_names.txt", 100, 2),
)
Item = tuple[str, np.ndarray]


def kind_in(root: Path) -> tuple[Kind, Path] | None:
    """Which of both lies in a folder, or in a folder of the archive's name in it, and where."""
    for kind in KINDS:
        for place in (root, root / kind.folder):
            if any(list(place.glob(pattern)) for pattern in kind.files.values()):
                return kind, place
    return None


class CifarClassification(LabelledFiles):
    """CIFAR-10 or CIFAR-100, whichever the folder holds, splits "train" and "test"; all images are kept in memory.

    Classes are the lines of the data set's own list of names, without it numbers. `ResplitClassification` makes a split "val".
    """

    in_memory = True

    def __init__(self, root: str):
        super().__init__(root)
        found = kind_in(existing(self.root))
        if found is None:
            pickles = [path.name for path in (self.root / "data_batch_1", self.root / "train") if path.is_file()]
            hint = f"{pickles[0]} is a pickle, which may hold code and is never opened: " if pickles else ""
            raise ValueError(f"{self.root} has neither data_batch_*.bin nor train.bin: {hint}use the binary version")
        self.kind, self.place = found
        names = self.place / self.kind.names
        classes = list(listed(names)) if names.is_file() else [str(label) for label in range(self.kind.classes)]
        self.classes = class_names(classes, names)
        if len(self.classes) != self.kind.classes:
            raise ValueError(
                f"{names} has {len(self.classes)} names, not {self.kind.classes}: take that of the archive"
            )

    def list_split(self, split: str) -> Listing:
        pattern = self.kind.files.get(split, split)
        paths = sorted(self.place.glob(pattern)) if split in self.kind.files else []
        if not paths:
            raise FileNotFoundError(
                f"there is no {pattern} in {self.place} for the split {split!r}: unpack the archive again"
            )
        listing = Listing()
        for path in paths:
            with listing.noting():
                listing.items += self._records(path)
        return listing

    def _records(self, path: Path) -> list[Item]:
        data, size = np.frombuffer(content(path, LARGEST), np.uint8), self.kind.labels + PIXELS
        if len(data) == 0 or len(data) % size:
            raise ValueError(f"{path} has {len(data)} bytes, which are no records of {size}: fetch the file again")
        records = data.reshape(-1, size)
        wrong = np.flatnonzero(records[:, self.kind.labels - 1] >= self.kind.classes)
        if wrong.size:
            label = records[wrong[0], self.kind.labels - 1]
            which = f"record {wrong[0]} has the label {label}, there are {self.kind.classes} classes"
            raise ValueError(f"{path}: {which}: fetch the file again")
        return [(f"{path.name} {place}", record) for place, record in enumerate(records)]

    def label(self, item: Item) -> int:
        return int(item[1][self.kind.labels - 1])

    def open(self, item: Item) -> tuple[np.ndarray, int]:
        pixels = item[1][self.kind.labels :].reshape(3, SIDE, SIDE).transpose(1, 2, 0)
        return np.ascontiguousarray(pixels), self.label(item)

    def content(self, item: Item) -> Iterator[bytes]:
        yield item[1].tobytes()

    def called(self, item: Item) -> str:
        return item[0]
