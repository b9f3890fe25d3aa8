"""How the studies of a benchmark were run, and how to run them again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.catalogue import benchmarks, read_protocol
from benchmarks.records.record import Record
from benchmarks.report.rows import groups_of

FILE = "FILE"


def settings(records: Sequence[Record]) -> list[tuple[str, list[str]]]:
    """What there is to say of one benchmark's studies, each with the different values that its records hold."""
    results = [record.result for record in records if record.result]
    versions = [", ".join(f"{name} {one}" for name, one in result.get("versions", {}).items()) for result in results]
    found = {
        "protocol hash": [record.protocol_hash for record in records],
        "seeds": [f"{group[0].strategy}: {_seeds(group)}" for group in groups_of(records)],
        "budget": [json.dumps(record.config["benchmark"].get("budget")) for record in records],
        "stages": [_names(record.config["benchmark"].get("stages")) for record in records],
        "device": [result.get("device", "") for result in results],
        "versions": versions,
        "commit": [result.get("commit", "") for result in results],
    }
    return [(name, kept) for name, values in found.items() if (kept := [one for one in dict.fromkeys(values) if one])]


def commands(records: Sequence[Record]) -> list[str]:
    """What makes these records anew, as far as nothing was changed on the command line.

    FILE is the config that a benchmark or a strategy was written in, where that did not come with this checkout.
    """
    benchmark, lines = records[0].benchmark, list[str]()
    known = read_protocol(benchmark)["strategies"] if benchmark in benchmarks() else {}
    for group in groups_of(records):
        strategy = group[0].strategy
        seeds = [str(seed) for seed in sorted(record.seed for record in group)]
        what = benchmark if strategy in known else FILE
        options = ["--strategy", strategy, "--seed", *seeds, "--work-dir", "runs"]
        lines.append(shlex.join(["python", "tools/run_benchmark.py", what, *options]))
    own = [record.strategy for record in records if record.strategy not in known]
    told = [f"# {FILE}: the config in which {own[0] if known else benchmark} was written"] if own else []
    return [*told, *lines, "python tools/make_leaderboard.py runs --out leaderboard --check"]


def _seeds(group: Sequence[Record]) -> str:
    return ", ".join(f"{record.seed}{'' if record.result else ' (unfinished)'}" for record in sorted(group, key=_seed))


def _seed(record: Record) -> int:
    return record.seed


def _names(stages: Any) -> str:
    """The stages by name; nothing where somebody has changed them by hand."""
    known: Iterable[Any] = stages if isinstance(stages, list) else []
    return ", ".join(str(stage["name"]) for stage in known if isinstance(stage, dict) and "name" in stage)
