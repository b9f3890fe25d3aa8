"""The supernet of the decoder cells: held to one answer it is that decoder, and each operation runs once a place."""

from __future__ import annotations

import itertools
import math
from random import Random
from typing import Any

import pytest
import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from benchmarks.published.networks import ARCH0, ARCH1, ARCH2
from search_spaces.decoder_cells.space import OPERATIONS, DecoderCells
from search_spaces.decoder_cells.supernet import DecoderSupernet, MixedCell
from search_spaces.mixing import loose
from search_spaces.supernet import mean_entropy, skip_ratio

WIDTHS, SIZES = (8, 8, 16, 16), ((16, 12), (8, 6), (4, 3), (2, 2))
SPACE = DecoderCells(4, 2, aux="conv")
CELL = [5, [0, 1, 4, 9], [0, 4, 2, 10], [2, 6, 8, 3]]
GAP, SKIP, ZERO = (OPERATIONS.index(name) for name in ("gap", "skip", "zero"))
GENOTYPES = {
    "arch0": ARCH0,
    "arch1": ARCH1,
    "arch2": ARCH2,
    "no block is used": [CELL, [[0, 3], [2, 2], [1, 1]]],
    "every block is used": [CELL, [[0, 0], [4, 4], [5, 5]]],
    "gap": [[GAP, [1, 1, GAP, GAP], [2, 3, GAP, 1], [0, 0, GAP, 1]], [[3, 2], [4, 4], [3, 3]]],
    "skip": [[SKIP, [1, 0, SKIP, SKIP], [4, 4, SKIP, 1], [0, 7, SKIP, SKIP]], [[3, 0], [1, 4], [2, 5]]],
    "zero": [[ZERO, [1, 1, ZERO, ZERO], [4, 0, ZERO, ZERO], [7, 7, ZERO, ZERO]], [[0, 1], [4, 3], [0, 2]]],
    **{f"seed {seed}": SPACE.write(SPACE.sample(Random(seed)).as_dict()) for seed in range(6)},
}


def supernet(space: DecoderCells = SPACE) -> DecoderSupernet:
    torch.manual_seed(0)
    head: dict[str, Any] = space.supernet()["decoder"]
    return MODELS.build({**head, "in_channels": list(WIDTHS), "num_classes": 3})


def derived(net: DecoderSupernet, choices: Any, space: DecoderCells = SPACE) -> Any:
    """The decoder that the space builds of these choices, with the supernet's weights."""
    part = space.model(space.architecture(choices))["decoder"]
    network = MODELS.build({**part, "in_channels": list(WIDTHS), "num_classes": 3})
    missing, unknown = network.load_state_dict(net.derive(choices), strict=False)
    assert not unknown
    assert {name.rsplit(".", 1)[1] for name in missing} <= {"weight", "bias"}
    norms = {name for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    assert {name.rsplit(".", 1)[0] for name in missing} == norms  # which have affine pairs there
    return network


def taps(seed: int, batch: int = 3) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(batch, width, *size, generator=generator) for width, size in zip(WIDTHS, SIZES, strict=True)]


@pytest.mark.parametrize("genotype", GENOTYPES.values(), ids=GENOTYPES)
def test_with_all_weight_on_one_answer_it_is_that_decoder(genotype: list[Any]) -> None:
    net, choices = supernet(), SPACE.read(genotype).as_dict()
    with torch.no_grad():
        for seed in range(3):
            net(taps(seed))  # statistics unlike a new BN's
        network = derived(net, choices).double()
        net.double()
        x = [tap.double() for tap in taps(9)]
        for mode in (False, True):
            with net.held(choices):
                ours = net.train(mode)(x)
            theirs = network.train(mode)(x)
            for a, b in zip(*(scores if mode else [scores] for scores in (ours, theirs)), strict=True):
                assert torch.allclose(a, b, rtol=1e-5, atol=1e-5)
        mixture = net.eval()(x)
        assert mixture.shape[-2:] == SIZES[0]
        assert ours[0].shape != mixture.shape or not torch.allclose(mixture, ours[0], atol=1e-3)


