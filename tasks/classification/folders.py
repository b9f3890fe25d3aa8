"""Images in folders of their classes, and what they share with other files that have a label for each image."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.classification.data import ClassificationData
from tasks.data import ALIASES, POOLS, SPLITS
from tasks.files import all_files_in, check_name, check_spelling, class_names, decode, existing, files_in, in_colour
from tasks.folders import FolderData, Listing, under_any_name

TRAIN = "train"  # the split that names the classes
RESERVED = {name for split in SPLITS for name in (split, *ALIASES.get(split, ()))}  # for splits


class LabelledFiles(FolderData, ClassificationData):
    """Images of a folder with a label each. Every class must have an image in each of the POOLS that is read."""

    @abstractmethod
    def label(self, item: Any) -> int:
        """That of an item of a listing, without decoding the image."""

    def label_of(self, split: str, index: int) -> int:
        return self.label(self.items(split)[index])

    def counts(self, split: str) -> np.ndarray:
        """(classes,): how many images each has."""
        return np.bincount([self.label(item) for item in self.listing(split).items], minlength=len(self.classes))

    def identity(self) -> bytes:
        return "\n".join(self.classes).encode()

    def problems(self, split: str) -> Iterator[str]:
        yield from super().problems(split)
        if split not in POOLS or self.listing(split).problems:
            return
        for label in np.flatnonzero(self.counts(split) == 0):
            yield f"class {self.classes[label]!r} has no image in split {split!r}: add some, or leave it out"
        if len(self.classes) < 2:
            yield f"split {split!r} has images of one class, {', '.join(self.classes)!r}: there is nothing to tell apart"

    def summary(self, split: str) -> str:
        counts = self.counts(split)
        fewest, most = counts.argmin(), counts.argmax()
        each = f"{counts[fewest]} ({self.classes[fewest]}) to {counts[most]} ({self.classes[most]})"
        return f"{counts.sum()} images; {len(counts)} classes of {each}"


class FolderClassification(LabelledFiles):
    """Images as `<split>/<class>/x.png`, or without splits, as the split ".", `<class>/x.png`.

    `classes` are names of folders in the order of their labels; None: those in "train", or without splits those in the root,
    sorted. Other folders and images beside those of classes are refused.
    """

    def __init__(self, root: str, classes: Sequence[str] | None = None):
        super().__init__(root)
        where = next((place for name in ALIASES[TRAIN] if (place := self.root / name).is_dir()), self.root)
        if classes is None:
            classes = [folder.name for folder in _folders(where) if where != self.root or folder.name not in RESERVED]
            check_spelling(classes, where)
            if not classes:
                raise ValueError(f"{where} has no folder of a class: put images into {TRAIN}/<class>, see docs/data.md")
        self.classes = class_names(classes, self.root)

    def list_split(self, split: str) -> Listing:
        listing = Listing()
        folder = under_any_name(split, lambda name: existing(self.root / name))
        with listing.noting():
            if loose := files_in(folder):
                listing.problems.append(f"{loose[0]} is in no class: move it into the folder of one, or remove it")
            for place in _folders(folder):
                if place.name in self.classes:
                    label = self.classes.index(place.name)
                    listing.items += [(path, label) for path in all_files_in(place)]
                else:
                    known = f"none of the {len(self.classes)} classes"
                    listing.problems.append(
                        f"{place} is {known}: rename it, give {TRAIN!r} one of the name, or remove it"
                    )
        return listing

    def label(self, item: tuple[Path, int]) -> int:
        return item[1]

    def open(self, item: tuple[Path, int]) -> tuple[np.ndarray, int]:
        return decode(item[0], in_colour), item[1]

    def content(self, item: tuple[Path, int]) -> Iterator[bytes | Path]:
        yield self.classes[item[1]].encode()
        yield item[0]

    def called(self, item: tuple[Path, int]) -> str:
        return str(item[0])


def _folders(where: Path) -> list[Path]:
    """The folders in another one, but for hidden ones."""
    found = sorted(place for place in where.iterdir() if place.is_dir() and place.name[0] != ".")
    for place in found:
        check_name(place.name, f"{where}: the folder")
    return found


def recognise(root: Path) -> LabelledFiles:
    """The data set in a folder: CIFAR's binary files, or images in folders of their classes."""
    from tasks.classification.cifar import CifarClassification, kind_in

    return CifarClassification(str(root)) if kind_in(root) else FolderClassification(str(root))
