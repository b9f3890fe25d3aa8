"""COCO's instances files: the layouts that they come in, and what can be wrong with them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tasks.detection.coco_files import (
    BROKEN,
    Size,
    Splits,
    are_numbers,
    checked_splits,
    find_files,
    flag_of,
    identity_of,
    images_of,
    split_files,
)
from tasks.detection.data import Annotations, Objects, Row
from tasks.detection.folders import TRAIN, FolderDetection, area_of, fit_box, fit_boxes
from tasks.detection.instances import LARGEST, Entry, Instances, not_deep, read_instances, rows
from tasks.files import check_spelling
from tasks.folders import Listing

OTHER = -1  # the label of a category that is not kept
UNKNOWN = -2  # the place or label of what the file does not have


def _categories(path: Path, instances: Instances) -> dict[int, str]:
    """Names by id, in the order of the ids, but for those of categories that only group others."""
    names: dict[int, str] = {}
    seen: set[int] = set()
    for entry, group in zip(instances.categories, _groups(instances), strict=True):
        identity, name = identity_of(entry, seen, f"{path} has a category"), entry.get("name")
        seen.add(identity)
        if group:
            continue
        if not isinstance(name, str) or name in names.values():
            raise ValueError(f"{path}: category {identity} has the name {name!r}: give each its own name")
        names[identity] = name
    return dict(sorted(names.items()))


def _groups(instances: Instances) -> list[bool]:
    """For each category whether it only groups others, as one in Roboflow's exports does.

    It has no objects, and is the supercategory of one that has, or of one that is called like itself.
    """
    entries = [tuple(str(entry.get(key)) for key in ("id", "name", "supercategory")) for entry in instances.categories]
    used = instances.used
    above = {parent for identity, _, parent in entries if identity in used}
    own = Counter(name for _, name, parent in entries if parent == name)
    return [
        identity not in used and (name in above or own[name] > (parent == name)) for identity, name, parent in entries
    ]


def _row(path: Path, entry: Entry, image: str, size: Size, label: int) -> Row | None:
    """An annotation as an object; None: its box has no area. Raises ValueError for what makes no sense."""
    box, identity = entry.get("bbox"), entry["id"]
    if not isinstance(box, list) or len(box) != 4 or not are_numbers(box):
        raise ValueError(f"{path}: annotation {identity} has the box {box!r}: give x, y, width and height as numbers")
    x, y, width, height = map(float, box)
    what = f"{path}: the box {box} of annotation {identity} ({os.path.basename(image)})"
    fitted = fit_box((x, y, x + width, y + height), size, what)
    if fitted is None:
        return None
    area = entry.get("area")
    if area is None:
        area = area_of(fitted)
    if not are_numbers([area]) or not area >= 0:
        raise ValueError(f"{path}: annotation {identity} has the area {area!r}: give square pixels, or none")
    return fitted, label, float(area), flag_of(path, entry, "iscrowd"), flag_of(path, entry, "difficult")


def _looked_up(values: np.ndarray, table: Mapping[int, int]) -> np.ndarray:
    """What `table` says of each value; UNKNOWN where it says nothing."""
    keys = np.array(sorted(key for key in table if abs(key) < LARGEST), dtype=np.int64)
    if not len(keys):
        return np.full(len(values), UNKNOWN)
    at = np.searchsorted(keys, values).clip(max=len(keys) - 1)
    return np.where(keys[at] == values, np.array([table[key] for key in keys.tolist()])[at], UNKNOWN)


class CocoDetection(FolderDetection):
    """An instances file (JSON) and a folder of images for each split.

    `splits` names both, from the root: {"train": {"annotations": "a.json", "images": "pictures"}}; what it does not name
    is looked for in the usual places (docs/data.md). `classes` are the names to keep, in the order of their labels, and
    objects of others are left out; None: all that the training split has, in the order of their ids, but for those that
    only group others. Categories are matched by name, so ids may differ between splits. An annotation without "area" has
    its box's; "difficult" is read where it is there.
    """

    def __init__(self, root: str, splits: Splits | None = None, classes: Sequence[str] | None = None):
        super().__init__(root, splits or ())
        self.splits, self._chosen = checked_splits(splits), classes is not None
        self._grouping: set[str] = set()
        self._read: dict[Path, Instances] = {}  # until they are listed
        if classes is None:
            path = self._files(TRAIN)[0]
            self._read[path] = instances = read_instances(path)
            with not_deep(path):
                classes, groups = list(_categories(path, instances).values()), _groups(instances)
            groups = zip(instances.categories, groups, strict=True)
            self._grouping = {str(entry.get("name")) for entry, group in groups if group} - set(classes)
            check_spelling(classes, path)
        self.name_classes(classes)

    @staticmethod
    def find(root: Path, split: str) -> tuple[Path, Path]:
        """The instances file and the folder of its images. Raises ValueError where only the folder is missing."""
        return find_files(root, split)

    def _files(self, split: str) -> tuple[Path, Path]:
        return split_files(self.root, self.splits, split)

    def list_split(self, split: str) -> Listing:
        listing = Listing(Annotations.of([]))
        with listing.noting():
            path, folder = self._files(split)
            instances = self._read.pop(path, None) or read_instances(path)
            with not_deep(path):
                listing.items = self._annotations(listing, path, folder, instances)
        return listing

    def _annotations(self, listing: Listing, path: Path, folder: Path, instances: Instances) -> Annotations:
        labels = self._labels(listing, path, instances)
        files, sizes, places = images_of(self.root, folder, path, instances.images, listing)
        names = list(map(self.from_root, files))
        ids, plain, areas = (instances.column(name) for name in ("id", "plain", "area"))
        crowd, difficult = (instances.column(name).astype(bool) for name in ("iscrowd", "difficult"))
        place = _looked_up(instances.column("image_id"), places)
        label = _looked_up(instances.column("category_id"), labels)
        boxes = instances.column("bbox").reshape(-1, 4)
        boxes, wrong, empty = fit_boxes(boxes[:, :2], boxes[:, :2] + boxes[:, 2:], sizes[place])
        areas = np.where(np.isnan(areas), (boxes[:, 2:] - boxes[:, :2]).prod(1), areas)
        again = np.ones(len(ids), dtype=bool)  # with the id of an earlier one
        again[np.unique(ids, return_index=True)[1]] = False
        again &= ids != Instances.NONE
        unknown = (place == UNKNOWN) | (label == UNKNOWN)
        doubtful = np.flatnonzero((plain == 0) | again | unknown | (wrong & (place >= 0) & (label >= 0)))
        seen: set[int] = set()
        for row, entry in rows(path, doubtful) if len(doubtful) else ():
            place[row] = BROKEN
            with listing.noting():
                seen |= {int(ids[row])} if again[row] else set()
                seen.add(identity_of(entry, seen, f"{path} has an annotation"))
                for kind, known in (("image", places), ("category", labels)):
                    of = entry.get(f"{kind}_id")
                    if type(of) is not int or of not in known:
                        what = f"{path}: annotation {entry['id']} is of the {kind} {of!r}"
                        raise ValueError(f"{what}, which is not in the file: correct it")
                at, label[row] = places[entry["image_id"]], labels[entry["category_id"]]
                if label[row] >= 0 and at >= 0:  # else it is not kept, or its image is broken and named above
                    found = _row(path, entry, names[at], tuple(sizes[at].tolist()), int(label[row]))
                    empty[row] = found is None
                    if found is not None:
                        boxes[row], _, areas[row], crowd[row], difficult[row] = found
                place[row] = at
        mine = (place >= 0) & (label >= 0)
        others, dropped = (
            np.bincount(place[which], minlength=len(names)) for which in ((place >= 0) & ~mine, mine & empty)
        )
        kept = np.flatnonzero(mine & ~empty)
        kept = kept[np.argsort(place[kept], kind="stable")]
        objects = Objects(*(values[kept] for values in (boxes, label, areas, crowd, difficult)))
        return Annotations(names, sizes[: len(names)], place[kept], objects, dropped, others)

    def _labels(self, listing: Listing, path: Path, instances: Instances) -> dict[int, int]:
        """The label of each category id; OTHER: its objects are left out."""
        labels: dict[int, int] = {}
        for identity, name in _categories(path, instances).items():
            labels[identity] = self.label_of.get(name, OTHER)
            if labels[identity] == OTHER and not self._chosen and name not in self._grouping:
                which = f"{path}: category {identity} is {name!r}, which split {TRAIN!r} does not have"
                listing.problems.append(f"{which}: name it alike in both, or choose `classes`")
        return labels
