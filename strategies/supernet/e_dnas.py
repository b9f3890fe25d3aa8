"""E-DNAS: weights and architecture moved together, the latency in the loss, kernels learnt in two branches that are mixed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import mul
from random import Random
from typing import Any

import torch
from torch import Tensor

from search_spaces import FiniteSpace
from search_spaces.architecture import Choices
from search_spaces.supernet import supernet_in
from strategies.costs import Costs, MeasuredOnce, affordable, cost_table
from strategies.strategy import Plan, Study
from strategies.supernet.search import SupernetSearch
from tasks.batch import Batch
from tasks.trainable import build_network


class EDNAS(SupernetSearch):
    """Differentiable search for networks of meta-kernels (E-DNAS: Lopez, Moreno-Noguer and Agudo, ICPR 2020).

    Weights and architecture move in one pass (algorithm 1, not in turns as in `DARTS`) down the task's loss plus `latency`
    times LAT: the microseconds that an image is expected to take, each choice's by its share, from a table of what layers take
    on this processor (`predicted_ms`), measured once, before the first step. The architecture moves by Adam with `arch_lr` and
    `arch_decay`. With a `budget`, in microseconds, every epoch is scored by the most probable network that the table allows.

    With `feedback`, kernels are learnt in two branches: in a step each takes a batch of one half of the images and has its own
    loss L_i; then both begin anew from b_1 K_1 + b_2 K_2, where b_i is in proportion to tanh(`scale` / L_i). What is no kernel
    learns from both. Without, the same batches are two steps of everything.

    Published are a `scale` of 1 and no number for `latency`, which has to be small: microseconds count in thousands. As tanh
    saturates, losses below a half are weighed alike (0.1 and 0.5 by 0.51 and 0.49), unless `scale` is as small as they are.
    """

    moves = 2
    clip = 10.0  # the largest norm of the architecture's gradient, as in `DARTS`

    def __init__(
        self,
        epochs: int = 50,
        latency: float = 1e-5,
        budget: float | None = None,
        feedback: bool = True,
        scale: float = 1.0,
        arch_lr: float = 3e-4,
        arch_decay: float = 1e-3,
    ):
        super().__init__(epochs)
        if not latency >= 0 or not (budget is None or budget > 0):
            raise ValueError(f"latency must not be negative, and budget positive or None, not {latency} and {budget}")
        if not scale > 0:
            raise ValueError(f"scale must be positive, not {scale}")
        if not arch_lr > 0 or not arch_decay >= 0:
            raise ValueError(f"arch_lr must be positive and arch_decay not negative, not {arch_lr} and {arch_decay}")
        self.latency, self.budget, self.feedback, self.scale = latency, budget, feedback, scale
        self.arch_lr, self.arch_decay = arch_lr, arch_decay
        self.timed = bool(latency) or budget is not None

    def prepare(self, study: Study) -> Plan:
        """Raises ValueError also where the supernet has no kernels to mix, or its choices no latency."""
        plan, space, task = super().prepare(study), study.space, study.task
        with torch.device("meta"):
            supernet = supernet_in(build_network(task.config(space.supernet()), 0, "meta"))
        if self.feedback and not supernet.kernels():
            raise ValueError(f"the supernet of {space} has no kernels to learn in two branches: set feedback to False")
        if self.timed and (
            not isinstance(space, FiniteSpace) or supernet.distributions().keys() != space.decisions.keys()
        ):
            raise ValueError(
                f"the supernet of {space} does not weigh choices one by one: set latency to 0, budget to None"
            )
        if self.timed and task.device != "cpu":
            raise ValueError("layers are timed on a CPU only: set latency to 0 and budget to None, or device to cpu")
        return plan

    def begin(self) -> Mapping[str, Any]:
        training = self.training
        training.scatter()
        self.table = MeasuredOnce(self._microseconds)
        self.adam = torch.optim.Adam(training.alphas, lr=self.arch_lr, betas=(0.5, 0.999), weight_decay=self.arch_decay)
        return {"adam": self.adam, **({"latencies": self.table} if self.timed else {})}

    def learn(self, rng: Random) -> list[float]:
        if self.budget is not None:  # before an epoch is spent on what cannot be met
            affordable(self.table.costs, self.training.supernet.probabilities(), self.budget)
        return super().learn(rng)

    def step(self, batches: Sequence[Batch], rng: Random) -> float:
        kernels = self.training.supernet.kernels() if self.feedback else []
        start, branches = copied(kernels), list[list[Tensor]]()
        losses: list[float] = []
        for batch in batches:
            put(kernels, start)
            losses.append(self._move(batch))
            branches.append(copied(kernels))
        weights = branch_weights(losses, self.scale)
        put(kernels, [sum(map(mul, weights, ends)) for ends in zip(*branches, strict=True)])
        return sum(losses) / len(losses)

    def _move(self, batch: Batch) -> float:
        """Move weights and architecture by one step; returns the task's loss."""
        training, loss = self.training, self.training.loss(batch)
        self.adam.zero_grad()
        training.optimization.step(loss + self._latency())
        torch.nn.utils.clip_grad_norm_(training.alphas, self.clip)
        self.adam.step()
        return float(loss.detach())

    def _latency(self) -> Tensor | float:
        """What the expected microseconds add to the loss."""
        return self.latency * self.training.supernet.expected_cost(self.table.costs) if self.latency else 0.0

    def _microseconds(self) -> Costs:
        training = self.training
        assert isinstance(training.space, FiniteSpace)  # as `prepare` has made sure
        table = cost_table(training.space, training.task, "predicted_ms")
        return {name: {choice: 1000 * ms for choice, ms in of.items()} for name, of in table.items()}

    def favoured(self, rng: Random) -> Choices:
        if self.budget is None:
            return super().favoured(rng)
        return affordable(self.table.costs, self.training.supernet.probabilities(), self.budget)

    def scores(self, choices: Choices) -> dict[str, float]:
        """With the answer's microseconds, as the table tells them."""
        told = {"latency_us": self.table.of(choices)} if self.timed else {}
        return {**super().scores(choices), **told}


def branch_weights(losses: Sequence[float], scale: float = 1.0) -> list[float]:
    """How much each branch counts: tanh(scale / loss), of a sum of 1. A loss of zero or less counts as much as one can."""
    weights = [math.tanh(scale / loss) if loss > 0 else 1.0 for loss in losses]
    return [weight / sum(weights) for weight in weights]


def copied(weights: Sequence[Tensor]) -> list[Tensor]:
    return [weight.detach().clone() for weight in weights]


@torch.no_grad()
def put(weights: Sequence[Tensor], values: Sequence[Any]) -> None:
    for weight, value in zip(weights, values, strict=True):
        weight.copy_(value)
