"""How weights move: any optimiser and schedule by name, against torch and closed forms; clipping; averages."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tasks import Recipe, Stage
from tasks.optimization import Optimization


def optimised(steps: int, **settings: Any) -> tuple[Any, Optimization]:
    """A single weight that is pulled towards 1 by a steep loss."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimization = Optimization(Recipe(epochs=1, **settings), nn.Module(), [weight], [], steps)
    for _ in range(steps):
        optimization.step(100 * (weight - 1).square().sum())
    return weight, optimization


def rates(steps: int, epochs: int, schedule: Any, lr: float = 0.4) -> list[float]:
    """The learning rate of every step of a training."""
    weight, found = nn.Parameter(torch.zeros(1)), []
    recipe = Recipe(epochs=epochs, optimizer=dict(type="SGD", lr=lr), schedule=schedule)
    optimization = Optimization(recipe, nn.Module(), [weight], [], steps)
    for _ in range(epochs):
        for _ in range(steps // epochs):
            found += optimization.rates([weight])
            optimization.step(weight.sum())
        optimization.end_epoch()
    return found


@pytest.mark.parametrize(("clip", "norm"), [(0.5, 0.5), (None, 200)])
def test_clipping_bounds_the_gradient(clip: float | None, norm: float) -> None:
    assert optimised(1, clip=clip)[0].grad.norm() == pytest.approx(norm)


def test_entries_of_the_gradient_are_bounded_alone() -> None:
    assert optimised(1, clip=None, clip_value=7.0)[0].grad.item() == -7


# Optimisers.


class Parts(nn.Module):
    """An encoder and a decoder, each a convolution with a bias and a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
        self.decoder = nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2))

    def loss(self, step: int) -> Tensor:
        image = torch.linspace(-1, 1 + step, 12).reshape(3, 1, 2, 2)
        return (self.decoder(self.backbone(image)) - 1).square().sum()


def parts() -> Parts:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Parts()


def trained(steps: int = 4, **settings: Any) -> Parts:
    network = parts()
    recipe = Recipe(epochs=1, **{"clip": None, **settings})
    encoder = list(network.backbone.parameters()) if recipe.trains_encoder else []
    optimization = Optimization(recipe, network, list(network.decoder.parameters()), encoder, steps)
    for step in range(steps):
        optimization.step(network.loss(step))
    return network


def by_hand(make: Callable[[Parts], list[torch.optim.Optimizer]], clip: float | None = None) -> Parts:
    network = parts()
    optimizers = make(network)
    for step in range(4):
        network.zero_grad()
        network.loss(step).backward()
        for optimizer in optimizers:
            if clip is not None:
                torch.nn.utils.clip_grad_norm_([w for g in optimizer.param_groups for w in g["params"]], clip)
            optimizer.step()
    return network


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = ((value, other.state_dict()[name]) for name, value in one.state_dict().items())
    return all(torch.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in pairs)  # fused steps round in another order


@pytest.mark.parametrize(
    "settings",
    [
        dict(type="SGD", lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-2),
        dict(type="Adam", lr=0.01, betas=[0.5, 0.999], weight_decay=1e-2),
        dict(type="AdamW", lr=0.01, weight_decay=1e-2),
        dict(type="RMSprop", lr=0.01, eps=1.0, momentum=0.9, weight_decay=4e-5),
        dict(type="torch.optim.NAdam", lr=0.01),
    ],
    ids=lambda settings: settings["type"],
)
def test_an_optimiser_is_torchs_own(settings: dict[str, Any]) -> None:
    own = {name: value for name, value in settings.items() if name != "type"}
    cls = getattr(torch.optim, settings["type"].rpartition(".")[2])
    way = {"fused": True} if "fused" in inspect.signature(cls).parameters else {"foreach": True}
    hand = by_hand(lambda network: [cls(network.decoder.parameters(), **own, **way)])
    assert same(trained(optimizer=settings), hand)
    assert not same(trained(optimizer={**settings, "lr": 0.02}), hand)


def test_the_short_form_is_adamw() -> None:
    assert same(trained(lr=0.02, weight_decay=0.1), trained(optimizer=dict(type="AdamW", lr=0.02, weight_decay=0.1)))


def test_an_encoder_learns_at_its_own_settings() -> None:
    def groups(network: Parts) -> list[torch.optim.Optimizer]:
        own = {"params": network.backbone.parameters(), "lr": 1e-3, "momentum": 0.5}
        decoder = {"params": network.decoder.parameters()}
        return [torch.optim.SGD([decoder, own], lr=0.01, momentum=0.9, weight_decay=0.1)]

    main = dict(type="SGD", lr=0.01, momentum=0.9, weight_decay=0.1)
    assert same(trained(optimizer=main, encoder=dict(lr=1e-3, momentum=0.5)), by_hand(groups))
    assert same(trained(optimizer=main, encoder={}), trained(optimizer=main, encoder_lr=0.01))
    assert same(trained(optimizer=main).backbone[0], parts().backbone[0])


def test_an_encoder_can_have_an_optimiser_and_a_clipped_gradient_of_its_own() -> None:
    """As in Nekrasov et al., CVPR 2019: SGD for the encoder, Adam for the decoder."""

    def two(network: Parts) -> list[torch.optim.Optimizer]:
        adam = torch.optim.Adam(network.decoder.parameters(), lr=3e-3)
        return [adam, torch.optim.SGD(network.backbone.parameters(), lr=1e-3, momentum=0.9)]

    settings: Any = dict(optimizer=dict(type="Adam", lr=3e-3), encoder=dict(type="SGD", lr=1e-3, momentum=0.9))
    assert same(trained(**settings, clip=0.3), by_hand(two, clip=0.3))


def test_parts_by_name_have_rates_of_their_own() -> None:
    def groups(network: Parts) -> list[torch.optim.Optimizer]:
        conv, norm = network.decoder
        first = {"params": [network.backbone[0].weight], "lr": 0.01 * 0.1, "weight_decay": 0.1, "momentum": 0.0}
        biases = {"params": [network.backbone[0].bias, conv.bias], "lr": 0.02, "weight_decay": 0.0}
        norms = {"params": [*network.backbone[1].parameters(), *norm.parameters()], "weight_decay": 0.1 * 0.5}
        all_groups = [first, biases, norms, {"params": [conv.weight]}]
        return [torch.optim.SGD(all_groups, lr=0.01, momentum=0.9, weight_decay=0.1)]

    paramwise = dict(
        custom_keys={"backbone.0.weight": dict(lr_mult=0.1, momentum=0.0)},
        bias_lr_mult=2.0,
        bias_decay_mult=0,
        norm_decay_mult=0.5,
    )
    config = dict(epochs=1, clip=None, optimizer=dict(type="SGD", lr=0.01, momentum=0.9, weight_decay=0.1))
    recipe = Stage.of(dict(name="s", recipe=dict(**config, encoder={}, paramwise_cfg=paramwise))).recipe
    network = parts()
    searched, encoder = list(network.decoder.parameters()), list(network.backbone.parameters())
    optimization = Optimization(recipe, network, searched, encoder, 4)
    assert len(optimization.optimizers[0].param_groups) < len([*searched, *encoder])
    for step in range(4):
        optimization.step(network.loss(step))
    assert same(network, by_hand(groups))


# Schedules.

WARM = dict(type="LinearLR", start_factor=0.1, end=4, by_epoch=False)


@pytest.mark.parametrize(
    ("schedule", "form"),
    [
        ("constant", lambda step: 0.4),
        ("poly", lambda step: 0.4 * (1 - step / 24) ** 0.9),
        ([dict(type="PolyLR", power=2.0)], lambda step: 0.4 * (1 - step // 4 / 5) ** 2),
        (
            [dict(type="CosineAnnealingLR", eta_min=0.1)],
            lambda step: 0.1 + 0.15 * (1 + math.cos(math.pi * (step // 4) / 6)),
        ),
        (
            [dict(type="CosineAnnealingLR", by_epoch=False)],
            lambda step: 0.2 * (1 + math.cos(math.pi * step / 24)),
        ),
        ([dict(type="StepLR", step_size=2, gamma=0.5)], lambda step: 0.4 * 0.5 ** (step // 8)),
        (
            [dict(type="MultiStepLR", milestones=[3, 5])],
            lambda step: 0.4 * 0.1 ** ((step >= 12) + (step >= 20)),
        ),
        (
            [WARM, dict(type="MultiStepLR", milestones=[3, 5])],
            lambda step: 0.4 * min(1, 0.1 + 0.3 * step) * 0.1 ** ((step >= 12) + (step >= 20)),
        ),
        (
            [WARM, dict(type="CosineAnnealingLR", begin=4, by_epoch=False)],
            lambda step: 0.4 * (0.1 + 0.3 * step if step < 4 else 0.5 * (1 + math.cos(math.pi * (step - 4) / 20))),
        ),
    ],
)
def test_a_schedule_has_its_closed_form(schedule: Any, form: Callable[[int], float]) -> None:
    """In 6 epochs of 4 steps, from 0.4 on."""
    assert rates(24, 6, schedule) == pytest.approx([form(step) for step in range(24)])


def test_a_schedule_moves_all_parts_alike() -> None:
    network = parts()
    settings: Any = dict(optimizer=dict(type="Adam", lr=0.1), encoder=dict(type="SGD", lr=0.2))
    recipe = Recipe(epochs=1, **settings, schedule=(dict(type="StepLR", step_size=1, by_epoch=False),))
    groups = list(network.decoder.parameters()), list(network.backbone.parameters())
    optimization = Optimization(recipe, network, *groups, 2)
    optimization.step(network.loss(0))
    assert optimization.rates([group[0] for group in groups]) == pytest.approx([0.01, 0.02])


def test_the_poly_schedule_ends_at_zero() -> None:
    weight, optimization = optimised(10, schedule="poly")
    assert optimization.rates([weight]) == [0]


# Averages.


def test_averaged_weights_follow_the_published_formula() -> None:
    decay, expected = 0.3, 0.0
    for step in range(1, 6):
        value = optimised(step, lr=0.1)[0].item()
        rate = min(decay, (1 + step) / (10 + step))
        expected = rate * expected + (1 - rate) * value
    weight, optimization = optimised(5, lr=0.1, polyak=decay)
    assert weight.item() != pytest.approx(expected)
    assert optimization.average is not None
    optimization.average.place()
    assert weight.item() == pytest.approx(expected, rel=1e-5)


def test_an_average_can_take_the_weights_place_after_every_epoch() -> None:
    """Plain steps of 1, of which half stays: the second epoch starts from the average, as in the code of CVPR 2019."""
    weight, mean, expected = nn.Parameter(torch.zeros(1)), 0.0, 0.0
    recipe = Recipe(epochs=2, optimizer=dict(type="SGD", lr=1.0), average=dict(type="EpochPolyak", decay=0.5))
    optimization = Optimization(recipe, nn.Module(), [weight], [], 6)
    for _ in range(2):
        for _ in range(3):
            optimization.step(-weight.sum())
            expected += 1
            mean = 0.5 * mean + 0.5 * expected
            assert weight.item() == expected
        optimization.end_epoch()
        expected = mean
        assert weight.item() == mean
    assert mean == 4.25


@pytest.mark.parametrize(
    ("settings", "way"),
    [
        (dict(type="AdamW"), "fused"),
        (dict(type="RMSprop"), "foreach"),
        (dict(type="SGD", foreach=True), "foreach"),
        (dict(type="Adam", fused=False), None),
    ],
)
def test_a_step_goes_through_all_weights_at_once_unless_the_config_says_how(settings: Any, way: str | None) -> None:
    recipe = Recipe(epochs=1, optimizer=dict(lr=0.1, **settings))
    network = parts()
    (optimizer,) = Optimization(recipe, network, list(network.parameters()), [], 1).optimizers
    assert [name for name in ("fused", "foreach") if optimizer.param_groups[0].get(name)] == ([way] if way else [])
