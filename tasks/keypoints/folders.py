"""What data sets with joints in folders share: persons are listed once, images decoded when they are asked for."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.files import check_size, decode, in_colour
from tasks.folders import FolderData, first_layout
from tasks.keypoints.data import PADDING, KeypointData, Person
from tasks.registry import DATA

LARGEST = 10.0  # times the longer side of an image may a person's box be
ASTRAY = 0.1  # of the longer side of an image may a joint be outside of it, as that of a limb that is cut off


class FolderKeypoints(FolderData, KeypointData):
    """A data set with joints in a folder; the items of a listing are a `Person` each, those of an image in a row."""

    def __init__(self, root: str, splits: Any = ()):
        super().__init__(root, splits)
        self._decoded: tuple[str, np.ndarray] | None = None  # the last image, as several persons may be in it
        self._left_out: dict[str, list[Person]] = {}

    @staticmethod
    @abstractmethod
    def find(root: Path, split: str) -> tuple[Path, Path]:
        """The annotations of a split in this layout, and the folder of its images. Raises OSError where it is not there."""

    def kept(self, split: str, persons: Sequence[Person]) -> list[Person]:
        """Those with a labelled joint, by images; crowds and the others are `ignored`."""
        self._left_out[split] = [one for one in persons if one.crowd or not one.labelled]
        return sorted((one for one in persons if not one.crowd and one.labelled), key=lambda person: person.name)

    def shape(self, split: str, index: int) -> tuple[int, int]:
        return KeypointData.shape(self, split, index)  # of a person, not of the image

    def person(self, split: str, index: int) -> Person:
        return self.items(split)[index]

    def ignored(self, split: str) -> list[Person]:
        self.items(split)
        return self._left_out[split]

    def open(self, item: Person) -> tuple[np.ndarray, Person]:
        path = self.root / item.name
        if self._decoded is None or self._decoded[0] != item.name:
            self._decoded = item.name, decode(path, in_colour)
        pixels = self._decoded[1]
        if item.size is not None:
            check_size(path, pixels.shape[:2], "its annotations say", item.size)
        self._check_places(item, pixels.shape[:2])
        return pixels, item

    def _check_places(self, person: Person, size: tuple[int, ...]) -> None:
        places = person.joints[person.joints[:, 2] > 0, :2]
        astray = np.maximum(-places, places - np.array(size[::-1]) + 1).max(1)
        if astray.max() > ASTRAY * max(size):
            x, y = places[astray.argmax()]
            name = self.skeleton.joints[int(np.flatnonzero(person.joints[:, 2] > 0)[astray.argmax()])]
            where = f"({x:g}, {y:g}), far outside of its {size[1]}x{size[0]} pixels"
            raise ValueError(f"{self.root / person.name} has a {name} at {where}: correct it")
        x, y, width, height = person.box
        reach = PADDING / 2 * max(width, height)
        if not min(width, height) >= 1 or max(width, height) > LARGEST * max(size):
            raise ValueError(
                f"{self.root / person.name} has a person in a box of {width:g}x{height:g} pixels: is this another unit?"
            )
        if not (abs(places - (x + width / 2, y + height / 2)) <= reach).all(1).any():
            box = f"({x:g}, {y:g}, {width:g}, {height:g})"
            raise ValueError(
                f"{self.root / person.name} has a person whose box {box} is not around a joint: correct it"
            )

    def identity(self) -> bytes:
        return f"{self.skeleton}".encode()

    def fingerprint(self, *others: str) -> str:
        """Also over those that are left out, as these may be found: AP depends on them."""
        print = super().fingerprint(*others)
        left = [
            f"{split} {one.name} {one.box} {one.area} {one.crowd}"
            for split in dict.fromkeys((*self._names, *others))
            for one in self._left_out.get(split, ())
        ]
        return hashlib.sha256("\n".join([print, *left]).encode()).hexdigest()[:16] if left else print

    def content(self, item: Person) -> Iterator[bytes | Path]:
        yield f"{item.box} {item.area} {item.head}".encode()
        yield item.joints.tobytes()
        yield self.root / item.name

    def settings(self, item: Person) -> object:
        return item.size

    def called(self, item: Person) -> str:
        return item.name

    def summary(self, split: str) -> str:
        persons = self.listing(split).items
        joints = np.array([person.joints[:, 2] for person in persons]).reshape(-1, len(self.skeleton.joints))
        images = len({person.name for person in persons})
        labelled = f"{(joints > 0).sum(1).mean() if len(joints) else 0:.1f} of {joints.shape[1]} joints labelled"
        pairs = (self.skeleton.mirrored != np.arange(joints.shape[1])).sum() // 2
        others = f"persons without joints and crowds, left out: {len(self._left_out.get(split, ()))}"
        counted = f"{len(persons)} persons in {images} images, {labelled} on average"
        return f"{counted}; pairs of left and right: {pairs}; {others}"


def recognise(root: Path) -> FolderKeypoints:
    """The data set in a folder, in the first layout of which it has a split. Raises ValueError where it has none."""
    kinds = [DATA.get(name) for name in ("CocoKeypoints", "MpiiKeypoints")]
    return first_layout(root, kinds, "of joints neither as COCO's nor as MPII's")
