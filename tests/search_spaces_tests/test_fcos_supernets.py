"""The supernets of FPN and head: held to one answer they are that network, and what they favour is one that can be built."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from scrambled import noise, scramble
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from benchmarks.published.networks import PUBLISHED
from search_spaces.architecture import Choice
from search_spaces.fcos_decoder.space import FCOSDecoder
from search_spaces.fpn_cells.space import OUTPUTS, TAPS, FPNCells
from search_spaces.fpn_cells.supernet import ends
from search_spaces.head_cells.space import OPERATIONS, HeadCells
from search_spaces.supernet import ChoiceSupernet, supernet_in

WIDTHS, WIDTH = (8, 8, 12, 16), 8
FPN, _, HEAD = next(network for network in PUBLISHED if network.id == "DET-1").genotype
FPNS = {
    "official": FPNCells(WIDTH),
    "mmdet": FPNCells(WIDTH, variant="mmdet"),
    "twice as wide": FPNCells(WIDTH, head_channels=2 * WIDTH),
}
HEADS = HeadCells(WIDTH, 4)


def neck(config: Mapping[str, Any]) -> Any:
    return MODELS.build({**config, "in_channels": list(WIDTHS)})


def head(config: Mapping[str, Any]) -> Any:
    built = scramble(MODELS.build({**config, "num_classes": 3, "strides": [8, 16, 32, 64, 128]}))
    built.conv_reg.weight.data /= 50  # distances are exponentials
    return built


def derived(net: ChoiceSupernet, network: nn.Module, choices: Mapping[str, Choice]) -> Any:
    """A network with the weights that the supernet derives for it; of norms the affine pairs may be missing."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
    missing, unknown = network.load_state_dict(net.derive(choices), strict=False)
    assert not unknown
    norms = {name for name, one in network.named_modules() if isinstance(one, nn.BatchNorm2d | nn.GroupNorm)}
    assert {name.rpartition(".")[0] for name in missing} == norms
    assert {name.rpartition(".")[2] for name in missing} <= {"weight", "bias"}
    return network


