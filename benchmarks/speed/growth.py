"""How the time of a training grows with its data: slopes on a log-log scale."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np

from tasks import Stage
from tasks.optimization import Optimization
from tasks.trainable import Trainable
from tasks.training import Training

TIMES = (1, 2, 4, 8)
SIDES = (1, 1.5, 2, 3)  # of images, times those of the stage


def growth(task: Trainable, stage: Stage, model: Mapping[str, Any], repeat: int) -> list[dict[str, Any]]:
    """A row for each thing that grows: from what to what, the seconds of an epoch there, and as which power of it they grow.

    `spread` is the standard error of that `slope`. Seconds are the processor's (medians of `repeat` epochs, in turns), those of
    reading too; features of a cached stage are there before. All but the images grow on an eighth of them. Raises ValueError
    where that is less than two.
    """
    task.workers = 0  # reading is timed here
    part = seen(stage, share=stage.view.share / TIMES[-1])
    if len(task.samples(part).order) < 2:
        raise ValueError(f"an eighth of the images of stage {stage.name!r} is one: raise benchmark.stages.0.view.share")
    shares = [seen(stage, share=stage.view.share * times / TIMES[-1]) for times in TIMES]
    sizes = [seen(part, size=tuple(round(side * times) for side in stage.view.size)) for times in SIDES]
    rows = [
        row("images", [len(task.samples(one).order) for one in shares], epochs(task, shares, model, repeat)),
        row("pixels of an image", [int(np.prod(one.view.size)) for one in sizes], epochs(task, sizes, model, repeat)),
    ]
    if stage.view.copies:
        copies = [seen(part, copies=times) for times in TIMES]
        rows.append(row("crops of an image", TIMES, epochs(task, copies, model, repeat)))
    if hasattr(task.data, "classes"):
        counts = [times * len(task.data.classes) for times in TIMES]
        rows.append(row("classes", counts, epochs(task, [part] * len(TIMES), model, repeat, counts)))
    return rows


def row(what: str, amounts: Sequence[int], seconds: Sequence[float]) -> dict[str, Any]:
    """What the seconds at these amounts come to, by a straight line through their logarithms."""
    line, covariance = np.polyfit(np.log(amounts), np.log(seconds), 1, cov=True)
    ends = {"from": amounts[0], "to": amounts[-1], "s at first": seconds[0], "s at last": seconds[-1]}
    return {"grows": what, **ends, "slope": float(line[0]), "spread": float(np.sqrt(covariance[0, 0]))}


def seen(stage: Stage, **view: Any) -> Stage:
    """The stage with another view."""
    return replace(stage, view=replace(stage.view, **view))


def epochs(
    task: Trainable, stages: Sequence[Stage], model: Mapping[str, Any], repeat: int, classes: Sequence[int] = ()
) -> list[float]:
    """Seconds of an epoch of each stage, where told with so many `classes`, of which the data show the first ones."""
    taken: list[list[float]] = [[] for _ in stages]
    known = getattr(task.data, "classes", ())
    for number in range(repeat + 1):
        for place, stage in enumerate(stages):
            if classes:
                task.data.classes = tuple(map(str, range(classes[place])))
            seconds = epoch(task, stage, model)
            if number:  # the first turn warms up, and computes features
                taken[place].append(seconds)
    if classes:
        task.data.classes = known
    return [median(one) for one in taken]


def epoch(task: Trainable, stage: Stage, model: Mapping[str, Any]) -> float:
    network = task.begin(model, stage, seed=0)
    searched, encoder, frozen = task.groups(network, stage)
    optimization = Optimization(stage.recipe, network, searched, encoder, task.steps(stage))
    training = Training(network, frozen, optimization, seed=0)
    batches = task.batches(stage, 0, 0)
    started = time.process_time()
    training.epoch(batches, lambda batch: task.loss(network, stage, batch))
    return time.process_time() - started
