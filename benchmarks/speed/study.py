"""What a study costs itself, as it grows: evolution on the toy space, with scores from a table in memory."""

from __future__ import annotations

import gc
import os
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.benchmark import Benchmark
from benchmarks.executors import InlineExecutor
from benchmarks.job import build_task
from benchmarks.study import Study
from core import build
from strategies import STRATEGIES
from tasks import Stage
from tasks.toy.formula import score
from tasks.toy.task import LEARNT, ToyTask

LAYERS = 4
OPTIONS: list[dict[str, Any]] = [
    dict(zip(("width", "kernel", "act"), options, strict=True))
    for options in product((4, 8, 12, 16), (1, 3, 5), ("none", "relu", "tanh"))
]
PLACE = {tuple(layer.values()): place for place, layer in enumerate(OPTIONS)}
THOUSAND = 1000


class Table(ToyTask):
    """The noise-free scores of all toy networks of LAYERS layers, looked up."""

    def __init__(self, cache: str = "", device: str = "cpu"):
        super().__init__(cache, device)
        total = np.array([_total([layer]) for layer in OPTIONS])
        for depth in range(1, LAYERS):
            total = total[..., None] + _added(depth).reshape((1,) * (depth - 1) + (len(OPTIONS),) * 2)
        self.scores = (total / LAYERS).ravel()

    def train_and_score(
        self, model: Any, stage: Stage, seed: int, start: Any, keep: Any, adopt: Any
    ) -> tuple[dict[str, float], None]:
        place = 0
        for layer in model["layers"]:
            place = place * len(OPTIONS) + PLACE[layer["width"], layer["kernel"], layer["act"]]
        self.meter.count(1, stage.view.size)
        return {"score": float(self.scores[place])}, None


def _total(layers: list[dict[str, Any]]) -> float:
    """The sum over layers of which the score is the mean."""
    return len(layers) * score(layers, [LEARNT] * len(layers))


def _added(depth: int) -> np.ndarray:
    """What a layer at `depth` adds to the total, by the layer before it and by itself."""
    before = OPTIONS[:1] * (depth - 1)
    return np.array([[_total([*before, old, new]) - _total([*before, old]) for new in OPTIONS] for old in OPTIONS])


def study_growth(strategy: dict[str, Any], trials: int, folder: Path | None) -> dict[str, float]:
    """A study of `trials` trials, in memory or in a folder.

    Gives trials and evaluations a second (a repeated network is a trial, but not evaluated again), milliseconds a trial of the
    whole study and without waiting for the disk, and the ratio of the last to the first thousand trials' seconds. The garbage
    collector is off, as in `timeit`.
    """
    config = dict(
        id="speed-v1",
        task=dict(type="benchmarks.speed.study.Table"),
        space=dict(type="ToySpace", layers=LAYERS),
        stages=[dict(name="only", recipe=dict(epochs=1))],
        final=dict(name="final", view=dict(eval="test"), recipe=dict(epochs=1)),
        reward=dict(type="Metric", name="score"),
        budget=dict(trials=trials),
        seeds=[0],
    )
    task = '{"type": "benchmarks.speed.study.Table"}'
    build_task(task)
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
        with Study(Benchmark.of(config), 0, task, InlineExecutor(), folder=folder) as study:
            study.watch = lambda study: marks.append(time.perf_counter() - waited)
            started = time.perf_counter()
            build(STRATEGIES, strategy).search(study)
            seconds = time.perf_counter() - started
    finally:
        os.fsync = sync
        gc.enable()
    first, last = marks[THOUSAND] - marks[0], marks[-1] - marks[-1 - THOUSAND]
    return {
        "trials": trials,
        "trials / s": trials / seconds,
        "evaluations / s": (trials - study.counts["duplicate"]) / seconds,
        "ms a trial": 1000 * seconds / trials,
        "without the disk": 1000 * (seconds - waited) / trials,
        "last / first thousand": last / first,
    }
