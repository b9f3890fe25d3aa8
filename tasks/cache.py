"""Folders on disk named after what they are made from."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import sys
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core import content_key
from tasks.cost import Cost, Meter

NOTE = "made_from.json"
CHUNK = 1 << 24


def cached(
    root: Path,
    kind: str,
    identity: dict[str, Any],
    make: Callable[[Path], None],
    meter: Meter,
    flaw: Callable[[Path], str | None] = lambda folder: None,
) -> tuple[Path, Cost]:
    """The folder of what `identity` describes, and what it cost to make it, now or before.

    Where it is not there, `make` fills an empty folder, which then takes its name in one step: a kill leaves nothing
    half made, and of two processes that make the same, both use the first one's. A folder whose note of its making or whose
    checksums are wrong, or with a `flaw`, is set aside and made again, once. Raises ValueError where that has a flaw, too.
    """
    folder, fault = root / f"{kind}-{content_key(identity)}", None
    for _ in range(2):
        if not os.path.lexists(folder):
            _make(folder, identity, make, meter)
        seen = _inode(folder)
        note = _noted(folder, identity)
        fault = _damage(folder, note["files"]) or flaw(folder) if note else f"has no readable {NOTE}"
        if note and fault is None:
            return folder, Cost(**note["cost"])
        aside = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.bad")
        if _inode(folder) == seen:  # else another process has done it
            with suppress(FileNotFoundError):
                os.rename(folder, aside)
                print(f"{folder} {fault}: set aside as {aside.name}", file=sys.stderr)
    raise ValueError(f"{folder} {fault}, also made anew: give another cache, or look for what changes the results")


def _noted(folder: Path, identity: dict[str, Any]) -> dict[str, Any] | None:
    """The note; None where it is none, or not the one that was written."""
    if not (folder / NOTE).is_file():  # to read a pipe has no end
        return None
    try:
        note = json.loads((folder / NOTE).read_text())
        intact = note.pop("key") == content_key(note) and content_key(note["identity"]) == content_key(identity)
        return note if intact and Cost(**note["cost"]) and isinstance(note["files"], dict) else None
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _damage(folder: Path, files: dict[str, int]) -> str | None:
    """Which file is not what was written, if any; hidden ones, as systems leave them, do not count."""
    for name, checksum in files.items():
        try:
            if not (folder / name).is_file():
                return f"has no {name}"
            if _checksum(folder / name) != checksum:
                return f"has another {name} than was written"
        except FileNotFoundError:
            return f"has no {name}"
    found = (str(path.relative_to(folder)) for path in folder.rglob("[!.]*") if not path.is_dir())
    strange = next((name for name in found if name not in files and name != NOTE), None)
    return f"has a {strange} that was not written" if strange else None


def _checksum(path: Path) -> int:
    total = 0
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            total = zlib.crc32(chunk, total)
    return total


def _make(folder: Path, identity: dict[str, Any], make: Callable[[Path], None], meter: Meter) -> None:
    _sweep(folder.parent)
    with _own(folder) as part:
        spent = meter.measure()
        make(part)
        cost = asdict(spent.cost)
        files = {str(path.relative_to(part)): _checksum(path) for path in sorted(part.rglob("*")) if path.is_file()}
        note = json.loads(json.dumps({"identity": identity, "cost": cost, "files": files}, default=str))
        (part / NOTE).write_text(json.dumps({**note, "key": content_key(note)}, indent=2))
        try:
            os.rename(part, folder)
        except OSError:
            if not os.path.lexists(folder):  # else another process was first
                raise


@contextmanager
def _own(folder: Path) -> Iterator[Path]:
    """A new folder beside one, which is locked as long as this process lives, and gone in the end."""
    while True:
        part = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}")
        part.mkdir(parents=True)
        try:
            lock = os.open(part, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            with suppress(OSError):  # some network file systems lock no folders, and then nobody removes one either
                fcntl.flock(lock, fcntl.LOCK_EX)
            if _inode(part) == os.fstat(lock).st_ino:  # else another process took it for a dead one's
                yield part
                return
        finally:
            shutil.rmtree(part, ignore_errors=True)
            os.close(lock)


def _sweep(root: Path) -> None:
    """Remove what processes were making that have been killed: nobody holds its lock."""
    for part in root.glob(".*"):
        if not re.fullmatch(r"\.\w+-[0-9a-f]{16}-[0-9a-f]{8}", part.name):
            continue
        with suppress(OSError):
            lock = os.open(part, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(part, ignore_errors=True)
            finally:
                os.close(lock)


def _inode(path: Path) -> int | None:
    try:
        return path.lstat().st_ino
    except FileNotFoundError:
        return None
