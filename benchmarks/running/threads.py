"""How many threads a run's trainings have: all it may, or one, where a few steps at the start say that this is as fast."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.executors import cores
from benchmarks.running.job import build_task
from strategies.strategy import AskTell
from tasks import Stage, Task

if TYPE_CHECKING:
    from benchmarks.run import Run

SECONDS, MOST = 1.0, 9  # of steps on each number of threads, and how many at most
GAIN = 1.25  # that several threads must have: sums round otherwise on them, so that chance must not choose


def use(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def settle(runs: Iterable[Run], most: int) -> Iterator[str]:
    """Choose the threads of runs that are prepared, at `most` so many each, and say what was measured, once a benchmark.

    A run that goes on has those that it began with, as many as there are cores for; a new one that asks for trials
    what `gain` says, others `most`. Where OMP_NUM_THREADS is set, that is `most`, and all have it.
    """
    measured: dict[tuple[str, Stage], float | None] = {}
    for one in runs:
        if os.environ.get("OMP_NUM_THREADS"):
            one.threads = most
        elif one.recorded_threads or one.began:
            one.threads = min(one.recorded_threads or most, cores())
        elif most > 1 and isinstance(one.strategy, AskTell):
            stage = one.benchmark.stages[0]
            if (key := (one.search_task, stage)) not in measured:
                found = measured[key] = gain(build_task(one.search_task), stage, one.probe, most)
                if found is not None and found < GAIN:
                    yield f"{one.benchmark.id}: one thread, as {most} take a step {found:.2f} times as fast"
            if (found := measured[key]) is not None:
                one.threads = most if found >= GAIN else 1
        else:
            one.threads = most


def gain(task: Task, stage: Stage, model: Mapping[str, Any], most: int) -> float | None:
    """How many times as fast as on one thread a step of the stage is on `most`; None where that cannot be told.

    So it is with a task, or a stage, that trains nothing, and with a network that fails, which is for its trial to say.
    """
    from tasks.trainable import Trainable
    from tasks.training import step_on

    if not (isinstance(task, Trainable) and task.by_steps and stage.recipe.epochs):
        return None
    try:
        network, batch = task.begin(model, stage, seed=0), next(task.batches(stage, 0, 0))
        alone, together = seconds(step_on(task, stage, network, batch), (1, most))
    except Exception:  # any library's module may be meant, and raises what it likes
        return None
    return alone / together


def seconds(step: Callable[[], object], threads: Sequence[int]) -> list[float]:
    """What a step takes on each of these numbers of threads: medians, in turns, behind one that warms up."""
    import torch

    taken: list[list[float]] = [[] for _ in threads]
    before = torch.get_num_threads()
    try:
        for turn in range(1 + MOST):
            for count, own in zip(threads, taken, strict=True):
                use(count)
                started = time.perf_counter()
                step()
                own.append(time.perf_counter() - started)
            if turn and sum(map(sum, taken)) > SECONDS * len(threads):
                break
    finally:
        use(before)
    return [median(own[1:]) for own in taken]
