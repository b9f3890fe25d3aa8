"""Networks that go wrong: a failed trial of the right kind each, and every other one as if nothing were."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from benchmarks.torture.command import by_number, finish, trials
from benchmarks.torture.fault import Settings, hold

FAULTY = "layer0.kernel", 5  # what those choose that go wrong
RUN = "toy-v2/random_search/seed2"  # whose fifth network is the first of these


def command(work: Path, task: str = "Sound") -> list[object]:
    options = [f"task.type=benchmarks.torture.candidates.{task}", "budget.trials=5", "budget.images=None", "gate=None"]
    asked = ["toy", "--strategy", "random_search", "--seed", 2, "--work-dir", work, "--quiet", "--cfg-options"]
    return [*asked, *(f"benchmark.{option}" for option in options)]


@lru_cache
def sound(settings: Settings) -> tuple[Path, float]:
    """The run in which nothing goes wrong, and the seconds that it took."""
    work, began = settings.room("sound"), time.monotonic()
    finish(*command(work))
    return work / RUN, time.monotonic() - began


def failing(kind: str, task: str, *extra: object, patience: bool = False) -> Callable[[Settings], str]:
    """Play a task that goes wrong in this way. A patience is long enough for a worker's start."""

    def play(settings: Settings) -> str:
        undisturbed, seconds = sound(settings)
        work = settings.room(kind)
        finish(*command(work, task), *extra, *(("--patience", max(5.0, 2 * seconds)) if patience else ()))
        expected, found = by_number(undisturbed), by_number(work / RUN)
        wrong = {trial["id"] for trial in expected if trial["arch"][FAULTY[0]] == FAULTY[1]}
        failures = {trial["id"]: trial["failure"] for trial in found if trial["status"] == "failed"}
        hold(
            failures == dict.fromkeys(wrong, kind), f"trials {failures} failed, and {sorted(wrong)} were to, by {kind}"
        )
        sane = [[trial for trial in both if trial["id"] not in wrong] for both in (expected, found)]
        hold(sane[0] == sane[1], "another trial came to something else")
        (error,) = {trial["error"] for trial in trials(work / RUN) if trial["id"] in wrong}
        return f"{len(wrong)} of {len(found)} trials failed: {error}"

    return play
