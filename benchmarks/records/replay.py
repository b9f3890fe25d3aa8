"""The table of somebody else's runs, derived again from what they recorded; nothing that they send is executed."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks.benchmark import rules
from benchmarks.catalogue import benchmarks, read_protocol
from benchmarks.files import make_folder
from benchmarks.leaderboard import Leaderboard
from benchmarks.records.bundle import BOARD, extract
from benchmarks.records.record import Record, UnbuildableError, read_records
from core import content_key, only_registered

TABLE = "leaderboard.json"


@contextmanager
def opened(place: Path) -> Iterator[Path]:
    """The folder of a bundle's content, or `place` itself where it is a folder. Raises ValueError or OSError."""
    if place.is_dir():
        yield place.resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        extract(place, Path(folder))
        yield Path(folder).resolve()


def replay(folders: Sequence[Path], out: Path | None = None) -> tuple[str, list[str]]:
    """The table of the runs in `folders`, and a sentence for each thing in their files that contradicts it.

    Studies are compared with their ledgers, their rules with those of the benchmark of that id, where this checkout has it,
    and each folder's leaderboard.json, where it has one, with its runs. Configs are read as data: what they name is built only
    where it is a space of this checkout. `out` is where to write the leaderboard. Raises ValueError where a run cannot be read.
    """
    with only_registered():
        records = read_records(folders)
        board = Leaderboard(records)
        found = [
            *board.problems(),
            *filter(None, map(_unknown_space, records)),
            *filter(None, map(_other_rules, records)),
        ]
        for folder in folders:
            for path in (folder / TABLE, folder / BOARD / TABLE):
                found += differences(path, folder) if path.is_file() else []
        if out is not None:
            make_folder(out, "--out")
            board.write(out)
        return board.markdown(), found


def _unknown_space(record: Record) -> str | None:
    """Where nobody can tell whether a study's choices are of its space. Raises ValueError where nothing could build that."""
    try:
        if record.space() is None:
            name = record.foreign()[0]
            return (
                f"{record.folder}: there is no space {name!r} here, and none is imported: its choices are not checked"
            )
    except UnbuildableError:
        raise
    except (ValueError, OSError):  # which `Record.problems` tells
        pass
    return None


def _other_rules(record: Record) -> str | None:
    """Where a study was played by other rules than those of its benchmark."""
    known = record.benchmark in benchmarks()
    if known and content_key(rules(record.config["benchmark"])) != _rules_of(record.benchmark):
        return f"{record.folder}: its rules are not those of {record.benchmark} in this checkout"
    return None


@lru_cache
def _rules_of(benchmark: str) -> str:
    return content_key(rules(read_protocol(benchmark)["benchmark"]))


def differences(path: Path, runs: Path) -> list[str]:
    """Where a leaderboard.json is not that of the runs in a folder, at full precision."""
    try:
        said = _by_row(json.loads(path.read_text()))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        return [f"{path} holds no rows of a leaderboard ({error})"]
    derived = _by_row(json.loads(Leaderboard.of([runs]).json()))
    return [f"{path}: {sentence}" for sentence in _compared(said, derived, "")]


def _by_row(rows: Any) -> dict[str, Any]:
    """Rows by benchmark and strategy. Raises ValueError, TypeError or KeyError where they are none."""
    named = {f"{row['benchmark']} {row['strategy']}": row for row in rows}
    if len(named) < len(rows):
        raise ValueError("two rows are of the same benchmark and strategy")
    return named


def _compared(said: Any, derived: Any, where: str) -> Iterator[str]:
    """A sentence for each value that is not the same in both."""
    if isinstance(said, Mapping) and isinstance(derived, Mapping):
        for name in dict.fromkeys([*derived, *said]):
            yield from _compared(said.get(name), derived.get(name), f"{where}, {name}".removeprefix(", "))
    elif said != derived or type(said) is not type(derived):
        yield f"{where} is {said!r}, and by the ledgers {derived!r}"
