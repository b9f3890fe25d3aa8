"""What was found out about the files of a data set, kept in a task's cache: no later process reads and decodes them again."""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

import PIL

from core import content_key
from tasks.files import Refusal, check_regular

VERSION = 1  # of looks: another number where others are sound, or more is counted of them
CHUNK = 1 << 20  # bytes read at once
SETTLED = 2_000_000_000  # nanoseconds: a younger file may change once more within the same time stamp
MISSING = b"missing"
_folder = ContextVar("the cache of data sets that are built, empty: none", default="")


@contextmanager
def looks_kept_in(cache: str) -> Iterator[None]:
    """Data sets in folders that are built within it, also as a part of others, keep their looks in this folder."""
    before = _folder.set(cache)
    try:
        yield
    finally:
        _folder.reset(before)


class Look(NamedTuple):
    """What a check finds in a sound item: (height, width) and a hash of its picture, and what it adds to a count, as JSON."""

    shape: tuple[int, int]
    print: bytes
    tally: Any


class Looks:
    """Digests of files by their path, size and time of change, and looks at items by a key of all that they are read from.

    They are those of a file in the cache, as far as it is whole. Of two processes that write it at once, one may lose what is
    new, which is then found out once more.
    """

    def __init__(self, cache: str, root: Path, identity: object):
        what = content_key([VERSION, PIL.__version__, str(root.resolve()), identity])
        self.root, self.path = str(root), Path(cache) / f"looks-{what}"
        self.files, self.looks = _read(self.path)
        self.new = False

    def digest(self, path: Path) -> bytes:
        name = str(path).removeprefix(self.root)
        try:
            status = path.stat()
        except (OSError, ValueError):
            return MISSING
        stamp = [status.st_size, status.st_mtime_ns]
        *known, digest = self.files.get(name, [""])
        if known == stamp:
            return bytes.fromhex(digest)
        found = file_digest(path)
        if found != MISSING and time.time_ns() - status.st_mtime_ns > SETTLED:
            self.files[name], self.new = [*stamp, found.hex()], True
        return found

    def get(self, key: str) -> Look | None:
        if key not in self.looks:
            return None
        height, width, print, tally = self.looks[key]
        return Look((height, width), bytes.fromhex(print), tally)

    def add(self, key: str, look: Look) -> None:
        self.looks[key], self.new = [*look.shape, look.print.hex(), look.tally], True

    def write(self) -> None:
        """Add them to what the file holds by now, which is replaced in one step."""
        if not self.new:
            return
        both = zip(_read(self.path), (self.files, self.looks), strict=True)
        text = json.dumps([{**there, **mine} for there, mine in both]).encode()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(f".{self.path.name}-{uuid.uuid4().hex[:8]}")
        try:
            part.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
            os.replace(part, self.path)
        finally:
            part.unlink(missing_ok=True)
        self.new = False


def _read(path: Path) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Those of a file; none where it is not there, or is not what was written."""
    with suppress(OSError, ValueError, Refusal):
        check_regular(path)
        checksum, _, text = path.read_bytes().partition(b"\n")
        if checksum == hashlib.sha256(text).hexdigest().encode():
            files, looks = json.loads(text)
            return files, looks
    return {}, {}


def file_digest(path: Path) -> bytes:
    """A hash of a file and its name."""
    try:
        check_regular(path)
        digest = hashlib.sha256()
        with path.open("rb") as file:  # hashlib.file_digest is not in Python 3.10
            while chunk := file.read(CHUNK):
                digest.update(chunk)
        return path.name.encode() + digest.digest()
    except (OSError, Refusal):
        return MISSING


def cache_of_looks() -> str:
    return _folder.get()
