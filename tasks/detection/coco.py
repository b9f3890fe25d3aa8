"""COCO's instances files: the layouts that they come in, and what can be wrong with them."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tasks.data import ALIASES
from tasks.detection.data import Row
from tasks.detection.folders import TRAIN, FolderDetection, area_of, fit_box, size_of
from tasks.files import check_spelling, content, inside
from tasks.folders import Listing

BYTES = 2 << 30  # of an instances file; that of COCO's training images has 0.4 GiB

Entry = dict[str, Any]  # an image, an annotation or a category
Record = dict[str, list[Entry]]  # the three LISTS
LISTS = ("images", "annotations", "categories")
Size = tuple[int, int]
Splits = Mapping[str, Mapping[str, str]]  # the annotations and the images of each


def _candidates(root: Path, split: str) -> Iterator[tuple[Path, list[Path]]]:
    """Where the instances file of a split may be, and where the folder of its images."""
    for name in ALIASES.get(split, (split,)):
        for stem in (f"{name}2017", name):
            yield root / f"annotations/instances_{stem}.json", [root / stem, root / "images" / stem, root / "images"]
        yield root / f"annotations/{name}.json", [root / "images" / name, root / name, root / "images"]
        yield root / name / "_annotations.coco.json", [root / name]


@contextmanager
def _not_deep(path: Path) -> Iterator[None]:
    """Turn Python's error for values nested without end, at which also a message that shows one fails, into a ValueError."""
    try:
        yield
    except RecursionError:
        raise ValueError(f"{path} has too many lists in each other: export it again, as COCO's instances") from None


