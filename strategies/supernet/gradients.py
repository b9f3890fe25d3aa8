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
    rates: Sequence[float],
    direction: Direction = lambda _, gradients: gradients,
) -> list[Tensor]:
    """The gradient of the validation loss after one step down the training loss (DARTS, equations 6 to 8).

    `direction` makes the step of the weights' gradients, each times its rate. The Hessian-vector product is a central
    difference with epsilon = 0.01 / |v|, in v each weight by the share of the largest rate. Weights are as before when it
    returns.
    """
    before = [weight.detach().clone() for weight in weights]
    rate = max(rates)
    scales = [one / rate if rate else 1.0 for one in rates]
    _shift(weights, direction(weights, _gradient(training, weights)), [-one for one in rates])
    both = _gradient(validation, [*alphas, *weights])
    direct, vector = both[: len(alphas)], both[len(alphas) :]
    _restore(weights, before)
    squares = [scale**2 * part.square().sum() for scale, part in zip(scales, vector, strict=True)]
    epsilon = float(0.01 / torch.stack(squares).sum().sqrt().clamp_min(1e-12))
    _shift(weights, vector, [epsilon * scale for scale in scales])
    above = _gradient(training, alphas)
    _restore(weights, before)
    _shift(weights, vector, [-epsilon * scale for scale in scales])
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
def _shift(weights: Sequence[nn.Parameter], direction: Sequence[Tensor], steps: Sequence[float]) -> None:
    for weight, part, step in zip(weights, direction, steps, strict=True):
        weight.add_(part, alpha=step)


@torch.no_grad()
def _restore(weights: Sequence[nn.Parameter], before: Sequence[Tensor]) -> None:
    for weight, value in zip(weights, before, strict=True):
        weight.copy_(value)
