"""A study as its record grows, for whoever looks on."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import orjson

from benchmarks.ledger import TRIALS
from benchmarks.records.entries import Line


class Recorded:
    """Running figures of a study, also of one that another process plays, read from its record."""

    def __init__(self, folder: Path):
        self.path, self.read = folder / TRIALS, 0
        self.trials, self.images, self.failed, self.refused, self.best = 0, 0, 0, 0, -math.inf

    def look(self) -> None:
        """Read what has been added."""
        deque(self.news(), maxlen=0)

    def news(self) -> Iterator[Line]:
        """The trials that have been added, each when the figures count it."""
        if not self.path.is_file():
            return
        with open(self.path, "rb") as file:
            file.seek(self.read)
            for line in file:
                if not line.endswith(b"\n"):  # it is being written
                    return
                self.read += len(line)
                trial = orjson.loads(line)
                self.trials += 1
                self.images += sum(stage["cost"]["images"] for stage in trial["stages"])
                refused = trial["failure"] == "refused"  # by a limit, say: nothing broke
                self.refused += refused
                self.failed += trial["status"] == "failed" and not refused
                if trial["status"] == "done":
                    self.best = max(self.best, trial["reward"])
                yield trial


def told(trial: Line) -> str:
    """A trial in one line: which network, what came of each stage, what it is worth, how long it took."""
    shown = [
        f"{stage['name']}: " + ", ".join(f"{name} {value:.4g}" for name, value in stage["metrics"].items())
        for stage in trial["stages"]
        if stage["metrics"]
    ]
    seconds = sum(stage["cost"]["seconds"] for stage in trial["stages"])
    if trial["error"]:
        shown.append(" ".join(trial["error"].split()))
    if trial["reward"] is not None:
        shown.append(f"reward {trial['reward']:.4g}")
    return f"trial {trial['id']} {trial['key']} {trial['status']}: {'; '.join([*shown, f'{seconds:.1f} s'])}"
