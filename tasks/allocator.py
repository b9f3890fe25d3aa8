"""How this process gets the memory that tensors lie in."""

from __future__ import annotations

import ctypes
import errno
import os
import sys

# Names of <malloc.h>, which has no other home in Python.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
LARGEST = 2**31 - 1
FULL = (  # how torch words that there is no more
    "could not create a primitive",
    "can't allocate memory",
    "not enough memory",
    "bad_alloc",
    os.strerror(errno.ENOMEM),
)


def keep_freed_memory() -> None:
    """Let freed tensors stay with the process, for the next ones to lie in.

    glibc gives every large block back to the system and asks for it again, page by page, a step later: a quarter of the
    seconds of a training on a CPU. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, LARGEST)
        mallopt(M_TOP_PAD, 64 << 20)


def out_of_memory(error: BaseException) -> bool:
    """Does an error say that memory is too small, a GPU's or the machine's?"""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in FULL)
