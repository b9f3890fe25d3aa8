"""COCO's keypoints files: which joints a person has, and what can be wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.parsing import in_a_line
from tasks.detection.coco_files import (
    Splits,
    are_numbers,
    checked_splits,
    find_files,
    flag_of,
    identity_of,
    images_of,
    split_files,
)
from tasks.detection.folders import TRAIN, area_of, fit_box
from tasks.detection.instances import IMAGE, LISTS, Entry, entries, not_deep
from tasks.files import class_names
from tasks.folders import Listing
from tasks.keypoints.data import VISIBLE, Person
from tasks.keypoints.folders import FolderKeypoints
from tasks.keypoints.skeletons import COCO, Skeleton, spread

KIND = "person_keypoints"  # what COCO's files are called
READ = {
    "images": IMAGE,
    "annotations": ("id", "image_id", "category_id", "keypoints", "bbox", "area", "iscrowd"),
    "categories": ("id", "name", "keypoints", "skeleton"),
}
Lists = Mapping[str, list[Entry]]


class CocoKeypoints(FolderKeypoints):
    """A keypoints file (JSON) and a folder of images for each split; persons are cut out by their boxes.

    `splits` names both, as for `CocoDetection`; what it does not name is looked for in the usual places (docs/data.md).
    The joints are `joints`, or without these, those of the one category that has `keypoints` in the training file; other
    splits must have the same. What is called "left" and "right" changes places in a mirror. `sigmas` of their similarity are
    COCO's for joints of its names, and the mean of these for others, unless they are given. An annotation without "area", or
    with joints and 0, has its box's.
    """

    areas, heads = True, False

    def __init__(
        self,
        root: str,
        splits: Splits | None = None,
        sigmas: Sequence[float] | None = None,
        joints: Sequence[str] | None = None,
    ):
        super().__init__(root, splits or ())
        self.splits = checked_splits(splits)
        self._read: dict[Path, Lists] = {}  # until they are listed
        if joints is None:
            path = self._files(TRAIN)[0]
            self._read[path] = lists = _lists(path)
            names, limbs = _joints(path, _category(path, lists))
        else:
            names = class_names(joints, self.root)
            limbs = COCO.limbs if names == COCO.joints else ()
        self.skeleton = Skeleton(names, limbs, _sigmas(names, sigmas))

    @staticmethod
    def find(root: Path, split: str) -> tuple[Path, Path]:
        return find_files(root, split, KIND)

    def _files(self, split: str) -> tuple[Path, Path]:
        return split_files(self.root, self.splits, split, KIND)

    def list_split(self, split: str) -> Listing:
        listing = Listing()
        with listing.noting():
            path, folder = self._files(split)
            lists = self._read.pop(path, None) or _lists(path)
            with not_deep(path):
                listing.items = self.kept(split, self._persons(listing, path, folder, lists))
        return listing

    def _persons(self, listing: Listing, path: Path, folder: Path, lists: Lists) -> list[Person]:
        category = _category(path, lists)
        if _joints(path, category)[0] != self.skeleton.joints:
            expected = in_a_line(", ".join(self.skeleton.joints))
            raise ValueError(f"{path} has other joints than {expected}: give all splits the same, in one order")
        files, sizes, places = images_of(self.root, folder, path, lists["images"], listing)
        names = list(map(self.from_root, files))
        persons: list[Person] = []
        known, seen = set[int](), set[int]()
        for one in lists["categories"]:
            known.add(identity_of(one, known, f"{path} has a category"))
        for entry in lists["annotations"]:
            with listing.noting():
                seen.add(identity_of(entry, seen, f"{path} has an annotation"))
                kind = entry["category_id"]
                if type(kind) is not int or kind not in known:
                    what = f"{path}: annotation {entry['id']} is of the category {kind!r}"
                    raise ValueError(f"{what}, which is not in the file: correct it")
                if kind != category["id"]:
                    continue
                image = entry["image_id"]
                if type(image) is not int or image not in places:
                    what = f"{path}: annotation {entry['id']} is of the image {image!r}"
                    raise ValueError(f"{what}, which is not in the file: correct it")
                if places[image] >= 0:  # else its image is broken, and named above
                    size = sizes[places[image]].tolist()
                    persons.append(self._person(path, entry, names[places[image]], (size[0], size[1])))
        return persons

    def _person(self, path: Path, entry: Entry, name: str, size: tuple[int, int]) -> Person:
        what, crowd = f"{path}: annotation {entry['id']}", flag_of(path, entry, "iscrowd")
        count, values, box = len(self.skeleton.joints), entry["keypoints"], entry["bbox"]
        if not isinstance(box, list) or len(box) != 4 or not are_numbers(box):
            raise ValueError(f"{what} has the box {box!r}: give x, y, width and height as numbers")
        x, y, width, height = map(float, box)
        corners = fit_box((x, y, x + width, y + height), size, f"{what}: the box {box}")
        values = np.zeros(3 * count) if values is None and crowd else values
        if not isinstance(values, np.ndarray) or len(values) != 3 * count or not np.isfinite(values).all():
            raise ValueError(f"{what} does not have keypoints of {count} x, y and v: give it these numbers")
        joints = values.astype(np.float64).reshape(count, 3)
        if not np.isin(joints[:, 2], range(VISIBLE + 1)).all():
            raise ValueError(f"{what} has keypoints with a v other than 0, 1 and 2: correct it")
        if corners is None:
            if joints[:, 2].any():
                raise ValueError(f"{what} has joints, but a box {box} without area: correct it")
            corners = (x, y, x, y)
        area: Any = entry["area"]
        if area is None or (area == 0 and joints[:, 2].any()):
            area = area_of(corners)
        if not are_numbers([area]) or not area >= 0:
            raise ValueError(f"{what} has the area {area!r}: give square pixels, or none")
        x1, y1, x2, y2 = corners
        return Person(name, joints, (x1, y1, x2 - x1, y2 - y1), float(area), size=size, crowd=crowd)


def _lists(path: Path) -> Lists:
    """What is read of a file's entries. Raises ValueError, naming file and line, for what is none."""
    found: dict[str, list[Entry]] = {name: [] for name in LISTS}
    with not_deep(path):
        for name, entry in entries(path):
            if entry is None:
                found[name].clear()
                continue
            kept = {key: entry.get(key) for key in READ[name]}
            if name == "annotations" and isinstance(kept["keypoints"], list) and are_numbers(kept["keypoints"]):
                kept["keypoints"] = np.array(kept["keypoints"], np.float32)  # an eighth of the memory
            found[name].append(kept)
    return found


