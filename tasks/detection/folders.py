"""What data sets with boxes in folders share: annotations that are parsed once, and what a box may be."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.detection.data import Annotated, Box, DetectionData, Objects, Row
from tasks.files import PIXELS, check_size, class_names, decode, in_colour
from tasks.folders import FolderData, first_layout
from tasks.registry import DATA

TRAIN = "train"  # the split that every class must have objects in, and that names the classes where nothing else does
ROUNDING = 1.0  # pixels by which a box may stick out of its image


def fit_box(box: Box, size: tuple[int, int], what: str, first: float = 0.0) -> Box | None:
    """x1, y1, x2, y2 cut to an image of (height, width), whose first pixel the annotations call `first`.

    None: the box has no area. Raises ValueError, a sentence about `what`, where it makes no sense.
    """
    height, width = size
    if not all(map(math.isfinite, box)):
        raise ValueError(f"{what} is not made of finite numbers: correct it")
    if box[2] < box[0] or box[3] < box[1]:
        raise ValueError(f"{what} has a negative width or height: correct it")
    x1, y1, x2, y2 = box[0] - first, box[1] - first, box[2], box[3]
    outside = max(-x1, -y1, x2 - width, y2 - height)
    if outside > ROUNDING:
        raise ValueError(f"{what} lies {outside:g} pixels outside its image of {width}x{height}: correct it")
    if box[0] == box[2] or box[1] == box[3]:
        return None
    x1, y1, x2, y2 = max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def fit_boxes(low: np.ndarray, high: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same for many, each in an image of its own size: (n, 4), which of them make no sense, and which have no area."""
    limits = sizes[:, ::-1].astype(np.float64)
    wrong = ~(np.isfinite(low) & np.isfinite(high) & (low <= high)) | (np.maximum(-low, high - limits) > ROUNDING)
    inside = np.where(low < 0, 0.0, low), np.where(high > limits, limits, high)
    empty = (low == high).any(1) | ~(inside[0] < inside[1]).all(1)
    return np.concatenate(inside, 1), np.asarray(wrong.any(1)), np.asarray(empty)


def size_of(height: Any, width: Any, what: str) -> tuple[int, int]:
    """A size in pixels from numbers; exporters write 640.0. Raises ValueError, a sentence about `what`."""
    for name, side in (("height", height), ("width", width)):
        if isinstance(side, bool) or not isinstance(side, int | float) or not 1 <= side <= PIXELS or side != int(side):
            raise ValueError(f"{what} has the {name} {side!r}: give it in whole pixels")
    return int(height), int(width)


def area_of(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


class FolderDetection(FolderData, DetectionData):
    """A data set with boxes in a folder; the items of a listing are `Annotations`."""

    def name_classes(self, classes: Iterable[str]) -> None:
        self.classes = class_names(classes, self.root)
        self.label_of = {name: label for label, name in enumerate(self.classes)}

    @staticmethod
    @abstractmethod
    def find(root: Path, split: str) -> Any:
        """The files that make a split of this layout. Raises OSError where it is not there."""

    def note(self, path: Path, size: tuple[int, int], rows: Sequence[Row | None], others: int) -> Annotated:
        """An image file, with a row for each object, None where its box has no area, and the number of those not kept."""
        kept = [row for row in rows if row is not None]
        return Annotated(self.from_root(path), size, Objects.of(kept), len(rows) - len(kept), others)

    def open(self, item: Annotated) -> tuple[np.ndarray, Objects]:
        path = self.root / item.name
        pixels = decode(path, in_colour)
        check_size(path, pixels.shape[:2], "its annotations say", item.size)
        return pixels, item.objects

    def annotated(self, split: str, index: int) -> Annotated:
        return self.items(split)[index]

    def identity(self) -> bytes:
        return "\n".join(self.classes).encode()

    def content(self, item: Annotated) -> Iterator[bytes | Path]:
        yield f"{item.size}".encode()
        for values in vars(item.objects).values():
            yield values.tobytes()
        yield self.root / item.name

    def called(self, item: Annotated) -> str:
        return item.name

    def problems(self, split: str) -> Iterator[str]:
        yield from super().problems(split)
        boxes = self.listing(split).items.objects.boxes
        if boxes.max(initial=0.0) <= 1 and len(boxes):
            yield f"no box of split {split!r} reaches beyond one pixel: are they shares of the images? Give pixels"
        if split == TRAIN and not self.listing(split).problems:
            for label in np.flatnonzero(self._counts(split) == 0):
                yield f"class {self.classes[label]!r} has no object in split {TRAIN!r}: annotate some, or leave it out"

    def _counts(self, split: str) -> np.ndarray:
        """(classes,): how many objects a split has, crowds left out."""
        objects = self.listing(split).items.objects
        return np.bincount(objects.labels[~objects.crowd], minlength=len(self.classes))

    def summary(self, split: str) -> str:
        """What a split holds, in one line; of what is wrong, only what could be read."""
        images, counts = self.listing(split).items, self._counts(split)
        empty = (np.diff(images.offsets) == 0).sum()
        shown = ", ".join(f"{name} {count}" for name, count in zip(self.classes, counts, strict=True))
        others = images.others.sum()
        left_out = f"objects of other names, left out: {others}; " if others else ""
        return (
            f"{len(images)} images, {empty} without objects; {counts.sum()} objects: {shown}; {left_out}"
            f"boxes without area, left out: {images.dropped.sum()}"
        )


def recognise(root: Path) -> FolderDetection:
    """The data set in a folder, in the first layout of which it has a split. Raises ValueError where it has none."""
    kinds = [DATA.get(name) for name in ("CocoDetection", "VocDetection")]
    return first_layout(root, kinds, "neither of COCO nor of Pascal VOC")