def test_single_precision_agrees_too() -> None:
    net = supernet().eval()
    for seed in range(3):
        choices = SPACE.sample(Random(seed)).as_dict()
        with torch.no_grad(), net.held(choices):
            assert torch.allclose(net(taps(seed)), derived(net, choices).eval()(taps(seed)), atol=1e-5)


def runs(net: DecoderSupernet, x: list[Tensor]) -> int:
    """How many operations one pass runs."""
    count = 0

    def add(*_: object) -> None:
        nonlocal count
        count += 1

    handles = [
        operation.register_forward_hook(add)
        for cell in net.modules()
        if isinstance(cell, MixedCell)
        for operation in cell.ops.values()
    ]
    net(x)
    for handle in handles:
        handle.remove()
    return count


def test_an_operation_runs_once_a_place_and_not_at_all_without_weight() -> None:
    net, cells, places = supernet().eval(), 2 * 3, 7
    assert runs(net, taps(0)) == cells * places * len(OPERATIONS)
    with net.held(SPACE.read(ARCH0).as_dict()):
        assert runs(net, taps(0)) == cells * places
    with torch.no_grad():
        net.alphas[0][OPERATIONS.index("conv3_dil12")] = -torch.inf  # of the first operation
    assert runs(net, taps(0)) == cells * (places * len(OPERATIONS) - 1)


def test_loose_ends_count_by_the_probability_that_nobody_uses_them() -> None:
    net = supernet()
    for alpha in net.alphas:
        nn.init.normal_(alpha, 0, 2, generator=torch.Generator().manual_seed(alpha.numel()))
    sides = [net.probabilities()[f"block{block}.{side}"] for block in range(3) for side in "ab"]
    expected = dict.fromkeys((4, 5, 6), 0.0)
    for picks in itertools.product(*sides[2:]):  # of the blocks that can use another one
        chance = math.prod(side[pick] for side, pick in zip(sides[2:], picks, strict=True))
        for place in expected:
            expected[place] += chance * (place not in picks)
    assert loose((4, 5, 6), sides) == pytest.approx(expected)


def test_all_parameters_learn_and_no_norm_is_affine() -> None:
    net = supernet()
    sum(scores.square().mean() for scores in net(taps(0))).backward()
    architecture = net.architecture_parameters()
    assert len(architecture) == len(SPACE.decisions)
    assert all(alpha.grad is not None and (alpha.grad != 0).any() for alpha in architecture)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    assert norms
    assert all(norm.weight is None and norm.bias is None for norm in norms)


def test_decisions_are_the_most_probable_and_ties_go_to_the_first() -> None:
    net = supernet()
    assert net.discretise() == {name: options[0] for name, options in SPACE.decisions.items()}
    for seed in range(4):
        for alpha in net.alphas:
            nn.init.normal_(alpha, generator=torch.Generator().manual_seed(seed))
        choices = net.discretise()
        assert SPACE.flaw(choices) is None
        SPACE.architecture(choices)
        for (name, options), alpha in zip(SPACE.decisions.items(), net.alphas, strict=True):
            assert choices[name] == options[int(alpha.argmax())]


def test_probabilities_name_every_decision() -> None:
    net = supernet()
    shares = net.probabilities()
    assert {name: tuple(options) for name, options in shares.items()} == dict(SPACE.decisions)
    assert all(math.isclose(sum(options.values()), 1, rel_tol=1e-6) for options in shares.values())
    assert math.isclose(mean_entropy(shares), 1, rel_tol=1e-6)
    assert skip_ratio(shares) == 0
    with torch.no_grad():
        for (name, options), alpha in zip(SPACE.decisions.items(), net.alphas, strict=True):
            if name in ("cell.op0", "cell.layer2.b.op"):
                alpha[options.index("skip")] = 1
    assert skip_ratio(net.probabilities()) == pytest.approx(2 / 7)


@pytest.mark.parametrize(("aux", "classifiers"), [("cell", 3), ("conv", 3), (None, 0)])
def test_auxiliary_cells_become_classifiers(aux: str | None, classifiers: int) -> None:
    net = supernet(DecoderCells(4, 1, aux))
    assert len(net.aux) == classifiers
    assert isinstance(net.train()(taps(0)), list if classifiers else Tensor)
