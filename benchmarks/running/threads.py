"""How many threads a run's trainings have: all it may, or one, where a few steps at the start say that this is as fast."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from tasks import Stage, Task

if TYPE_CHECKING:
    from benchmarks.run import Run

SECONDS, MOST = 1.0, 9  # of steps on each number of threads, and how many at most
GAIN = 1.25  # that several threads must have: sums round otherwise on them, so that chance must not choose


def use(threads: int) -> None:
    import torch  # which a process whose task trains nothing does without

    torch.set_num_threads(threads)


def fastest(task: Task, stage: Stage, model: Mapping[str, Any], most: int) -> tuple[int, float]:
    """`most` or one, and how many times as fast as on one a step of the stage is on `most`, which has to be `GAIN` times.

    Without a gain one leaves the other cores to other runs and trials. What trains nothing, a task or a stage, has `most`.
    """
    from tasks.trainable import Trainable
    from tasks.training import same_step

    if most == 1 or not (isinstance(task, Trainable) and task.by_steps) or not stage.recipe.epochs:
        return most, 1.0
    network, batch = task.begin(model, stage, seed=0), next(task.batches(stage, 0, 0))
    alone, together = seconds(same_step(task, stage, network, batch), (1, most))
    return (most if alone / together >= GAIN else 1), alone / together


def settle(runs: Iterable[Run], most: int) -> Iterator[str]:
    """Choose the threads of runs that are prepared, of so many that each may have; a sentence where that leaves cores idle.

    Where OMP_NUM_THREADS is set, the user has.
    """
    for one in () if os.environ.get("OMP_NUM_THREADS") else runs:
        gain = one.settle_threads(most)
        if one.dump["threads"] == 1 < most:
            why = f"{most} take a step {gain:.2f} times as fast" if gain != 1 else "its record began so"
            yield f"{one.folder}: one thread ({why}); --executor process --workers {most} trains {most} trials at a time"


def seconds(step: Callable[[], object], threads: Sequence[int]) -> list[float]:
    """What a step takes on each of these numbers of threads: medians, in turns, behind one that warms up."""
    import torch

    taken: list[list[float]] = [[] for _ in threads]
    before = torch.get_num_threads()
    try:
        for turn in range(1 + MOST):
            for count, own in zip(threads, taken, strict=True):
                torch.set_num_threads(count)
                started = time.perf_counter()
                step()
                own.append(time.perf_counter() - started)
            if turn and sum(map(sum, taken)) > SECONDS * len(threads):
                break
    finally:
        torch.set_num_threads(before)
    return [median(own[1:]) for own in taken]
