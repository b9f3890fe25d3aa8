"""What a reader of outside files may do with its input: take it, or refuse it with one sentence."""

from __future__ import annotations

import json
import os
import signal
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis.strategies import SearchStrategy

from benchmarks.ledger import DivergedError

SECONDS = 20  # of the processor, after which a reader hangs

Inputs = SearchStrategy[Any]


class Reader(NamedTuple):
    """A reader of outside files, with a sound input and what may become of it.

    `lay` puts an input where `read` finds it, below a folder in which nothing may change while it is read, but for what lies
    below `out`. Where a sentence must say which file is meant, it has one of `names`.
    """

    sound: Any
    inputs: Inputs
    read: Callable[[Any], object]
    lay: Callable[[Any], object] = lambda given: None
    names: Sequence[str] = ()
    out: str = "out"


class LateError(BaseException):
    """Nobody who catches Exception catches it."""


def accepted(reader: Reader, given: Any, folder: Path) -> bool:
    """Is an input accepted, not refused? Raises AssertionError where neither is done well."""
    reader.lay(given)
    before = _seen(folder, reader.out)
    refused = _refusal(reader, given)
    assert _seen(folder, reader.out) == before, "something was written"
    if refused is None:
        return True
    text = str(refused)
    assert isinstance(refused, ValueError | OSError | DivergedError), _shown(refused)
    assert not isinstance(refused, UnicodeError | json.JSONDecodeError), _shown(refused)
    assert text, _shown(refused)
    assert len(text.splitlines()) == 1, _shown(refused)
    assert not reader.names or any(name in text for name in reader.names), _shown(refused)
    text.encode()
    return False


def _refusal(reader: Reader, given: Any) -> Exception | None:
    def late(*_: object) -> None:
        raise LateError

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # decoders warn of what they mend
            reader.read(given)
    except Exception as error:
        return error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return None


def _shown(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500].encode("ascii", "backslashreplace").decode()


def _seen(folder: Path, out: str) -> dict[str, tuple[int, int]]:
    """Every file below a folder, with its size and the time of its last change."""
    found = {}
    for place, inner, files in os.walk(folder):
        if out in inner:
            inner.remove(out)
        for name in files:
            status = os.lstat(os.path.join(place, name))
            found[os.path.join(place, name)] = status.st_size, status.st_mtime_ns
    return found
