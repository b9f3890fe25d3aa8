"""Fast network adaptation: gradient search over paths, with the expected cost in the architecture's loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, Literal

import torch
from torch import Tensor

from search_spaces import FiniteSpace
from search_spaces.architecture import Choices
from search_spaces.space import DRAWS
from search_spaces.supernet import Supernet, supernet_in
from strategies.costs import Costs, MeasuredOnce, cost_table
from strategies.nsga2 import front
from strategies.shortlist import spread
from strategies.strategy import Plan, Study
from strategies.supernet.darts import DARTS
from strategies.trial import Answer, Trial
from tasks import Stage
from tasks.batch import Batch
from tasks.complexity import madds_by_layer
from tasks.trainable import build_network

UNITS = {"madds": 1e9, "predicted_ms": 1.0}  # costs that the loss may have, and how much adds nothing


class FNA(DARTS):
    """Fast network adaptation (Fang et al., ICLR 2020; defaults of Rana and Kim, J. Sensor Sci. Technol. 2021).

    The supernet begins with the encoder's weights, as its space maps them. A step moves the weights of one path, with an
    operation for each layer: drawn uniformly for `warmup` epochs, then by the architecture's weights. From then on, every
    `every`-th step first moves the architecture's weights as in `DARTS`, on all operations mixed, down the task's loss plus
    `cost_weight` * log(E / 1e9) / log(`cost_base`). E are the MAdds that the searched layers are expected to have at the task's
    `input_size`. FNA has 0.15, 15 of 30 epochs and `every` 5 for SSDLite, 0.02 and 8 of 14 for RetinaNet. With `cost`
    "predicted_ms" E / 1e9 are instead the milliseconds that the network is expected to take, by a table measured once.

    Both halves of the data are cropped and coloured as the stage says. With `augment` "architecture", as in the authors' code,
    only the half that the architecture sees is: the weights see whole images, not mirrored, in their own colours.

    The answer is that of the last epoch. Where the protocol has objectives, it is the front of all networks that the search
    has favoured, each as it was scored last, or `answers` of them, spread evenly. They are trained from the encoder's weights.

    Norms have statistics of single paths, and so do the mixture's scores: of an epoch's metrics `supernet_...` and `gap` say
    little here.
    """

    clip = 35.0

    def __init__(
        self,
        epochs: int = 24,
        warmup: int = 20,
        every: int = 1,
        cost_weight: float = 0.2,
        cost_base: float = 10.0,
        arch_lr: float = 3e-4,
        arch_decay: float = 1e-3,
        answers: int = 5,
        augment: Literal["both", "architecture"] = "both",
        cost: Literal["madds", "predicted_ms"] = "madds",
    ):
        super().__init__(epochs, warmup, arch_lr=arch_lr, arch_decay=arch_decay)
        if min(every, answers) < 1:
            raise ValueError(f"every and answers must be at least 1, not {every} and {answers}")
        if cost_weight < 0 or not cost_base > 1:
            raise ValueError(
                f"cost_weight must not be negative and cost_base above 1, not {cost_weight} and {cost_base}"
            )
        if augment not in ("both", "architecture"):
            raise ValueError(f"augment must be 'both' or 'architecture', not {augment!r}")
        if cost not in UNITS:
            raise ValueError(f"cost must be {' or '.join(map(repr, UNITS))}, not {cost!r}")
        self.every, self.count, self.augment, self.cost = every, answers, augment, cost
        self.cost_weight, self.cost_base = cost_weight, cost_base

    def prepare(self, study: Study) -> Plan:
        """Raises ValueError also where the supernet cannot say how probable a choice is, or what it costs."""
        plan, space = super().prepare(study), study.space
        with torch.device("meta"):
            supernet = supernet_in(build_network(study.task.config(space.supernet()), 0, "meta"))
        if not isinstance(space, FiniteSpace) or supernet.distributions().keys() != space.decisions.keys():
            raise ValueError(f"FNA draws every choice by its share, which the supernet of {space} has not: use DARTS")
        if self.cost_weight and self.cost == "madds" and not supernet.operations():
            why = f"the supernet of {space} does not say what choices cost"
            raise ValueError(f"{why}: set cost_weight to 0, or cost to 'predicted_ms'")
        if self.cost_weight and self.cost == "predicted_ms" and study.task.device != "cpu":
            raise ValueError("layers are timed on a CPU only: set cost to 'madds', or device to cpu")
        return plan

    def stages(self, stage: Stage) -> list[Stage]:
        weights, architecture = super().stages(stage)
        if self.augment == "architecture":
            plain = replace(
                weights.view, scale=(1.0, 1.0), mirror=False, jitter=0.0, hsv=(0.0, 0.0, 0.0), transforms=()
            )
            weights = replace(weights, view=plain)
        return [weights, architecture]

    def begin(self) -> Mapping[str, Any]:
        self.training.scatter()
        self.table = MeasuredOnce(self._costs)
        return {**super().begin(), **({} if self.cost == "madds" else {"costs": self.table})}

    def _costs(self) -> Costs:
        training = self.training
        if self.cost == "madds":
            return costs(training.supernet, madds_by_layer(training.network, training.task.input_shape))
        assert isinstance(training.space, FiniteSpace)  # as `prepare` has made sure
        return cost_table(training.space, training.task, self.cost)

    def learn(self, rng: Random) -> list[float]:
        self.steps = 0
        return super().learn(rng)

    def step(self, batches: Sequence[Batch], rng: Random) -> float:
        batch, other = batches
        if self.training.epochs >= self.warmup and self.steps % self.every == 0:
            self._move(batch, other)
        self.steps += 1
        with self.training.supernet.held(self.drawn(rng)):
            return self.training.learn(batch)

    def drawn(self, rng: Random) -> Choices:
        """The path of a step."""
        space, supernet = self.training.space, self.training.supernet
        if self.training.epochs < self.warmup:
            return space.sample(rng).as_dict()
        shares = {name: ([*options], [*options.values()]) for name, options in supernet.probabilities().items()}
        for _ in range(DRAWS):
            choices = {name: rng.choices(*options)[0] for name, options in shares.items()}
            if space.flaw(choices) is None:
                return choices
        raise RuntimeError(f"none of {DRAWS} paths that were drawn makes a network: lower arch_lr")

    def objective(self, batch: Batch) -> Tensor:
        loss = super().objective(batch)
        if not self.cost_weight:
            return loss
        expected = self.training.supernet.expected_cost(self.table.costs)
        return loss + cost_term(expected, self.cost_weight, self.cost_base, UNITS[self.cost])

    def answers(self, trials: Sequence[Trial]) -> list[Answer]:
        if trials[-1].objectives is None:
            return super().answers(trials)
        latest = {trial.arch.key: trial for trial in trials}
        return spread(front(list(latest.values())), self.count)


def cost_term(cost: Tensor, weight: float, base: float, unit: float = UNITS["madds"]) -> Tensor:
    """What a cost adds to the loss: 0 at a unit, a billion MAdds, `weight` at `base` units, less than 0 below one."""
    return weight * torch.log(cost / unit) / math.log(base)


def costs(supernet: Supernet, layers: Mapping[str, int]) -> dict[str, dict[Any, int]]:
    """What each choice costs, by decision, given what the `layers` of the network do, by name."""
    return {
        name: {
            choice: sum(cost for layer, cost in layers.items() if layer.startswith(f"{place}."))
            for choice, place in places.items()
        }
        for name, places in supernet.operations().items()
    }
