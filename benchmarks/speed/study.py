"""What a study costs itself, as it grows: on the toy space, whose scores take no time."""

from __future__ import annotations

import gc
import json
import os
import time
from pathlib import Path
from typing import Any

from benchmarks.benchmark import Benchmark
from benchmarks.executors import InlineExecutor
from benchmarks.running.job import build_task
from benchmarks.study import Study
from core import build
from strategies import STRATEGIES
from tasks import Stage
from tasks.toy.formula import score
from tasks.toy.task import LEARNT, ToyTask

THOUSAND = 1000


class Instant(ToyTask):
    """Gives the noise-free score and leaves no weights."""

    def train_and_score(
        self, model: Any, stage: Stage, seed: int, start: Any, keep: Any, adopt: Any
    ) -> tuple[dict[str, float], None]:
        self.meter.count(1, stage.view.size)
        return {"score": score(model["layers"], [LEARNT] * len(model["layers"]))}, None


def study_growth(strategy: dict[str, Any], trials: int, folder: Path | None) -> dict[str, float]:
    """A study of `trials` trials, in memory or in a folder.

    Gives trials and evaluations a second (a repeated network is a trial, but not evaluated again), milliseconds a trial of the
    whole study and without waiting for the disk, the ratio of the last to the first thousand trials' seconds, and, in a folder,
    what it takes to go on from there. The garbage collector is off, as in `timeit`, but for the last. Raises ValueError for no
    more than a thousand trials.
    """
    if trials <= THOUSAND:
        raise ValueError(f"the first and the last thousand trials are compared: give more trials than {trials}")
    task = dict(type="benchmarks.speed.study.Instant")
    config = dict(
        id="speed-v1",
        task=task,
        space=dict(type="ToySpace", layers=4),
        stages=[dict(name="only", recipe=dict(epochs=1))],
        final=dict(name="final", view=dict(eval="test"), recipe=dict(epochs=1)),
        reward=dict(type="Metric", name="score"),
        budget=dict(trials=trials),
        seeds=[0],
    )
    build_task(json.dumps(task))  # which takes its time
    waited, sync = 0.0, os.fsync

    def timed(file: int) -> None:
        nonlocal waited
        started = time.perf_counter()
        sync(file)
        waited += time.perf_counter() - started

    marks: list[float] = []
    os.fsync = timed
    gc.disable()
    try:
        with Study(Benchmark(config), 0, json.dumps(task), InlineExecutor(), folder=folder) as study:
            study.watch = lambda study: marks.append(time.perf_counter() - waited)
            started = time.perf_counter()
            build(STRATEGIES, strategy).search(study)
            seconds = time.perf_counter() - started
    finally:
        os.fsync = sync
        gc.enable()
    first, last = marks[THOUSAND] - marks[0], marks[-1] - marks[-1 - THOUSAND]
    again = (
        {}
        if folder is None
        else {"ms a trial, read and played back": 1000 * played_back(config, strategy, folder) / trials}
    )
    return {
        "trials": trials,
        "trials / s": trials / seconds,
        "evaluations / s": (trials - study.counts["duplicate"]) / seconds,
        "ms a trial": 1000 * seconds / trials,
        "without the disk": 1000 * (seconds - waited) / trials,
        "last / first thousand": last / first,
        **again,
    }


def played_back(config: dict[str, Any], strategy: dict[str, Any], folder: Path) -> float:
    """The processor's seconds until a study that was interrupted stands where it stood."""
    started = time.process_time()
    with Study(Benchmark(config), 0, json.dumps(config["task"]), InlineExecutor(), folder=folder) as study:
        build(STRATEGIES, strategy).search(study)
    return time.process_time() - started
