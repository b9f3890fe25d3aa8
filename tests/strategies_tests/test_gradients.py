"""The bilevel gradients: the finite difference against exact autograd, and what they leave behind."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from strategies.supernet.gradients import first_order, second_order
from tasks import Recipe
from tasks.optimization import Optimization

RATE = 0.1


def problem() -> tuple[nn.Parameter, list[nn.Parameter], dict[str, tuple[Tensor, Tensor]]]:
    """A small network whose first layer is a mixture of two, with architecture weights, in double precision."""
    generator = torch.Generator().manual_seed(0)
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    alpha = nn.Parameter(draw(2))
    weights = [nn.Parameter(draw(4, 5)), nn.Parameter(draw(4, 5)), nn.Parameter(draw(5, 1))]
    return alpha, weights, {name: (draw(16, 4), draw(16, 1)) for name in ("training", "validation")}


def loss(alpha: Tensor, weights: Sequence[Tensor], data: tuple[Tensor, Tensor]) -> Tensor:
    x, y = data
    share = alpha.softmax(0)
    hidden = share[0] * torch.tanh(x @ weights[0]) + share[1] * torch.sigmoid(x @ weights[1])
    return (hidden @ weights[2] - y).square().mean()


def test_second_order_equals_exact_autograd() -> None:
    alpha, weights, data = problem()
    step = torch.autograd.grad(loss(alpha, weights, data["training"]), weights, create_graph=True)
    moved = [weight - RATE * part for weight, part in zip(weights, step, strict=True)]
    (exact,) = torch.autograd.grad(loss(alpha, moved, data["validation"]), alpha)
    before = [weight.detach().clone() for weight in weights]
    (ours,) = second_order(
        [alpha],
        weights,
        lambda: loss(alpha, weights, data["training"]),
        lambda: loss(alpha, weights, data["validation"]),
        [RATE] * 3,
    )
    assert torch.allclose(ours, exact, rtol=1e-4)
    (plain,) = first_order([alpha], lambda: loss(alpha, weights, data["validation"]))
    assert not torch.allclose(ours, plain, rtol=1e-2)
    assert all(torch.equal(weight, value) for weight, value in zip(weights, before, strict=True))


def test_the_step_ahead_has_the_momentum_and_the_decay_of_sgd() -> None:
    """As in the authors' code: w - rate * (gradient + decay * w + momentum * buffer)."""
    alpha, weights, data = problem()
    settings = dict(type="SGD", lr=RATE, momentum=0.9, weight_decay=0.05)
    optimization = Optimization(Recipe(epochs=1, clip=None, optimizer=settings), nn.Module(), weights, [], 2)
    values = [weight.detach().clone() for weight in weights]
    optimization.step(loss(alpha, weights, data["training"]))
    buffers = [(value - weight.detach()) / RATE for value, weight in zip(values, weights, strict=True)]
    step = torch.autograd.grad(loss(alpha, weights, data["training"]), weights, create_graph=True)
    moved = [w - RATE * (g + 0.05 * w + 0.9 * b) for w, g, b in zip(weights, step, buffers, strict=True)]
    (exact,) = torch.autograd.grad(loss(alpha, moved, data["validation"]), alpha)
    losses = (lambda: loss(alpha, weights, data["training"])), (lambda: loss(alpha, weights, data["validation"]))
    (ours,) = second_order([alpha], weights, *losses, [RATE] * 3, optimization.direction)
    assert torch.allclose(ours, exact, rtol=1e-4)
    (plain,) = second_order([alpha], weights, *losses, [RATE] * 3)
    assert not torch.allclose(plain, exact, rtol=1e-2)


def test_the_step_ahead_is_each_weights_own() -> None:
    """As of an encoder that learns more slowly."""
    alpha, weights, data = problem()
    settings = dict(type="SGD", lr=RATE)
    recipe = Recipe(epochs=1, clip=None, optimizer=settings, encoder=dict(lr=RATE / 100))
    optimization = Optimization(recipe, nn.Module(), weights[1:], weights[:1], 2)
    rates = optimization.rates(weights)
    assert rates == [RATE / 100, RATE, RATE]
    step = torch.autograd.grad(loss(alpha, weights, data["training"]), weights, create_graph=True)
    moved = [weight - rate * part for weight, rate, part in zip(weights, rates, step, strict=True)]
    (exact,) = torch.autograd.grad(loss(alpha, moved, data["validation"]), alpha)
    losses = (lambda: loss(alpha, weights, data["training"])), (lambda: loss(alpha, weights, data["validation"]))
    (ours,) = second_order([alpha], weights, *losses, rates, optimization.direction)
    assert torch.allclose(ours, exact, rtol=1e-4)
    (alike,) = second_order([alpha], weights, *losses, [RATE] * 3, optimization.direction)
    assert not torch.allclose(alike, exact, rtol=1e-2)


@pytest.mark.parametrize("name", ["AdamW", "RMSprop"])
def test_the_step_ahead_of_other_optimisers_is_the_gradient(name: str) -> None:
    weight = nn.Parameter(torch.ones(2))
    recipe = Recipe(epochs=1, optimizer=dict(type=name, lr=RATE, weight_decay=0.5))
    optimization = Optimization(recipe, nn.Module(), [weight], [], 2)
    optimization.step(weight.sum())
    assert torch.equal(optimization.direction([weight], [torch.ones(2)])[0], torch.ones(2))


def test_second_order_without_a_step_is_first_order() -> None:
    alpha, weights, data = problem()
    losses = [lambda name=name: loss(alpha, weights, data[name]) for name in ("training", "validation")]
    (ours,) = second_order([alpha], weights, losses[0], losses[1], [0.0] * 3)
    assert torch.allclose(ours, first_order([alpha], losses[1])[0])


def test_a_loss_that_is_not_finite_is_an_error() -> None:
    alpha = nn.Parameter(torch.zeros(1))
    with pytest.raises(FloatingPointError, match="nan"):
        first_order([alpha], lambda: (alpha * float("nan")).sum())
