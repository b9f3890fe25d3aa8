"""Where COCO's files lie, and what is common to those of its tasks."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.parsing import in_a_line
from tasks.data import ALIASES
from tasks.detection.folders import size_of
from tasks.detection.instances import LARGEST, NUMBERS, Entry
from tasks.files import inside
from tasks.folders import Listing

BROKEN = -1  # the place of an image with a fault
INSTANCES = "instances"  # what files of boxes are called
Size = tuple[int, int]
Splits = Mapping[str, Mapping[str, str]]  # the annotations and the images of each


def _candidates(root: Path, split: str, kind: str) -> Iterator[tuple[Path, list[Path]]]:
    """Where the annotations of a split, of this kind, may be, and where the folder of its images."""
    for name in ALIASES.get(split, (split,)):
        for stem in (f"{name}2017", name):
            yield root / f"annotations/{kind}_{stem}.json", [root / stem, root / "images" / stem, root / "images"]
        yield root / f"annotations/{name}.json", [root / "images" / name, root / name, root / "images"]
        yield root / name / "_annotations.coco.json", [root / name]


def find_files(root: Path, split: str, kind: str = INSTANCES) -> tuple[Path, Path]:
    """The annotations of a split, of this kind, and the folder of its images, in the usual places.

    Raises FileNotFoundError, ValueError where only the folder is missing.
    """
    tried = []
    for path, folders in _candidates(root, split, kind):
        tried.append(path.relative_to(root).as_posix())
        if path.is_file():
            for folder in folders:
                if folder.is_dir():
                    return path, folder
            raise ValueError(f"{path} has no folder of images: put them in {folders[0]}, or give `splits`")
    raise FileNotFoundError(
        f"split {split!r} of {root} has no annotations: there is none of {in_a_line(', '.join(tried))}"
    )


def checked_splits(splits: Splits | None) -> dict[str, Mapping[str, str]]:
    """Raises ValueError where one does not name both."""
    for split, given in (splits or {}).items():
        if set(given) != {"annotations", "images"}:
            raise ValueError(f"split {split!r} names {sorted(given)}: name its `annotations` and its `images`")
    return dict(splits or {})


def split_files(root: Path, splits: Splits, split: str, kind: str = INSTANCES) -> tuple[Path, Path]:
    """The annotations and the images of a split as `splits` says, else as they are found. Raises FileNotFoundError."""
    if split not in splits:
        return find_files(root, split, kind)
    path, folder = (root / splits[split][part] for part in ("annotations", "images"))
    if not path.is_file() or not folder.is_dir():
        needed = in_a_line(f"the file {path} and the folder {folder}")
        raise FileNotFoundError(f"split {split!r} needs {needed}: check `splits`")
    return path, folder


def identity_of(entry: Entry, taken: Container[int], what: str) -> int:
    """An entry's id. Raises ValueError where it has none, or one that is taken."""
    identity = entry.get("id")
    if not isinstance(identity, int) or isinstance(identity, bool):
        raise ValueError(f"{what} with the id {identity!r}: ids must be whole numbers")
    if identity in taken:
        raise ValueError(f"{what} with the id {identity} for the second time: ids must be unique")
    return identity


def flag_of(path: Path, entry: Entry, name: str) -> bool:
    """A mark of an annotation: 0 or 1, as a number or true and false; none is 0."""
    value = entry.get(name)
    if isinstance(value, str) or value not in (None, 0, 1):
        raise ValueError(f"{path}: annotation {entry['id']} has the {name} {value!r}: make it 0 or 1")
    return bool(value)


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether all are numbers that a box or an area can have."""
    return all(type(value) in NUMBERS and not abs(value) > LARGEST for value in values)


def images_of(
    root: Path, folder: Path, path: Path, entries: Sequence[Entry], listing: Listing
) -> tuple[list[Path], np.ndarray, dict[int, int]]:
    """The files of the images of annotations that are sound, their (height, width), and the place of each id, also of those
    that are BROKEN, which the listing notes.

    Two more sizes stand for images that are BROKEN or UNKNOWN, so that these can be indices as well.
    """
    files: list[Path] = []
    sizes: list[Size] = []
    places: dict[int, int] = {}
    named: dict[str, int] = {}  # ids by files
    for entry in entries:
        with listing.noting():
            identity = identity_of(entry, places, f"{path} has an image")
            places[identity] = BROKEN
            name, what = entry.get("file_name"), f"{path}: image {identity}"
            if not isinstance(name, str):
                raise ValueError(f"{what} has no file_name: give it one")
            size = size_of(entry.get("height"), entry.get("width"), what)
            file = inside(root, folder, name, f"{what} has the file_name")
            before = named.setdefault(os.path.normpath(file), identity)
            if before != identity:
                raise ValueError(f"{what} has the file of image {before}, {name!r}: make one of both")
            places[identity] = len(files)
            files.append(file)
            sizes.append(size)
    return files, np.array([*sizes, (1, 1), (1, 1)]), places
