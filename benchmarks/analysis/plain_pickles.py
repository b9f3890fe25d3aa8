"""Pickles of others, read as plain data: nothing that they name is imported or called."""

from __future__ import annotations

import bz2
import io
import pickle
import struct
from pathlib import Path
from typing import Any

LARGEST = 2**28  # bytes that a compressed file may unpack to
KINDS = {"b1": "?", "f4": "f", "f8": "d", "i4": "i", "i8": "q"}  # NumPy's names of numbers, and those of struct


class _Kind:
    """What kind of number NumPy has pickled: its name, "f8" say, and the order of its bytes."""

    def __init__(self, name: str, *flags: bool):
        self.name, self.order = name, "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]


def _number(kind: _Kind, data: bytes) -> float:
    return struct.unpack(kind.order + KINDS[kind.name], data)[0]


KNOWN = {
    ("builtins", "set"): set,  # before protocol 4
    ("__builtin__", "set"): set,  # and 3
    ("collections", "OrderedDict"): dict,
    ("numpy", "dtype"): _Kind,
    ("numpy.core.multiarray", "scalar"): _number,
    ("numpy._core.multiarray", "scalar"): _number,  # NumPy 2
}


class _Plain(pickle.Unpickler):
    """Reads dicts, lists, sets, texts and numbers; a pickle that names anything else is refused, as it could run code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in KNOWN:
            raise pickle.UnpicklingError(f"it holds {module}.{name}, and only plain data is read")
        return KNOWN[module, name]


def plain(path: Path) -> Any:
    """What a pickle holds, packed by bzip2 if its name ends in .pbz2; ordered dicts become dicts, NumPy's numbers Python's.

    Raises ValueError where it is damaged or holds anything else, and what unpickling raises; OSError where it is not there.
    """
    data = path.read_bytes()
    try:
        return _Plain(io.BytesIO(_unpacked(data) if path.suffix == ".pbz2" else data)).load()
    except (pickle.UnpicklingError, MemoryError, OSError) as error:  # a damaged length asks for all memory
        raise ValueError(f"{path} cannot be read: {error or 'it says that it is larger than the memory'}") from None


def _unpacked(data: bytes) -> bytes:
    """Raises OSError for what bzip2 has not packed."""
    unpacking = bz2.BZ2Decompressor()
    unpacked = unpacking.decompress(data, LARGEST)
    if not unpacking.eof:
        raise OSError(f"it is cut off, or unpacks to more than {LARGEST >> 20} MiB")
    return unpacked
