"""A protocol for somebody's own images that fits the machine, the time and a limit."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np

from benchmarks.benchmark import Benchmark
from benchmarks.own.limit import Limit, told
from benchmarks.own.protocols import PROTOCOLS, WIDTHS, Width
from benchmarks.running.job import build_task
from core import build
from tasks import Stage, Task
from tasks.registry import DATA

SEARCH, FINAL = 0.4, 0.5  # shares of the time that is left; some trainings take longer than the one that is tried out
RESERVE = 90.0  # seconds for imports, ONNX and the page
TRIALS = 16  # are aimed at: fewer are no search, and shorter trainings do not tell networks apart
TRIAL_EPOCHS, FINAL_EPOCHS = (2, 40), (3, 2000)
CROPS = 48  # of the final training are tried out
SAMPLES, ENOUGH = 24, 0.3  # networks that are looked at, and which share of them must keep a limit
LONGEST = ((15, 256), (60, 384), (240, 512), (math.inf, 1024))  # up to so many minutes, the longer side in pixels
# And the channels of what is searched: wide networks learn nothing in a hurry.
WIDEST = ((15, 32), (120, 48), (math.inf, 64))

Config = dict[str, Any]


@dataclass(frozen=True)
class Wish:
    """What somebody asks for: a task, the config of the data, minutes, a limit or none, an encoder's weights or none."""

    task: str
    data: Config
    minutes: float
    limit: Limit | None = None
    encoder: str | None = None


def planned(wish: Wish, local: Config, workers: int, began: float, tell: Callable[[str], object]) -> Config:
    """The config of a benchmark with its one strategy.

    `local` are cache and device, `workers` trials run at a time, and the minutes began at `began` (of `time.monotonic`). A
    network from the space is trained for an epoch to know how long that takes here. Raises ValueError where no
    network keeps the limit, or something is wrong with the images.
    """
    size, width, kept = _fitting(wish, local)
    config = PROTOCOLS[wish.task](wish.data, size, width, wish.encoder)
    task, benchmark = build_task(json.dumps({**config["task"], **local})), Benchmark(config)
    task.prepare([*benchmark.stages, benchmark.final])
    network, stage = _kept(wish, benchmark, task), benchmark.stages[0]
    short, long = (Training.tried(task, network, one) for one in (stage, benchmark.final))
    left = max(60 * wish.minutes - (time.monotonic() - began) - RESERVE, 20 * wish.minutes)
    epochs = short.epochs(left * SEARCH * workers / TRIALS, TRIAL_EPOCHS)
    trials = _within(left * SEARCH * workers / short.seconds(epochs), (4, 200))
    images = trials * task.fit(network, _for(stage, epochs), seed=0).cost.images
    final = long.epochs(left * FINAL, FINAL_EPOCHS)
    config["stages"][0]["recipe"]["epochs"], config["final"]["recipe"]["epochs"] = epochs, final
    config["budget"] = dict(trials=math.ceil(trials / kept), images=images)
    if wish.limit:
        config["gate"] = dict(type="Constraint", name=wish.limit.name, at_most=wish.limit.most)
    evolution = dict(type="RegularizedEvolution", population=max(4, trials // 4), tournament=3)
    share = "" if kept == 1 else f", of which {kept:.0%} keep the limit"
    tell(f"images of {size[1]}x{size[0]}; {width}{share}")
    tell(f"about {trials} networks of {epochs} epochs each, then {final} epochs for the best one")
    return {"benchmark": config, "strategies": {"search": evolution}}


def _fitting(wish: Wish, local: Config) -> tuple[tuple[int, int], Width, float]:
    """The (height, width) of images, the widest networks of which enough keep the limit, and how many do."""
    size = _size(wish)
    widest = _within_minutes(WIDEST, wish.minutes)
    widths = [one for one in WIDTHS[wish.task] if wish.encoder is None or one.encoder == 1]
    widths = [one for one in widths if one.channels <= widest] or widths[-1:]
    if wish.limit is None:
        return size, widths[len(widths) // 2], 1.0
    least = math.inf
    samples = 6 if wish.limit.name == "latency_ms" else SAMPLES  # each is measured for a second
    for width in widths:
        config = PROTOCOLS[wish.task](wish.data, size, width, wish.encoder)
        task, benchmark = build_task(json.dumps({**config["task"], **local})), Benchmark(config)
        costs = [_cost(wish.limit, benchmark, task, seed) for seed in range(samples)]
        kept = sum(cost <= wish.limit.most for cost in costs) / samples
        if kept >= ENOUGH:
            return size, width, kept
        least = min(least, *costs)
    raise ValueError(
        f"no network for images of {size[1]}x{size[0]} has {wish.limit}: the least of those tried is {told(least)}: allow more"
    )


def _cost(limit: Limit, benchmark: Benchmark, task: Task, seed: int) -> float:
    return task.measure(benchmark.space.model(benchmark.space.sample(Random(seed))), [limit.name])[limit.name]


def _kept(wish: Wish, benchmark: Benchmark, task: Task) -> Any:
    """The model of a network, of one that keeps the limit."""
    limit, seeds = wish.limit, range(SAMPLES if wish.limit else 1)
    kept = next(seed for seed in seeds if limit is None or _cost(limit, benchmark, task, seed) <= limit.most)
    return benchmark.space.model(benchmark.space.sample(Random(kept)))


def _size(wish: Wish) -> tuple[int, int]:
    """That of the middle training image, of decoders and detectors as multiples of 32, smaller where time is short."""
    data: Any = build(DATA, wish.data)
    shapes = [data.shape("train", index) for index in range(min(32, data.size("train")))]
    height, width = (int(side) for side in np.median(shapes, 0))
    if wish.task == "restoration":
        return height, width
    longest = _within_minutes(LONGEST, wish.minutes)
    factor = min(1.0, longest / max(height, width))
    height, width = (max(64, round(side * factor / 32) * 32) for side in (height, width))
    return height, width


@dataclass(frozen=True)
class Training:
    """How many seconds an epoch takes, and what a training costs besides."""

    epoch: float
    beside: float

    @classmethod
    def tried(cls, task: Any, network: Any, stage: Stage) -> Training:
        """By scoring a network, and by an epoch: of a few crops, where not all of them are computed beforehand anyway."""
        crops, share = task.samples(stage).train_size, 1.0
        if not stage.view.copies:
            share = min(1.0, CROPS / crops)
        few = replace(stage, view=replace(stage.view, share=share))
        beside, once = (task.fit(network, _for(few, epochs), seed=0).cost.seconds for epochs in (0, 1))
        return cls(max(once - beside, once / 20) / share, beside)

    def epochs(self, room: float, bounds: tuple[int, int]) -> int:
        return _within((room - self.beside) / self.epoch, bounds)

    def seconds(self, epochs: int) -> float:
        return self.beside + epochs * self.epoch


def _for(stage: Stage, epochs: int) -> Stage:
    return replace(stage, recipe=replace(stage.recipe, epochs=epochs, resumable=False))


def _within_minutes(steps: Sequence[tuple[float, int]], minutes: float) -> int:
    return next(value for most, value in steps if minutes <= most)


def _within(value: float, bounds: tuple[int, int]) -> int:
    return int(min(max(value, bounds[0]), bounds[1]))
