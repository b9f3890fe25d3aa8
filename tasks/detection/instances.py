"""COCO's instances files, read as a stream: no more of one lies in memory than a few entries and what is kept of the others."""

from __future__ import annotations

import json
import math
import re
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tasks.files import Refusal, check_regular, content

BYTES = 2 << 30  # of an instances file; that of COCO's training images has 0.4 GiB
CHUNK = 1 << 20  # characters that are read at once

Entry = dict[str, Any]  # an image, an annotation or a category
LISTS = ("images", "annotations", "categories")
IMAGE = ("id", "file_name", "height", "width")  # what is kept of an image
NUMBERS = {int, float}
LARGEST = 1e15  # number that a box or an area can have
BLANK = re.compile(r"[ \t\n\r]*")


def read_instances(path: Path) -> Instances:
    """What an instances file holds. Raises ValueError, naming file and line, for what is none."""
    instances = Instances()
    with not_deep(path):
        for name, entry in entries(path):
            instances.add(name, entry)
    return instances


def entries(path: Path) -> Iterator[tuple[str, Entry | None]]:
    """Every entry of the LISTS with the name of its list, before the first one's None: a list replaces an earlier one.

    Raises ValueError where a file is not made like this: as late as its end.
    """
    try:
        check_regular(path, BYTES)
        with path.open("rb") as file:
            encoding = json.detect_encoding(file.read(4))
        with path.open(encoding=encoding, errors="surrogatepass", newline="") as file:
            yield from _Stream(file.read).entries()
    except (ValueError, Refusal):  # what is wrong, and where, is told by the decoder of the whole
        yield from _whole(path)


def rows(path: Path, wanted: Iterable[int]) -> Iterator[tuple[int, Entry]]:
    """The annotations in these rows, whole, read again."""
    chosen, row = set(wanted), 0
    for name, entry in entries(path):
        if name == "annotations":
            if entry is not None and row in chosen:
                yield row, entry
            row = 0 if entry is None else row + 1


@contextmanager
def not_deep(path: Path) -> Iterator[None]:
    """Turn Python's error for values nested without end, at which also a message that shows one fails, into a ValueError."""
    try:
        yield
    except RecursionError:
        raise ValueError(f"{path} has too many lists in each other: export it again, as COCO's instances") from None


class Instances:
    """What is kept of a file: of images what IMAGE names, categories whole, and of annotations a number in each column.

    `boxes` has four: x, y, width and height. An area is NaN where there is none. What is not `plain`, in types and ranges
    that can be right, has to be looked at by itself; so has what has the id NONE, which is no whole number.
    """

    NONE = -(2**63)

    def __init__(self) -> None:
        self.images: list[Entry] = []
        self.categories: list[Entry] = []
        self._begin()

    def _begin(self) -> None:
        self.used: set[str] = set()  # the categories that have an annotation
        self.columns: dict[str, Any] = {name: array("q") for name in ("id", "image_id", "category_id")}
        self.columns |= {"bbox": array("d"), "area": array("d")}
        self.columns |= {name: array("b") for name in ("iscrowd", "difficult", "plain")}

    def __len__(self) -> int:
        """How many annotations there are."""
        return len(self.columns["id"])

    def column(self, name: str) -> np.ndarray:
        """The values of all annotations."""
        values = self.columns[name]
        return np.array(values, dtype=values.typecode)

    def add(self, name: str, entry: Entry | None) -> None:
        """Take the next of `entries`."""
        if name == "annotations":
            self._begin() if entry is None else self._annotation(entry)
        elif entry is None:
            (self.images if name == "images" else self.categories).clear()
        elif name == "images":
            self.images.append({key: entry.get(key) for key in IMAGE})
        else:
            self.categories.append(entry)

    def _annotation(self, entry: Entry) -> None:
        columns, keys = self.columns, ("id", "image_id", "category_id", "bbox", "area", "iscrowd", "difficult")
        values: Any = map(entry.get, keys)
        identity, image, category, box, area, crowd, difficult = values
        named = type(identity) is int and abs(identity) < LARGEST
        plain = (
            named
            and type(image) is type(category) is int
            and abs(image) < LARGEST
            and abs(category) < LARGEST
            and type(box) is list
            and len(box) == 4
            and NUMBERS.issuperset(map(type, box))
            and max(map(abs, box)) <= LARGEST
            and ("area" not in entry or (type(area) in NUMBERS and 0 <= area <= LARGEST))
            and crowd in (None, 0, 1)
            and difficult in (None, 0, 1)
        )
        self.used.add(str(category))
        columns["id"].append(identity if named else self.NONE)
        columns["plain"].append(plain)
        columns["image_id"].append(image if plain else 0)
        columns["category_id"].append(category if plain else 0)
        columns["bbox"].extend(box if plain else (0, 0, 0, 0))
        columns["area"].append(area if plain and "area" in entry else math.nan)
        columns["iscrowd"].append(bool(plain and crowd))
        columns["difficult"].append(bool(plain and difficult))


