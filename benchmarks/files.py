"""Files that are written whole or not at all, and read with care."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from core.parsing import shown

LONGEST = 100  # bytes of a name: files have two in theirs, and disks take 255
LARGEST = 64 << 20  # bytes of one object in a file that a run leaves
MACHINE = (  # errors of the machine, which nobody's input is to blame for: disks, then memory
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.ESTALE),
    *(errno.ENOMEM, errno.EMFILE, errno.ENFILE),
)


def check_name(name: object, what: str) -> None:
    """Raise ValueError where no folder can be called so."""
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w.-]*", name):
        raise ValueError(f"{what} {name!r} names a folder: use letters, digits, '-', '_' and '.'")
    if len(os.fsencode(name)) > LONGEST:
        raise ValueError(f"{what} {shown(name)} names a folder: use at most {LONGEST} bytes")


def make_folder(path: Path, option: str = "--work-dir") -> None:
    """Raises ValueError where `path`, which `option` gave, can be no folder, OSError where the disk is full or broken."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in MACHINE:
            raise
        raise ValueError(f"{path} cannot be made ({error.strerror}): choose another {option}") from None


class InUseError(ValueError):
    """Another process writes this file."""


def held(path: Path) -> FileIO:
    """A file to append to, which no other process can hold while it is open. Raises ValueError, InUseError where one does."""
    there(path)
    file = FileIO(path, "a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if isinstance(error, BlockingIOError):
            raise InUseError(f"{path} is being written by another process: wait for it, or stop it first") from None
        why = f"{path} cannot be locked ({error.strerror})"
        raise ValueError(f"{why}: choose a --work-dir whose disk knows locks (flock)") from None
    return file


def append(file: FileIO, line: Mapping[str, Any]) -> None:
    """Add a line of JSON, dataclasses as objects.

    Raises OSError where the disk has no room for all of it; `whole_lines` tells what is there then.
    """
    data = json.dumps(line, allow_nan=False, default=vars).encode() + b"\n"
    try:
        while data:
            data = data[file.write(data) :]
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file.name)) from None


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with replacing(path) as part:
        part.write_text(text)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file to write, which takes the place of `path` where nothing went wrong, and is gone in any case."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def there(path: Path) -> bool:
    """Is there a file? Raises ValueError for anything else of its name: a pipe without end, a folder, a link to nothing."""
    if path.is_file():
        return True
    if os.path.lexists(path):
        raise ValueError(f"{path} is no regular file: remove it")
    return False


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file; None where there is no file. Raises ValueError, naming the file, where it is none."""
    if not there(path):
        return None
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} has more than {LARGEST >> 20} MiB: remove it and run the benchmark again")
    try:
        content = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON ({error}): remove it and run the benchmark again") from None
    if not isinstance(content, dict) or not content:
        raise ValueError(f"{path} holds no record: remove it and run the benchmark again")
    return content
