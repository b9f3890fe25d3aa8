"""Gradient search: architecture and weights of a supernet learnt in turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import torch
from torch import Tensor

from strategies.supernet.gradients import first_order, second_order
from strategies.supernet.search import SupernetSearch
from strategies.trial import Answer, Trial
from tasks.batch import Batch


class DARTS(SupernetSearch):
    """Differentiable architecture search (Liu et al., ICLR 2019) on any space whose supernet has architecture weights.

    The first stage's training images fall into two halves. Each step moves the architecture's weights down the loss on a
    batch of the second half (Adam with `arch_lr` and `arch_decay`), then the network's down the loss on one of the first, as
    the stage says. `order` 2 looks one step of the network's weights ahead (equations 6 to 8; each by its own learning
    rate, with momentum and decay where the stage says SGD): five passes a step instead of two. For the first `warmup` epochs
    only the network's weights move.
    (`arch_decay` is added to a gradient that is as small as the loss: what suits cross-entropies holds the weights at their
    start where the loss is a squared error of 0.001.)

    Every epoch is a trial of the answer that the supernet favours then. The last one is returned, or, if `keep` is "best", that
    of the epoch after the warm-up in which the mixture's primary metric was best (what single answers score with shared
    weights may say little).
    """

    clip = 10.0  # the largest norm of the architecture's gradient, as in the authors' code

    def __init__(
        self,
        epochs: int = 50,
        warmup: int = 0,
        order: int = 1,
        arch_lr: float = 3e-4,
        arch_decay: float = 1e-3,
        keep: str = "last",
    ):
        super().__init__(epochs)
        if not 0 <= warmup < epochs:
            raise ValueError(f"warmup must be less than epochs, not {warmup} of {epochs}")
        if order not in (1, 2) or keep not in ("last", "best"):
            raise ValueError(f"order must be 1 or 2 and keep 'last' or 'best', not {order!r} and {keep!r}")
        if not arch_lr > 0 or arch_decay < 0:
            raise ValueError(f"arch_lr must be positive and arch_decay not negative, not {arch_lr} and {arch_decay}")
        self.warmup, self.order, self.keep = warmup, order, keep
        self.arch_lr, self.arch_decay = arch_lr, arch_decay
        if order == 2:
            self.copies = 5  # to look ahead, the old weights and a direction

    def begin(self) -> Mapping[str, Any]:
        self.adam = torch.optim.Adam(
            self.training.alphas, lr=self.arch_lr, betas=(0.5, 0.999), weight_decay=self.arch_decay
        )
        return {"adam": self.adam}

    def step(self, batches: Sequence[Batch], rng: Random) -> float:
        batch, other = batches
        if self.training.epochs >= self.warmup:
            self._move(batch, other)
        return self.training.learn(batch)

    def objective(self, batch: Batch) -> Tensor:
        """What the architecture's weights go down."""
        return self.training.loss(batch)

    def _move(self, batch: Batch, other: Batch) -> None:
        """Move the architecture's weights by one step down the objective on `other`."""
        training = self.training
        losses = (lambda: training.loss(batch)), (lambda: self.objective(other))
        if self.order == 1:
            gradient = first_order(training.alphas, losses[1])
        else:
            optimization, weights = training.optimization, training.weights
            rates = optimization.rates(weights)
            gradient = second_order(training.alphas, weights, *losses, rates, optimization.direction)
        for alpha, part in zip(training.alphas, gradient, strict=True):
            alpha.grad = part
        torch.nn.utils.clip_grad_norm_(training.alphas, self.clip)
        self.adam.step()

    def answers(self, trials: Sequence[Trial]) -> list[Answer]:
        if self.keep == "last":
            return super().answers(trials)
        task = self.training.task
        name, sign = f"supernet_{task.primary}", 1 if task.higher_is_better else -1
        candidates = trials[self.warmup :] or trials
        return [Answer.of(max(candidates, key=lambda trial: sign * trial.stages[0].metrics[name]))]
