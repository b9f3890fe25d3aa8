"""Which runs of a benchmark's protocol a folder still lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.benchmark import Benchmark, rules
from benchmarks.catalogue import run_configs
from benchmarks.records.entries import titled
from benchmarks.records.record import Record
from core import content_key


@dataclass(frozen=True)
class Lacking:
    """A run that is not finished in its folder: not begun, interrupted, or, and then why, `damaged`."""

    benchmark: str
    strategy: str
    seed: int
    damaged: tuple[str, ...] = ()


def lacking(name: str, work_dir: Path) -> Iterator[Lacking]:
    """Of every strategy and seed of a benchmark (an id, a group or a file), the runs that are not finished in `work_dir`.

    Raises ValueError where there is no such benchmark.
    """
    for strategy, config in run_configs(name):
        benchmark = Benchmark(config["benchmark"])
        for seed in [config["seed"]] if "seed" in config else benchmark.seeds:
            folder = work_dir / benchmark.id / strategy / f"seed{seed}"
            damaged = tuple(_damage(folder, config, (benchmark.id, strategy, seed)))
            if damaged or not (folder / "study.json").exists():
                yield Lacking(benchmark.id, strategy, seed, damaged)


def _damage(folder: Path, config: Mapping[str, Any], who: tuple[str, str, int]) -> list[str]:
    """Why a run cannot be resumed or counted, a sentence each; nothing where it was not begun."""
    if not (folder / "config.json").exists():
        return []
    try:
        record = Record.of(folder)
    except (ValueError, OSError) as error:
        return [str(error)]
    if record.identity != who:
        return [f"{folder} holds a copy of {titled(*record.identity)}: remove it"]
    asked, found = (content_key([rules(one["benchmark"]), rules(one["strategy"])]) for one in (config, record.config))
    if asked != found:
        return [f"{folder} is of another protocol: move it, or choose another folder"]
    return record.problems()