def taps(height: int, width: int) -> list[Tensor]:
    return [noise(2, channels, -(-height // 2**k), -(-width // 2**k)) for k, channels in enumerate(WIDTHS)]


def double(maps: list[Tensor]) -> list[Tensor]:
    return [x.double() for x in maps]


def close(ours: Any, theirs: Any) -> bool:
    pairs = zip(tree_leaves(ours), tree_leaves(theirs), strict=True)
    return all(torch.allclose(a, b, rtol=1e-5, atol=1e-5) for a, b in pairs)


@torch.no_grad()
@pytest.mark.parametrize("space", FPNS.values(), ids=FPNS)
def test_a_held_fpn_is_the_answers_own(space: FPNCells) -> None:
    net = scramble(neck(space.supernet()["neck"])).double()
    for arch in (space.read(FPN), *(space.sample(Random(seed)) for seed in range(8))):
        choices = arch.as_dict()
        network = derived(net, neck(space.model(arch)["neck"]).double(), choices)
        for mode, size in itertools.product((False, True), ((32, 32), (19, 26))):
            with net.held(choices):
                ours = net.train(mode)(double(taps(*size)))
            assert close(ours, network.train(mode)(double(taps(*size))))
        assert not close(net.eval()(double(taps(32, 32))), network.eval()(double(taps(32, 32))))


@torch.no_grad()
@pytest.mark.parametrize("split", range(5))
def test_a_held_head_is_the_answers_own(split: int) -> None:
    net = head(HEADS.supernet()["head"]).double()
    maps = double([noise(2, WIDTH, 2**k, 2**k) for k in (4, 3, 2, 1, 0)])
    for ops in (
        ["conv3", "skip", "deform", "sep3"],
        ["skip"] * 4,
        *(Random(k).choices(OPERATIONS, k=4) for k in range(6)),
    ):
        arch = HEADS.architecture({**{f"head.layer{k}": op for k, op in enumerate(ops)}, "head.split": split})
        network = derived(net, head(HEADS.model(arch)["head"]).double(), arch.as_dict()).eval()
        with net.held(arch.as_dict()):
            assert close(net.eval()(maps), network(maps))


def test_what_becomes_of_an_output_is_the_expectation_over_all_that_could_be_unused() -> None:
    chances = {4: 0.3, 5: 1.0, 6: 0.25, 7: 0.8, 9: 0.5}  # and 8 never is
    expected: list[dict[int, float]] = [{} for _ in range(OUTPUTS + 1)]
    for left in itertools.product(*(((place, True), (place, False)) for place in chances)):
        weight = math.prod(chances[place] if unused else 1 - chances[place] for place, unused in left)
        unused = [place for place, here in left if here]
        for level, places in enumerate([*([place] for place in unused[-1:-4:-1]), unused[:-3]]):
            for place in places:
                spot = expected[OUTPUTS if level == len(unused[-3:]) else OUTPUTS - 1 - level]
                spot[place] = spot.get(place, 0.0) + weight
    found = ends(chances, 10)
    assert [{k: v for k, v in level.items() if v} for level in expected] == [pytest.approx(level) for level in found]


def test_the_most_probable_fpn_that_can_be_built() -> None:
    """By trying all inputs, of the taps the most probable one alone; operations and joins are their most probable ones.

    An answer that can be built is kept.
    """
    space = FPNCells(WIDTH, 4)
    net, kept = neck(space.supernet()["neck"]), []
    names = [name for name in space.decisions if name.endswith("input")]
    for seed in range(8):
        for alpha in net.alphas:
            nn.init.normal_(alpha, 0, 2, generator=torch.Generator().manual_seed(100 * seed + alpha.numel()))
        for name, alpha in zip(net.decisions, net.alphas, strict=True):
            if name.endswith("input") and seed % 2:
                alpha.data[TAPS:] += 3  # blocks are used
        known, found = net.probabilities(), net.discretise()
        assert found == net.discretise()
        assert space.architecture(found).as_dict() == found
        greedy = {name: max(options, key=options.__getitem__) for name, options in known.items()}
        kept.append(space.flaw(greedy) is None)
        assert (found == greedy) == kept[-1]
        assert {name: choice for name, choice in found.items() if name not in names} == {
            name: choice for name, choice in greedy.items() if name not in names
        }
        tried = [[max(range(TAPS), key=known[name].__getitem__), *space.decisions[name][TAPS:]] for name in names]
        legal = (
            math.prod(known[name][place] for name, place in zip(names, places, strict=True))
            for places in itertools.product(*tried)
            if space.flaw({**greedy, **dict(zip(names, places, strict=True))}) is None
        )
        assert math.prod(known[name][found[name]] for name in names) == pytest.approx(max(legal))
    assert set(kept) == {True, False}


def test_all_weights_learn_and_no_norm_is_affine() -> None:
    for net, inputs in (
        (neck(FPNS["official"].supernet()["neck"]), taps(32, 32)),
        (head(HEADS.supernet()["head"]), None),
    ):
        maps = inputs or [noise(2, WIDTH, 2**k, 2**k) for k in (4, 3, 2, 2, 2)]
        torch.stack([x.square().mean() for x in tree_leaves(net.train()(maps))]).sum().backward()
        assert all(alpha.grad is not None and (alpha.grad != 0).any() for alpha in net.architecture_parameters())
        assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in net.parameters())
        norms = [one for one in net.modules() if isinstance(one, nn.BatchNorm2d | nn.GroupNorm)]
        assert norms
        assert all(norm.weight is None and norm.bias is None for norm in norms)


def test_what_weighs_nothing_is_not_run() -> None:
    net, runs = head(HEADS.supernet()["head"]), []
    for tower in (net.cls_convs, net.reg_convs):
        for layer in tower:
            for operation in (copy for copies in layer.values() for copy in copies):
                operation.register_forward_hook(lambda *_: runs.append(1))
    maps = [noise(2, WIDTH, 2, 2)] * 5
    net(maps)
    assert len(runs) == 2 * 4 * 5 * len(OPERATIONS) * 2  # towers, layers, levels; weights of their own, and shared ones
    runs.clear()
    with net.held(HEADS.sample(Random(0)).as_dict()):
        net(maps)
    assert len(runs) == 2 * 4 * 5


def test_two_supernets_of_a_network_are_one() -> None:
    space = FCOSDecoder(WIDTH, blocks=4, layers=2)
    parts = space.supernet()
    network = nn.ModuleDict({"neck": neck(parts["neck"]), "bbox_head": head(parts["head"])})
    joint, choices = supernet_in(network), space.sample(Random(0)).as_dict()
    assert list(joint.parts) == ["neck", "bbox_head"]
    assert joint.distributions().keys() == space.decisions.keys()
    assert len(joint.architecture_parameters()) == len(space.decisions)
    assert space.architecture(joint.discretise()).as_dict() == joint.discretise()
    for name, part in joint.parts.items():
        mine = {
            key.removeprefix(f"{name}."): value for key, value in joint.derive(choices).items() if key.startswith(name)
        }
        assert mine.keys() == part.derive(choices).keys()
    with joint.held(choices):
        assert all(part.alone == part.weigh(choices) for part in joint.parts.values())
    assert all(part.alone is None for part in joint.parts.values())
