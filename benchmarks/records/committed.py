"""Results that are kept in the checkout: `benchmarks/results/<name>/`, a folder of runs and the leaderboard made of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path

from benchmarks.catalogue import benchmarks, run_configs
from benchmarks.records.record import Record, read_records
from benchmarks.records.replay import TABLE, replay
from benchmarks.run import Run

RESULTS = Path(__file__).parents[1] / "results"
TEXT = "leaderboard.md"


def committed(root: Path = RESULTS) -> list[Path]:
    """The folders of results."""
    return sorted(path for path in root.glob("*") if path.is_dir())


def differences(folder: Path) -> list[str]:
    """Where results are not what this checkout makes of their ledgers, a sentence each.

    Their ledgers contradict them, leaderboard.json or .md is another one than they make or is not there, or a benchmark has
    other rules, data or code today (data only where they are here). Raises ValueError where a run cannot be read.
    """
    folder = folder.resolve()
    with tempfile.TemporaryDirectory() as made:
        found = replay([folder], Path(made))[1]
        for name in (TABLE, TEXT):
            if not (folder / name).is_file():
                found.append(f"{folder} has no {name}: write it with tools/make_leaderboard.py")
            elif name == TEXT:
                found += _first_difference(folder / name, Path(made, name))
    for record in read_records([folder]):
        found += [f"{record.folder}: {sentence}" for sentence in _other_protocol(record)]
    return found


def _first_difference(kept: Path, made: Path) -> list[str]:
    lines = zip_longest(*(path.read_text().splitlines() for path in (kept, made)))
    differ = [(number, *pair) for number, pair in enumerate(lines, start=1) if pair[0] != pair[1]]
    return [f"{kept}, line {number} is {old!r}, and by the ledgers {new!r}" for number, old, new in differ[:1]]


def _other_protocol(record: Record) -> Iterator[str]:
    """Where the protocol that a study was played under is not the one of that id, by rules that are the same (`replay`)."""
    if record.benchmark not in benchmarks():
        yield f"there is no benchmark {record.benchmark} in this checkout"
    elif (today := _today(record.benchmark)) not in (None, record.protocol_hash):
        yield f"its protocol is {record.protocol_hash}, and that of {record.benchmark} today {today}"


@lru_cache
def _today(benchmark: str) -> str | None:
    """A protocol's hash; None where its data are not here."""
    name, config = next(run_configs(benchmark))
    try:
        return Run(config, name, 0, Path(tempfile.gettempdir(), "no runs"), "cpu").dump["protocol_hash"]
    except FileNotFoundError:
        return None
