"""A small protocol on the toy task, and a finished run of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.catalogue import read_protocol
from benchmarks.executors import InlineExecutor
from benchmarks.run import Run

TOY: dict[str, Any] = {
    **json.loads(json.dumps(read_protocol("toy-v2")["benchmark"])), "id": "toy-fuzzed-v1", "budget": {"trials": 5}, "seeds": [0]
}  # fmt: skip
STRATEGY = {"type": "RegularizedEvolution", "population": 3, "tournament": 2}
RUN = "runs/toy-fuzzed-v1/evolution/seed0"
FILES = ("config.json", "study.json", "trials.jsonl", "events.jsonl")


def plain(name: str) -> dict[str, Any]:
    return json.loads(json.dumps(read_protocol(name)))


def wrote(path: Path) -> Callable[[bytes], object]:
    return path.write_bytes


def finished(folder: Path) -> Path:
    """The folder of a finished run of the toy task, in one of one's own."""
    return shutil.copytree(Path(_played().name) / RUN, folder / RUN)


@cache
def _played() -> TemporaryDirectory[str]:
    """Where it was played, once."""
    place = TemporaryDirectory()
    one = Run({"benchmark": TOY, "strategy": STRATEGY}, "evolution", 0, Path(place.name) / "runs", "cpu")
    shared = one.prepare()
    with one.open(InlineExecutor(), 1) as study:
        one.finish(study, one.strategy.search(study), shared)
    return place