def read_json(path: Path) -> Record:
    """COCO's three lists. Raises ValueError, naming file and line, for what is not an instances file."""
    try:
        with _not_deep(path):
            record = json.loads(content(path, BYTES))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}: this is not JSON ({error.msg}): export it again") from None
    except ValueError as error:
        said = str(error)
        raise ValueError(
            said if said.startswith(str(path)) else f"{path} is not JSON ({said}): export it again"
        ) from None
    for name in LISTS:
        entries = record.get(name) if isinstance(record, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise ValueError(f"{path} has no list {name!r} of entries: export it again, as COCO's instances")
    return {name: record[name] for name in LISTS}


def _identity(entry: Entry, taken: Container[int], what: str) -> int:
    """An entry's id. Raises ValueError where it has none, or one that is taken."""
    identity = entry.get("id")
    if not isinstance(identity, int) or isinstance(identity, bool):
        raise ValueError(f"{what} with the id {identity!r}: ids must be whole numbers")
    if identity in taken:
        raise ValueError(f"{what} with the id {identity} for the second time: ids must be unique")
    return identity


def _categories(path: Path, record: Record) -> dict[int, str]:
    """Names by id, in the order of the ids, but for those of categories that only group others."""
    names: dict[int, str] = {}
    seen: set[int] = set()
    for entry, group in zip(record["categories"], _groups(record), strict=True):
        identity, name = _identity(entry, seen, f"{path} has a category"), entry.get("name")
        seen.add(identity)
        if group:
            continue
        if not isinstance(name, str) or name in names.values():
            raise ValueError(f"{path}: category {identity} has the name {name!r}: give each its own name")
        names[identity] = name
    return dict(sorted(names.items()))


def _groups(record: Record) -> list[bool]:
    """For each category whether it only groups others, as one in Roboflow's exports does.

    It has no objects, and is the supercategory of one that has, or of one that is called like itself.
    """
    entries = [tuple(str(entry.get(key)) for key in ("id", "name", "supercategory")) for entry in record["categories"]]
    used = {str(entry.get("category_id")) for entry in record["annotations"]}
    above = {parent for identity, _, parent in entries if identity in used}
    own = Counter(name for _, name, parent in entries if parent == name)
    return [
        identity not in used and (name in above or own[name] > (parent == name)) for identity, name, parent in entries
    ]


def _flag(path: Path, entry: Entry, name: str) -> bool:
    """A mark of an annotation: 0 or 1, as a number or true and false; none is 0."""
    value = entry.get(name)
    if isinstance(value, str) or value not in (None, 0, 1):
        raise ValueError(f"{path}: annotation {entry['id']} has the {name} {value!r}: make it 0 or 1")
    return bool(value)


def _numbers(values: Sequence[Any]) -> bool:
    """Whether all are numbers that a box or an area can have."""
    return all(type(value) in (int, float) and not abs(value) > 1e15 for value in values)


def _row(path: Path, entry: Entry, image: Path, size: Size, label: int) -> Row | None:
    """An annotation as an object; None: its box has no area. Raises ValueError for what makes no sense."""
    box, identity = entry.get("bbox"), entry["id"]
    if not isinstance(box, list) or len(box) != 4 or not _numbers(box):
        raise ValueError(f"{path}: annotation {identity} has the box {box!r}: give x, y, width and height as numbers")
    x, y, width, height = map(float, box)
    what = f"{path}: the box {box} of annotation {identity} ({image.name})"
    fitted = fit_box((x, y, x + width, y + height), size, what)
    if fitted is None:
        return None
    area = entry.get("area", area_of(fitted))
    if not _numbers([area]) or not area >= 0:
        raise ValueError(f"{path}: annotation {identity} has the area {area!r}: give square pixels, or none")
    return fitted, label, float(area), _flag(path, entry, "iscrowd"), _flag(path, entry, "difficult")


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
        self.splits, self._chosen = dict(splits or {}), classes is not None
        for split, given in self.splits.items():
            if set(given) != {"annotations", "images"}:
                raise ValueError(f"split {split!r} names {sorted(given)}: name its `annotations` and its `images`")
        self._grouping: set[str] = set()
        if classes is None:
            path = self._files(TRAIN)[0]
            record = read_json(path)
            with _not_deep(path):
                classes, groups = list(_categories(path, record).values()), _groups(record)
            groups = zip(record["categories"], groups, strict=True)
            self._grouping = {str(entry.get("name")) for entry, group in groups if group} - set(classes)
            check_spelling(classes, path)
        self.name_classes(classes)

    @staticmethod
    def find(root: Path, split: str) -> tuple[Path, Path]:
        """The instances file and the folder of its images. Raises ValueError where only the folder is missing."""
        tried = []
        for path, folders in _candidates(root, split):
            tried.append(path.relative_to(root).as_posix())
            if path.is_file():
                for folder in folders:
                    if folder.is_dir():
                        return path, folder
                raise ValueError(f"{path} has no folder of images: put them in {folders[0]}, or give `splits`")
        raise FileNotFoundError(f"split {split!r} of {root} has no annotations: there is none of {', '.join(tried)}")

    def _files(self, split: str) -> tuple[Path, Path]:
        if split not in self.splits:
            return self.find(self.root, split)
        path, folder = (self.root / self.splits[split][kind] for kind in ("annotations", "images"))
        if not path.is_file() or not folder.is_dir():
            raise FileNotFoundError(f"split {split!r} needs the file {path} and the folder {folder}: check `splits`")
        return path, folder

    def list_split(self, split: str) -> Listing:
        listing = Listing()
        with listing.noting():
            path, folder = self._files(split)
            with _not_deep(path):
                self._fill(listing, path, folder, read_json(path))
        return listing

    def _fill(self, listing: Listing, path: Path, folder: Path, record: Record) -> None:
        labels = self._labels(listing, path, record)
        rows: dict[int, list[Row | None]] = {}
        images: dict[int, tuple[Path, Size]] = {}
        named: dict[str, int] = {}  # image ids by their files
        others: Counter[int] = Counter()
        for entry in record["images"]:
            with listing.noting():
                identity = _identity(entry, rows, f"{path} has an image")
                rows[identity] = []
                name, what = entry.get("file_name"), f"{path}: image {identity}"
                if not isinstance(name, str):
                    raise ValueError(f"{what} has no file_name: give it one")
                size = size_of(entry.get("height"), entry.get("width"), what)
                file = inside(self.root, folder, name, f"{what} has the file_name")
                before = named.setdefault(os.path.normpath(file), identity)
                if before != identity:
                    raise ValueError(f"{what} has the file of image {before}, {name!r}: make one of both")
                images[identity] = file, size
        seen: set[int] = set()
        for entry in record["annotations"]:
            with listing.noting():
                seen.add(_identity(entry, seen, f"{path} has an annotation"))
                for kind, known in (("image", rows), ("category", labels)):
                    of = entry.get(f"{kind}_id")
                    if not isinstance(of, int) or of not in known:
                        what = f"{path}: annotation {entry['id']} is of the {kind} {of!r}"
                        raise ValueError(f"{what}, which is not in the file: correct it")
                at, label = entry["image_id"], labels[entry["category_id"]]
                if label is None:
                    others[at] += 1
                elif at in images:  # else it is broken and named above
                    rows[at].append(_row(path, entry, *images[at], label))
        for identity, (file, size) in images.items():
            listing.items.append(self.note(file, size, rows[identity], others[identity]))

    def _labels(self, listing: Listing, path: Path, record: Record) -> dict[int, int | None]:
        """The label of each category id; None: its objects are left out."""
        labels: dict[int, int | None] = {}
        for identity, name in _categories(path, record).items():
            labels[identity] = self.label_of.get(name)
            if labels[identity] is None and not self._chosen and name not in self._grouping:
                which = f"{path}: category {identity} is {name!r}, which split {TRAIN!r} does not have"
                listing.problems.append(f"{which}: name it alike in both, or choose `classes`")
        return labels
