"""What a step of a supernet's training takes beside a step of a single network: time and memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from random import Random
from statistics import mean, median
from types import SimpleNamespace
from typing import Any, cast

from benchmarks.speed.memory import passed
from search_spaces import SearchSpace
from strategies.strategy import Study
from strategies.supernet.darts import DARTS
from strategies.supernet.one_shot import OneShot
from strategies.supernet.search import SupernetSearch
from strategies.supernet.training import SupernetTraining
from tasks import Stage
from tasks.task import Parts
from tasks.trainable import Trainable
from tasks.training import step_on


@dataclass(frozen=True)
class Step:
    """A step to time, and the MiB of tensors of a pass: what it keeps for its way back, and its peak."""

    name: str
    take: Callable[[], object]
    kept: float
    peak: float
    seconds: list[float] = field(default_factory=list)


def supernet_step(
    task: Trainable, stage: Stage, space: SearchSpace, models: Sequence[Parts], repeat: int
) -> list[dict[str, Any]]:
    """A row for each kind of step on a batch of the stage: seconds of the processor (medians of `repeat`, in turns), and MiB.

    "a network" is the mean of `models`. "weights" moves the weights of all answers mixed, as in a warm-up, "DARTS" those of the
    architecture before (the step of `IRNAS` as well), "OneShot" the weights of one sampled answer. Ratios are to a network's.
    """
    steps = [single(task, stage, model) for model in models]
    steps += [mixed(task, stage, space, "weights", DARTS(epochs=2, warmup=1))]
    steps += [mixed(task, stage, space, type(one).__name__, one) for one in (DARTS(epochs=1), OneShot(epochs=1))]
    for number in range(repeat + 1):
        for step in steps:
            started = time.process_time()
            step.take()
            if number:  # the first one warms up
                step.seconds.append(time.process_time() - started)
    rows: list[dict[str, Any]] = []
    for name in dict.fromkeys(step.name for step in steps):
        own = [step for step in steps if step.name == name]
        seconds, peak = mean(median(step.seconds) for step in own), mean(step.peak for step in own)
        row = {"step": name, "seconds": seconds, "kept MiB": mean(step.kept for step in own), "peak MiB": peak}
        first = rows[0] if rows else row
        rows.append({**row, "times": seconds / first["seconds"], "memory": peak / first["peak MiB"]})
    return rows


def single(task: Trainable, stage: Stage, model: Parts) -> Step:
    network, batch = task.begin(model, stage, seed=0), next(task.batches(stage, 0, 0))
    step = step_on(task, stage, network, batch)
    return Step("a network", step, *passed(task, stage, network, batch))


def mixed(task: Trainable, stage: Stage, space: SearchSpace, name: str, method: SupernetSearch) -> Step:
    """A step of this method, whose batches are of the stage's size where its images are enough."""
    study, rng = SimpleNamespace(task=task, space=space, seed=0, stages=[stage]), Random(0)
    training = method.training = SupernetTraining(cast(Study, study), method.stages(stage), 2)
    method.learners = method.begin()
    training.train()
    batches = next(training.batches())
    alone = training.supernet.held(method.favoured(rng)) if isinstance(method, OneShot) else nullcontext()
    with alone:
        memory = passed(task, stage, training.network, batches[0])
    return Step(name, partial(method.step, batches, rng), *memory)
