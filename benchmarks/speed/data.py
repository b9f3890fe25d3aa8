"""How long a training waits for its data, with and without processes that read ahead."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from tasks import Stage
from tasks.batch import Batch
from tasks.optimization import Optimization
from tasks.trainable import Trainable
from tasks.training import Training

SHARE = "waits for data"


class Waited:
    """Batches as they come, and the seconds that were waited for each, and for all but the first of the network as well."""

    def __init__(self, batches: Iterable[Batch]):
        self.batches, self.waits, self.works = batches, [], []

    def __iter__(self) -> Iterator[Batch]:
        asked = time.perf_counter()
        for batch in self.batches:
            given = time.perf_counter()
            self.waits.append(given - asked)
            yield batch
            asked = time.perf_counter()
            self.works.append(asked - given)


def data_waits(
    task: Trainable, stage: Stage, model: Mapping[str, Any], counts: Sequence[int], repeat: int
) -> list[dict[str, float]]:
    """A row for each number of processes that read: medians of `repeat` turns of `data_wait`, least and most of its share."""
    turns = [[data_wait(task, stage, model, count) for count in counts] for _ in range(repeat)]
    rows = []
    for found in zip(*turns, strict=True):
        row = {name: median(one[name] for one in found) for name in found[0]}
        shares = [one[SHARE] for one in found]
        rows.append({**row, "least": min(shares), "most": max(shares)})
    return rows


def data_wait(
    task: Trainable, stage: Stage, model: Mapping[str, Any], workers: int, steps: int = 20
) -> dict[str, float]:
    """The share of a stage's steps that wait for data, read by `workers` processes (0: by none but the training's own).

    Counted are `steps` steps behind the first two, in which the processes start: `start s` is how long these two waited.
    On a GPU a step ends where the next one's data are asked for. The task's own number of workers is left as it was.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}")
    before, task.workers = task.workers, workers
    try:
        network = task.begin(model, stage, seed=0)
        searched, encoder, frozen = task.groups(network, stage)
        total = steps + 2
        training = Training(network, frozen, Optimization(stage.recipe, network, searched, encoder, total), seed=0)
        epochs = -(-total // (task.steps(stage) // stage.recipe.epochs))
        batches = task.batches(stage, 0, 0, epochs)
        waited = Waited(batch for batch, _ in zip(batches, range(total), strict=False))
        training.epoch(waited, lambda batch: task.loss(network, stage, batch))
        del batches
    finally:
        task.workers = before
    waits, works = sum(waited.waits[2:]), sum(waited.works[2:])
    return {
        "workers": workers,
        "batch": stage.recipe.batch,
        "ms a step": 1000 * (waits + works) / steps,
        "ms waited": 1000 * waits / steps,
        SHARE: waits / (waits + works),
        "start s": sum(waited.waits[:2]),
    }
