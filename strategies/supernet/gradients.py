"""Gradients of a bilevel problem: architecture weights on one half of the data, the network's on the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

Loss = Callable[[], Tensor]
Direction = Callable[[Sequence[nn.Parameter], Sequence[Tensor]], Sequence[Tensor]]


def first_order(alphas: Sequence[nn.Parameter], validation: Loss) -> list[Tensor]:
    """The gradient of the validation loss at the present weights (Liu et al., DARTS, ICLR 2019, equation 6 with xi = 0)."""
    return _gradient(validation, alphas)


def second_order(
    alphas: Sequence[nn.Parameter],
    weights: Sequence[nn.Parameter],
    training: Loss,
    validation: Loss,
    rate: float,
    direction: Direction = lambda _, gradients: gradients,
) -> list[Tensor]:
    """The gradient of the validation loss after one step of `rate` down the training loss (DARTS, equations 6 to 8).

    `direction` makes the step of the weights' gradients. The Hessian-vector product is a central difference with epsilon =
    0.01 / |v|. Weights are as before when it returns.
    """
    before = [weight.detach().clone() for weight in weights]
    _shift(weights, direction(weights, _gradient(training, weights)), -rate)
    both = _gradient(validation, [*alphas, *weights])
    direct, vector = both[: len(alphas)], both[len(alphas) :]
    _restore(weights, before)
    norm = torch.stack([part.square().sum() for part in vector]).sum().sqrt()
    epsilon = float(0.01 / norm.clamp_min(1e-12))
    _shift(weights, vector, epsilon)
    above = _gradient(training, alphas)
    _restore(weights, before)
    _shift(weights, vector, -epsilon)
    below = _gradient(training, alphas)
    _restore(weights, before)
    return [d - rate * (a - b) / (2 * epsilon) for d, a, b in zip(direct, above, below, strict=True)]


def _gradient(loss: Loss, parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    """Zero where a parameter does not matter. Raises FloatingPointError where the loss is not finite."""
    value = loss()
    if not torch.isfinite(value):
        raise FloatingPointError(f"the loss became {value.item()}: lower the stage's lr")
    parts = torch.autograd.grad(value, parameters, allow_unused=True)
    return [torch.zeros_like(p) if part is None else part for p, part in zip(parameters, parts, strict=True)]


@torch.no_grad()
def _shift(weights: Sequence[nn.Parameter], direction: Sequence[Tensor], step: float) -> None:
    for weight, part in zip(weights, direction, strict=True):
        weight.add_(part, alpha=step)


@torch.no_grad()
def _restore(weights: Sequence[nn.Parameter], before: Sequence[Tensor]) -> None:
    for weight, value in zip(weights, before, strict=True):
        weight.copy_(value)
