"""Averages of weights over a training, which are scored and handed on in their place."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from core import Registry

AVERAGES = Registry(
    "average", {"Polyak": "tasks.averages", "EpochPolyak": "tasks.averages"}, kind="tasks.averages.Average"
)


class Average:
    """A running mean of `weights`, of which a step leaves the part `decay`; it takes their place when a training ends.

    With `renew` batch norms are then given statistics of the averaged weights; those of the training do not follow.
    """

    def __init__(self, weights: Sequence[nn.Parameter], decay: float, renew: bool):
        if not 0 < decay < 1:
            raise ValueError(f"decay of an average must be between 0 and 1, not {decay}")
        self.weights, self.decay, self.renew = weights, decay, renew
        self.values = [weight.detach().clone() for weight in weights]

    def decay_at(self, step: int) -> float:
        """What the step of this number, from 1 on, leaves of the mean."""
        return self.decay

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Take in the weights that the step of this number left."""
        get_ema_multi_avg_fn(self.decay_at(step))(self.values, list(self.weights), step)

    @torch.no_grad()
    def place(self) -> None:
        """Put the mean in the weights' place."""
        for weight, value in zip(self.weights, self.values, strict=True):
            weight.copy_(value)

    def end_epoch(self) -> None:
        """What an epoch ends with."""


class Polyak(Average):
    """In its first steps it follows faster than `decay` says, as it starts from nothing worth keeping."""

    def __init__(self, weights: Sequence[nn.Parameter], decay: float, renew: bool = True):
        super().__init__(weights, decay, renew)

    def decay_at(self, step: int) -> float:
        return min(self.decay, (1 + step) / (10 + step))


class EpochPolyak(Average):
    """Takes the weights' place after every epoch, and training goes on from there (code of Nekrasov et al., CVPR 2019)."""

    def __init__(self, weights: Sequence[nn.Parameter], decay: float, renew: bool = False):
        super().__init__(weights, decay, renew)

    def end_epoch(self) -> None:
        self.place()
