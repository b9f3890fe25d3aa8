"""COCO's instances files: the layouts that they come in, and what can be wrong with them."""

from __future__ import annotations

import json
import math
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.detection.data import Row
from tasks.detection.folders import ALIASES, TRAIN, FolderDetection, area_of, fit_box
from tasks.folders import Listing

Entry = dict[str, Any]  # an image, an annotation or a category
Record = dict[str, list[Entry]]  # the three LISTS
LISTS = ("images", "annotations", "categories")
Splits = Mapping[str, Mapping[str, str]]  # the annotations and the images of each


def _candidates(root: Path, split: str) -> Iterator[tuple[Path, list[Path]]]:
    """Where the instances file of a split may be, and where the folder of its images."""
    for name in ALIASES.get(split, (split,)):
        for stem in (f"{name}2017", name):
            yield root / f"annotations/instances_{stem}.json", [root / stem, root / "images" / stem, root / "images"]
        yield root / f"annotations/{name}.json", [root / "images" / name, root / name, root / "images"]
        yield root / name / "_annotations.coco.json", [root / name]


def read_json(path: Path) -> Record:
    """COCO's three lists. Raises ValueError, naming file and line, for what is not an instances file."""
    try:
        record = json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}: this is not JSON ({error.msg}): export it again") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not JSON ({error}): export it again") from None
    for name in LISTS:
        entries = record.get(name) if isinstance(record, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise ValueError(f"{path} has no list {name!r} of entries: export it again, as COCO's instances")
    return {name: record[name] for name in LISTS}


def _identity(entry: Entry, taken: Container[int], what: str) -> int:
    """An entry's id. Raises ValueError where it has none, or one that is taken."""
    identity = entry.get("id")
    if not isinstance(identity, int):
        raise ValueError(f"{what} with the id {identity!r}: ids must be whole numbers")
    if identity in taken:
        raise ValueError(f"{what} with the id {identity} for the second time: ids must be unique")
    return identity


def _categories(path: Path, entries: Sequence[Entry]) -> dict[int, str]:
    """Names by id, in the order of the ids."""
    names: dict[int, str] = {}
    for entry in entries:
        identity, name = _identity(entry, names, f"{path} has a category"), entry.get("name")
        if not isinstance(name, str) or name in names.values():
            raise ValueError(f"{path}: category {identity} has the name {name!r}: give each its own name")
        names[identity] = name
    return dict(sorted(names.items()))


def _groups(record: Record) -> set[str]:
    """Categories without objects that are the supercategory of one with objects: Roboflow's exports have one."""
    used = {str(entry.get("category_id")) for entry in record["annotations"]}
    unused = {str(entry["name"]) for entry in record["categories"] if str(entry["id"]) not in used}
    return unused & {str(entry.get("supercategory")) for entry in record["categories"] if entry["name"] not in unused}


def _check_image(path: Path, entry: Entry) -> None:
    if not isinstance(entry.get("file_name"), str):
        raise ValueError(f"{path}: image {entry['id']} has no file_name: give it one")
    for side in ("height", "width"):
        if not isinstance(entry.get(side), int) or entry[side] < 1:
            raise ValueError(f"{path}: image {entry['id']} has the {side} {entry.get(side)!r}: give it in pixels")


def _row(path: Path, entry: Entry, image: Entry, label: int) -> Row | None:
    """An annotation as an object; None: its box has no area. Raises ValueError for what makes no sense."""
    box, identity = entry.get("bbox"), entry["id"]
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(value, int | float) for value in box):
        raise ValueError(f"{path}: annotation {identity} has the box {box!r}: give x, y, width and height as numbers")
    x, y, width, height = map(float, box)
    what = f"{path}: the box {box} of annotation {identity} ({image['file_name']})"
    fitted = fit_box((x, y, x + width, y + height), (image["height"], image["width"]), what)
    if fitted is None:
        return None
    area = entry.get("area", area_of(fitted))
    if not isinstance(area, int | float) or not 0 <= area < math.inf:
        raise ValueError(f"{path}: annotation {identity} has the area {area!r}: give square pixels, or none")
    return fitted, label, float(area), bool(entry.get("iscrowd")), bool(entry.get("difficult"))


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
        self._groups: set[str] = set()
        if classes is None:
            path = self._files(TRAIN)[0]
            record = read_json(path)
            names = _categories(path, record["categories"]).values()
            self._groups = _groups(record)
            classes = [name for name in names if name not in self._groups]
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
            self._fill(listing, path, folder, read_json(path))
        return listing

    def _fill(self, listing: Listing, path: Path, folder: Path, record: Record) -> None:
        labels = self._labels(listing, path, record)
        rows: dict[int, list[Row | None]] = {}
        images: dict[int, Entry] = {}
        for entry in record["images"]:
            with listing.noting():
                identity = _identity(entry, rows, f"{path} has an image")
                rows[identity] = []
                _check_image(path, entry)
                images[identity] = entry
        seen: set[int] = set()
        for entry in record["annotations"]:
            with listing.noting():
                seen.add(_identity(entry, seen, f"{path} has an annotation"))
                for kind, known in (("image", rows), ("category", labels)):
                    named = entry.get(f"{kind}_id")
                    if not isinstance(named, int) or named not in known:
                        what = f"{path}: annotation {entry['id']} is of the {kind} {named!r}"
                        raise ValueError(f"{what}, which is not in the file: correct it")
                image, label = images.get(entry["image_id"]), labels[entry["category_id"]]
                if image is None or label is None:  # the image is broken and named above, or the class is not kept
                    continue
                rows[entry["image_id"]].append(_row(path, entry, image, label))
        for identity, image in images.items():
            size = (image["height"], image["width"])
            listing.items.append(self.note(folder / image["file_name"], size, rows[identity]))

    def _labels(self, listing: Listing, path: Path, record: Record) -> dict[int, int | None]:
        """The label of each category id; None: its objects are left out."""
        labels: dict[int, int | None] = {}
        for identity, name in _categories(path, record["categories"]).items():
            labels[identity] = self.label_of.get(name)
            if labels[identity] is None and not self._chosen and name not in self._groups:
                which = f"{path}: category {identity} is {name!r}, which split {TRAIN!r} does not have"
                listing.problems.append(f"{which}: name it alike in both, or choose `classes`")
        return labels
