"""MPII Human Pose (Andriluka et al., CVPR 2014), in the JSON files that its annotations are usually converted to."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tasks.data import ALIASES
from tasks.detection.coco_files import are_numbers
from tasks.detection.instances import BYTES, not_deep
from tasks.files import content, inside
from tasks.folders import Listing
from tasks.keypoints.data import HEAD, VISIBLE, Box, Person
from tasks.keypoints.folders import FolderKeypoints
from tasks.keypoints.skeletons import MPII

FIRST = 1  # what the annotations call the first pixel
HEIGHT = 200.0  # pixels of the box of a person whose `scale` is 1
LOWER = 15.0  # pixels, times the scale, that its middle is below the `center`, so that feet are in it (Xiao et al., ECCV 2018)


class MpiiKeypoints(FolderKeypoints):
    """`annot/<split>.json`, a list of persons, and `images`.

    A person is a dictionary with `image`, a file's name; 16 `joints`, x and y in pixels, of which the first is 1;
    `joints_vis`, 1 for each that is labelled, else 0; `center`, x and y, and `scale`, the height in pixels / 200. PCKh
    needs a `head_box` as well: x1, y1, x2, y2 of MPII's own annotations, which the usual files leave out.
    """

    skeleton, areas, heads = MPII, False, True

    @staticmethod
    def find(root: Path, split: str) -> tuple[Path, Path]:
        paths = [root / f"annot/{name}.json" for name in ALIASES.get(split, (split,))]
        for path in paths:
            if path.is_file():
                if not (root / "images").is_dir():
                    raise ValueError(f"{path} has no folder of images: put them in {root / 'images'}")
                return path, root / "images"
        raise FileNotFoundError(f"split {split!r} of {root} has no annotations: there is no {paths[0]}")

    def list_split(self, split: str) -> Listing:
        listing = Listing()
        with listing.noting():
            path, folder = self.find(self.root, split)
            persons = []
            for number, entry in enumerate(_entries(path), start=1):
                with listing.noting():
                    persons.append(self._person(entry, folder, f"{path}: person {number}"))
            listing.items = self.kept(split, persons)
        return listing

    def _person(self, entry: Any, folder: Path, what: str) -> Person:
        if not isinstance(entry, dict) or not isinstance(entry.get("image"), str):
            raise ValueError(f"{what} names no image: give it one")
        file = inside(self.root, folder, entry["image"], f"{what} has the image")
        count = len(MPII.joints)
        places: Any = entry.get("joints")
        seen: Any = entry.get("joints_vis")
        if not isinstance(places, list) or len(places) != count or not all(_of(place, 2) for place in places):
            raise ValueError(f"{what} has joints other than {count} of x and y: correct them")
        if not _of(seen, count) or not set(seen) <= {0, 1}:
            raise ValueError(f"{what} has other joints_vis than {count} of 0 and 1: correct them")
        joints = np.column_stack([np.array(places, np.float64) - FIRST, VISIBLE * np.array(seen)])
        name = file.relative_to(self.root).as_posix()
        return Person(name, joints, _box(entry, what), head=_head(entry.get("head_box"), what))


def _entries(path: Path) -> Iterator[Any]:
    with not_deep(path):
        try:
            entries = json.loads(content(path, BYTES))
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not JSON ({error}): convert it again") from None
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}, line {error.lineno}: this is not JSON ({error.msg}): convert it again") from None
        if not isinstance(entries, list):
            raise ValueError(f"{path} is no list of persons: convert it again")
        yield from entries


def _of(values: Any, count: int) -> bool:
    """Whether these are so many finite numbers."""
    return isinstance(values, list) and len(values) == count and are_numbers(values) and all(map(math.isfinite, values))


def _box(entry: dict[str, Any], what: str) -> Box:
    center: Any = entry.get("center")
    scale: Any = entry.get("scale")
    if not _of(center, 2) or not _of([scale], 1) or not scale > 0:
        raise ValueError(
            f"{what} has the center {center!r} and the scale {scale!r}: give x and y, and a positive number"
        )
    side = HEIGHT * scale
    x, y = center[0] - FIRST + 0.5, center[1] - FIRST + 0.5 + LOWER * scale
    return x - side / 2, y - side / 2, side, side


def _head(box: Any, what: str) -> float | None:
    if box is None:
        return None
    if not _of(box, 4) or not (box[0] < box[2] and box[1] < box[3]):
        raise ValueError(f"{what} has the head_box {box!r}: give x1, y1, x2 and y2, rising")
    return HEAD * math.hypot(box[2] - box[0], box[3] - box[1])
