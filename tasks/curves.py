"""What a training comes to after every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
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

    The last point's metrics are those that `Task.fit` gives. Averaged weights are scored in place of those that train on.
    """
    stage = task.seen(model, stage)
    network: Any = task.begin(model, stage, seed, adopt)
    searched, encoder, frozen = task.groups(network, stage)
    optimization = Optimization(stage.recipe, network, searched, encoder, task.steps(stage))
    training, epochs = Training(network, frozen, optimization, seed), stage.recipe.epochs
    scored = [replace(stage, view=replace(stage.view, eval=split)) for split in splits]
    batches = task.batches(stage, seed, 0, epochs)
    steps, points, trained = task.steps(stage) // epochs, list[Point](), 0.0
    for _ in range(epochs):
        spent = task.meter.measure()
        training.epoch(islice(batches, steps), lambda batch: task.loss(network, stage, batch))
        trained += spent.cost.seconds
        kept = {name: value.clone() for name, value in network.state_dict().items()}
        metrics, scoring = {}, 0.0
        spent = task.meter.measure()
        training.settle(partial(task.renew, network, stage, seed))
        network.eval()
        with torch.no_grad(), folded(network):
            for one in scored:
                metrics[one.view.eval] = {**task.score(network, one), "loss": training.loss}
                scoring = scoring or spent.cost.seconds
        points.append(Point(metrics, trained + scoring))
        network.load_state_dict(kept)
    return points
