"""What every supernet promises, and the toy's, whose answers are known in closed form."""

from __future__ import annotations

from random import Random
from typing import Any, cast

import pytest
import torch
from mmengine.registry import MODELS
from torch import Tensor
from torch.utils._pytree import tree_leaves

from search_spaces import FiniteSpace
from search_spaces.decoder_cells.space import DecoderCells
from search_spaces.fpn_cells.space import FPNCells
from search_spaces.head_cells.space import HeadCells
from search_spaces.mbconv.space import MBConv
from search_spaces.meta_kernel.space import MetaKernels
from search_spaces.nasnet_cells.space import NASNetCells
from search_spaces.restoration_cells.space import RestorationCells
from search_spaces.supernet import Supernet, supernet_in
from search_spaces.toy.space import ToySpace
from search_spaces.toy.supernet import ToySupernet
from tasks.toy import formula

TAPS = [torch.rand(2, 8, 8 // 2**k, 8 // 2**k, generator=torch.Generator().manual_seed(k)) for k in range(4)]
SPACES: dict[str, tuple[FiniteSpace, dict[str, Any], Any]] = {
    "toy": (ToySpace(), formula.TABLES, ()),
    "decoder": (DecoderCells(4, aux=None), dict(in_channels=[8] * 4, num_classes=3), (TAPS,)),
    "backbone": (NASNetCells(blocks=2, depth=1, channels=4, join="all"), {}, (torch.rand(2, 3, 64, 64),)),
    "mbconv": (MBConv((2, 1, 1, 1, 1, 1), width=0.25), {}, (torch.rand(2, 3, 64, 64),)),
    "meta kernels": (MetaKernels(depth=1, channels=4), {}, (torch.rand(2, 3, 64, 64),)),
    "fpn": (FPNCells(4, 4), dict(in_channels=[8] * 4), (TAPS,)),
    "head": (HeadCells(8, 2), dict(num_classes=3), ([*TAPS, TAPS[-1]],)),
    "restoration": (RestorationCells(nodes=2, channels=2, stem=4), {}, (torch.rand(2, 1, 8, 8),)),
    "paths": (RestorationCells(nodes=1, channels=2, stem=4, per_path=True), {}, (torch.rand(2, 1, 8, 8),)),
}


@pytest.fixture(params=SPACES)
def case(request: pytest.FixtureRequest) -> tuple[FiniteSpace, Supernet, Any]:
    """A space, its supernet with random weights, and what that is fed."""
    space, settings, inputs = SPACES[request.param]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        ((slot, config),) = space.supernet().items()
        assert slot in space.model(space.sample(Random(0)))
        net = MODELS.build({**config, **settings})
        for parameter in net.architecture_parameters():
            torch.nn.init.normal_(parameter)
    return space, net.eval(), inputs


def test_what_it_favours_is_an_answer(case: Any) -> None:
    space, net, _ = case
    assert supernet_in(torch.nn.Sequential(torch.nn.Identity(), net)).parts == {"1": net}
    assert space.architecture(net.discretise()).as_dict() == net.discretise()


def test_probabilities_are_distributions_as_numbers(case: Any) -> None:
    _, net, _ = case
    for name, shares in net.distributions().items():
        assert sum(net.probabilities()[name].values()) == pytest.approx(1)
        assert {choice: float(share.detach()) for choice, share in shares.items()} == pytest.approx(
            net.probabilities()[name]
        )
        assert all(share.requires_grad for share in shares.values())


def test_expected_costs_are_means_and_teach_the_architecture(case: Any) -> None:
    _, net, _ = case
    rng = Random(0)
    table = {name: {choice: rng.random() for choice in shares} for name, shares in net.distributions().items()}
    cost = net.expected_cost(table)
    shares = net.probabilities()
    expected = sum(shares[name][choice] * value for name, costs in table.items() for choice, value in costs.items())
    assert float(cost.detach()) == pytest.approx(expected, rel=1e-5)
    before = [parameter.detach().clone() for parameter in net.architecture_parameters()]
    optimiser = torch.optim.SGD(net.architecture_parameters(), lr=0.1)
    cost.backward()
    optimiser.step()
    assert net.expected_cost(table) < cost
    assert any(not torch.equal(a, b) for a, b in zip(before, net.architecture_parameters(), strict=True))
    assert float(net.expected_cost({})) == 0
    with pytest.raises(ValueError, match=f"unknown distribution '{name_of(net)}x': did you mean '{name_of(net)}'"):
        net.expected_cost({f"{name_of(net)}x": {}})


def name_of(net: Supernet) -> str:
    return next(iter(net.distributions()))


def test_while_an_answer_is_held_nothing_else_counts(case: Any) -> None:
    space, net, inputs = case
    arch = space.sample(Random(1))
    with torch.no_grad():
        mixture = flat(net(*inputs))
        with net.held(arch.as_dict()):
            held = flat(net(*inputs))
            for parameter in net.architecture_parameters():
                torch.nn.init.normal_(parameter)
            assert torch.equal(flat(net(*inputs)), held)
        assert mixture.shape != held.shape or not torch.allclose(mixture, held)
    assert all(isinstance(value, Tensor) for value in net.derive(arch.as_dict()).values())


def test_a_step_of_a_held_answer_moves_nothing_that_is_not_its_own(case: Any) -> None:
    """An optimiser with momentum or decay moves also what has a gradient of zero.

    These answers have no convolution that reads zeros alone, whose gradient is zero in their own networks, too.
    """
    space, net, inputs = case
    for seed in range(3):
        net.zero_grad(set_to_none=True)
        with net.train().held(space.sample(Random(seed)).as_dict()):
            flat(net(*inputs)).square().sum().backward()
        gradients = {name: weight.grad for name, weight in net.named_parameters() if weight.grad is not None}
        assert gradients
        assert [name for name, gradient in gradients.items() if not gradient.any()] == []


def flat(outputs: Any) -> Tensor:
    return torch.cat([output.flatten() for output in tree_leaves(outputs)])


def toy(gain: float = 40.0) -> ToySupernet:
    space = ToySpace()
    net = cast(ToySupernet, MODELS.build({**space.supernet()["layers"], **formula.TABLES}))
    torch.nn.init.constant_(net.gains, gain)
    return net


@pytest.mark.parametrize("name", ["backbone", "mbconv", "meta kernels"])
def test_the_supernet_of_a_backbone_ends_with_its_last_tap(name: str) -> None:
    space, _, (image,) = SPACES[name]
    net = MODELS.build({**space.supernet()["backbone"], "taps": ["8", "4"]})
    sum(x.square().sum() for x in net(image)).backward()  # type: ignore[union-attr]
    shares = {id(one) for one in net.architecture_parameters()}
    assert all(weight.grad is not None for weight in net.parameters() if id(weight) not in shares)
    for seed in range(3):
        arch = space.sample(Random(seed))
        alone = MODELS.build({**space.model(arch)["backbone"], "taps": ["8", "4"]}).eval()
        assert not alone.load_state_dict(net.derive(arch.as_dict()), strict=False).unexpected_keys
        with torch.no_grad(), net.eval().held(arch.as_dict()):
            assert all(torch.allclose(*pair, atol=1e-4) for pair in zip(net(image), alone(image), strict=True))


@torch.no_grad()
def test_a_held_toy_scores_as_the_formula_says() -> None:
    space, net = ToySpace(), toy()
    for seed in range(20):
        arch = space.sample(Random(seed))
        layers = space.model(arch)["layers"]
        for gains in ([40.0] * 4, [0.0, 1.0, -2.0, 3.0]):
            net.gains.copy_(torch.tensor(gains))
            with net.held(arch.as_dict()):
                assert float(net()) == pytest.approx(formula.score(layers, gains), rel=1e-5)
        assert net.derive(arch.as_dict())["gains"].tolist() == gains


@torch.no_grad()
def test_the_toys_mixture_is_the_expected_score() -> None:
    """By brute force, over a space of two layers."""
    space = ToySpace(2)
    net = cast(ToySupernet, MODELS.build({**space.supernet()["layers"], **formula.TABLES}))
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter)
    shares, expected = net.probabilities(), 0.0
    answers: list[tuple[float, dict[str, Any]]] = [(1.0, {})]
    for name in space.decisions:
        answers = [(p * q, {**sofar, name: choice}) for p, sofar in answers for choice, q in shares[name].items()]
    for chance, choices in answers:
        expected += chance * formula.score(space.parts(choices)["layers"], net.gains.tolist())
    assert float(net()) == pytest.approx(expected, rel=1e-5)


def test_a_toy_learns_the_best_network() -> None:
    net = toy(0.0)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.1)
    for _ in range(300):
        optimiser.zero_grad()
        (1 - net() / 100).backward()
        optimiser.step()
    found = ToySpace().model(ToySpace().architecture(net.discretise()))["layers"]
    assert found == [{"width": 16, "kernel": kernel, "act": "relu"} for kernel in (3, 5, 3, 5)]
    assert float(net().detach()) > 95


def test_a_supernet_needs_no_architecture_weights() -> None:
    class Shared(Supernet):
        def weigh(self, choices: Any) -> Any: ...

        def derive(self, choices: Any) -> Any: ...

    net = Shared()
    assert (net.architecture_parameters(), net.distributions(), net.probabilities()) == ([], {}, {})
    assert float(net.expected_cost({})) == 0
    with pytest.raises(TypeError, match="Shared has no architecture weights: sample its space"):
        net.discretise()