class _Stream:
    """A JSON text that `read` gives piece by piece. Raises ValueError where it is none, or not three LISTS of entries."""

    def __init__(self, read: Callable[[int], str]):
        self.read, self.text, self.at, self.ended = read, "", 0, False
        self.decode = json.JSONDecoder().raw_decode

    def entries(self) -> Iterator[tuple[str, Entry | None]]:
        missing = set(LISTS)
        self._take("{")
        while True:
            name = self._value()
            self._take(":")
            if name in LISTS:
                missing.discard(name)
                yield name, None
                for entry in self._items():
                    yield name, entry
            else:
                self._value()
            if self._take(",}") == "}":
                break
        if missing or self._next():
            raise ValueError("lists are missing, or something follows")

    def _items(self) -> Iterator[Entry]:
        """The entries of a list, of which the first is next."""
        self._take("[")
        if self._next() == "]":
            self._take("]")
            return
        while True:
            entry = self._value()
            if not isinstance(entry, dict):
                raise ValueError("this is no entry")
            yield entry
            if self._take(",]") == "]":
                return

    def _take(self, allowed: str) -> str:
        """The next character, which must be one of those allowed."""
        character = self._next()
        if not character or character not in allowed:
            raise ValueError(f"{character!r} is none of {allowed}")
        self.at += 1
        return character

    def _next(self) -> str:
        """What follows after blanks; empty at the end."""
        while True:
            blank = BLANK.match(self.text, self.at)
            self.at = blank.end() if blank else self.at
            if self.at < len(self.text) or self.ended:
                return self.text[self.at : self.at + 1]
            self._more()

    def _value(self) -> Any:
        self._next()
        while True:
            try:
                value, end = self.decode(self.text, self.at)
            except json.JSONDecodeError:
                if self.ended:
                    raise
            else:
                if end < len(self.text) or self.ended:  # else more of it may follow
                    self.at = end
                    return value
            self._more()

    def _more(self) -> None:
        """As much again as is there, so that a long value is not begun again too often."""
        piece = self.read(max(CHUNK, len(self.text) - self.at))
        self.text, self.at, self.ended = self.text[self.at :] + piece, 0, not piece


def _whole(path: Path) -> Iterator[tuple[str, Entry | None]]:
    """The same of a file that is decoded at once."""
    try:
        record = json.loads(content(path, BYTES))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}: this is not JSON ({error.msg}): export it again") from None
    except ValueError as error:
        said = str(error)
        raise ValueError(
            said if said.startswith(str(path)) else f"{path} is not JSON ({said}): export it again"
        ) from None
    for name in LISTS:
        found = record.get(name) if isinstance(record, dict) else None
        if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
            raise ValueError(f"{path} has no list {name!r} of entries: export it again, as COCO's instances")
    for name in LISTS:
        yield name, None
        for entry in record[name]:
            yield name, entry
