"""How weights move: clipped gradients, averaged weights, the schedule."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tasks import Recipe
from tasks.optimization import Optimization


def optimised(steps: int, **settings: Any) -> tuple[torch.nn.Parameter, Optimization]:
    """A single weight that is pulled towards 1 by a steep loss."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimization = Optimization(Recipe(epochs=1, **settings), [weight], [], steps)
    for _ in range(steps):
        optimization.step(100 * (weight - 1).square().sum())
    return weight, optimization


@pytest.mark.parametrize(("clip", "norm"), [(0.5, 0.5), (None, 200)])
def test_clipping_bounds_the_gradient(clip: float | None, norm: float) -> None:
    assert optimised(1, clip=clip)[0].grad.norm() == pytest.approx(norm)


def test_averaged_weights_follow_the_published_formula() -> None:
    decay, expected = 0.3, 0.0
    for step in range(1, 6):
        value = optimised(step, lr=0.1)[0].item()
        rate = min(decay, (1 + step) / (10 + step))
        expected = rate * expected + (1 - rate) * value
    weight, optimization = optimised(5, lr=0.1, polyak=decay)
    assert weight.item() != pytest.approx(expected)
    optimization.finish()
    assert weight.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("schedule", "end"), [("poly", 0.0), ("constant", 3e-3)])
def test_the_poly_schedule_ends_at_zero(schedule: str, end: float) -> None:
    optimization = optimised(10, schedule=schedule)[1]
    assert optimization.adam.param_groups[0]["lr"] == pytest.approx(end)
