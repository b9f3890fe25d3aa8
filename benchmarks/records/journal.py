"""A file of JSON lines that a long measurement goes on from."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from itertools import islice
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from typing_extensions import Self

from benchmarks.files import append, held, make_folder, there
from benchmarks.records.lines import read_lines, whole_lines
from benchmarks.run import Run
from benchmarks.study import IN_A_ROW
from core import parse


class Measured(Protocol):
    """`error` says what went wrong, if anything did."""

    @property
    def error(self) -> str: ...


T = TypeVar("T", bound=Measured)


def _head(one: Run) -> dict[str, Any]:
    return {"protocol_hash": one.dump["protocol_hash"], "benchmark": one.benchmark.id, "device": one.task.device}


def read_entries(path: Path, one: Run, entry: type[T], what: str, device: str | None = None) -> list[T]:
    """The entries of a journal, none where there is no file.

    Raises ValueError where it is damaged, of another protocol, or of another `device` than this, if one is given.
    """
    found, seen, head = list[T](), 0, _head(one)

    def check(line: Any) -> None:
        nonlocal seen
        if seen:
            found.append(parse(entry, line, what))
        elif not isinstance(line, dict) or any(line.get(name) != head[name] for name in ("protocol_hash", "benchmark")):
            raise ValueError("it was measured under another protocol, so choose another --work-dir")
        elif device not in (None, on := line.get("device", device)):  # earlier versions did not say
            raise ValueError(f"it was measured on {on!r} and not on {device}, so choose another --work-dir")
        seen += 1

    deque(read_lines(path, what, check) if there(path) else (), maxlen=0)
    return found


class Journal(Generic[T]):
    """Entries, instances of a dataclass, in a file that begins with the protocol that they were measured under.

    While it is open, no other process can open it.
    `found` are those that are known, in their order. Raises ValueError where the file is damaged, of another protocol or
    device, or in use.
    """

    def __init__(self, path: Path, one: Run, entry: type[T], what: str):
        self.path = path
        make_folder(path.parent)
        self._file = held(path)
        try:
            self.found = read_entries(path, one, entry, what, one.task.device)
            self._file.truncate(whole_lines(path.read_bytes()))  # a kill has torn the last line
            if not path.stat().st_size:
                append(self._file, _head(one))
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def fill(self, calls: Iterable[tuple[Any, ...]], executor: Executor, workers: int) -> Iterator[T]:
        """Add what these calls give (a function and its arguments each), so many at a time, and yield each as it comes.

        Raises ValueError where so many in a row fail as end a study.
        """
        waiting, flying, failed = iter(calls), set[Future[T]](), 0
        while flying := flying | {executor.submit(*call) for call in islice(waiting, workers - len(flying))}:
            done, flying = wait(flying, return_when=FIRST_COMPLETED)
            for future in done:
                entry = future.result()
                self.add(entry)
                yield entry
                failed = failed + 1 if entry.error else 0
                if failed == IN_A_ROW:
                    raise ValueError(f"{failed} trainings in a row failed, the last with {entry.error}{self.advice}")

    @property
    def advice(self) -> str:
        return f": mend that, and take the lines with an error out of {self.path}"

    def add(self, entry: T) -> None:
        self.found.append(entry)
        append(self._file, vars(entry))