def _category(path: Path, lists: Lists) -> Entry:
    """The one whose objects have joints."""
    found = [entry for entry in lists["categories"] if entry["keypoints"]]
    if len(found) != 1:
        raise ValueError(
            f"{path} has {len(found)} categories with keypoints: leave one, and export it as COCO's keypoints"
        )
    return found[0]


def _joints(path: Path, category: Entry) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """The names of the joints, and the limbs between them, which COCO counts from 1."""
    if not isinstance(category["keypoints"], list):
        raise ValueError(f"{path} has the keypoints {category['keypoints']!r}: give a list of names")
    names, limbs = class_names(category["keypoints"], path), category["skeleton"] or []
    if not isinstance(limbs, list) or not all(
        isinstance(limb, list) and len(limb) == 2 and all(type(end) is int and 1 <= end <= len(names) for end in limb)
        for limb in limbs
    ):
        raise ValueError(f"{path} has a skeleton that is no list of pairs from 1 to {len(names)}: correct it")
    return names, tuple((one - 1, other - 1) for one, other in limbs)


def _sigmas(names: Sequence[str], given: Sequence[float] | None) -> tuple[float, ...]:
    if given is None:
        return tuple(map(spread, names))
    if len(given) != len(names) or not are_numbers(given) or not min(given) > 0:
        raise ValueError(f"sigmas must be {len(names)} positive numbers, one a joint, not {list(given)}")
    return tuple(map(float, given))
