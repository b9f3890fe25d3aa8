"""What a training comes to after every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import torch

from core import Inherit, matching
from tasks.norms import folded
from tasks.optimization import Optimization
from tasks.stage import Stage
from tasks.task import Parts
from tasks.trainable import Trainable
from tasks.training import Training


@dataclass(frozen=True)
class Point:
    """After an epoch: metrics by split, and the seconds that training took until then and one scoring of the first split."""

    metrics: dict[str, dict[str, float]]
    seconds: float


def curve(
    task: Trainable, model: Parts, stage: Stage, splits: Sequence[str], *, seed: int, adopt: Inherit = matching
) -> list[Point]:
    """Train a network for a stage, and score it on all `splits` after every epoch, which changes nothing of the training.

    The last point's metrics are those that `Task.fit` gives. Raises ValueError where a stage averages weights, which are not
    those that train on.
    """
    network: Any = task.begin(model, stage, seed, adopt)
    searched, encoder, frozen = task.groups(network, stage)
    optimization = Optimization(stage.recipe, network, searched, encoder, task.steps(stage))
    if optimization.average is not None:
        raise ValueError(f"stage {stage.name!r} averages weights, which has no metrics after each epoch: leave it out")
    training, epochs = Training(network, frozen, optimization, seed), stage.recipe.epochs
    scored = [replace(stage, view=replace(stage.view, eval=split)) for split in splits]
    batches = task.batches(stage, seed, 0, epochs)
    steps, points, trained = task.steps(stage) // epochs, list[Point](), 0.0
    for _ in range(epochs):
        spent = task.meter.measure()
        training.epoch(islice(batches, steps), lambda batch: task.loss(network, stage, batch))
        trained += spent.cost.seconds
        network.eval()
        metrics, seconds = {}, []
        with torch.no_grad(), folded(network):
            for one in scored:
                spent = task.meter.measure()
                metrics[one.view.eval] = {**task.score(network, one), "loss": training.loss}
                seconds.append(spent.cost.seconds)
        points.append(Point(metrics, trained + seconds[0]))
    return points
