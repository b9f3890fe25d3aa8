"""The supernet of NASNet's cells: held to one answer it is that backbone, and each operation runs once a place."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from search_spaces.nasnet_cells.space import DARTS, NAMES, NASNetCells
from search_spaces.nasnet_cells.supernet import BackboneSupernet, MixedCell
from search_spaces.supernet import mean_entropy, skip_ratio
from tasks.decoding.templates import EncoderDecoder

SPACES = {
    "lecture": NASNetCells(blocks=3, depth=1, channels=4, join="all"),
    "all operations, odd width": NASNetCells(tuple(NAMES), blocks=2, depth=2, channels=3, join="all"),
    "one block": NASNetCells(DARTS, blocks=1, depth=1, channels=4, join="all"),
}
SPACE = SPACES["lecture"]


def supernet(space: NASNetCells = SPACE) -> BackboneSupernet:
    torch.manual_seed(0)
    return MODELS.build(space.supernet()["backbone"])


def derived(net: BackboneSupernet, choices: Any) -> nn.Module:
    """The backbone that the space builds of these choices, with the supernet's weights."""
    network = MODELS.build(net.space.model(net.space.architecture(choices))["backbone"])
    missing, unknown = network.load_state_dict(net.derive(choices), strict=False)
    norms = {name for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    assert not unknown
    assert {name.rsplit(".", 1)[0] for name in missing} == norms  # which have affine pairs there
    return network


def image(seed: int, size: tuple[int, int] = (64, 96)) -> Tensor:
    return torch.randn(3, 3, *size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@torch.no_grad()
def test_with_all_weight_on_one_answer_it_is_that_backbone(space: NASNetCells) -> None:
    net = supernet(space)
    for seed in range(3):
        net(image(seed))  # statistics unlike a new BN's
    for seed in range(6):
        choices = space.sample(Random(seed)).as_dict()
        network = derived(net, choices)
        for mode, size in ((False, (64, 96)), (False, (70, 45)), (True, (64, 96))):
            with net.held(choices):
                ours = net.train(mode)(image(9, size))
            theirs = network.train(mode)(image(9, size))
            assert all(torch.allclose(a, b, rtol=1e-5, atol=1e-5) for a, b in zip(ours, theirs, strict=True))


def test_sides_may_change_places() -> None:
    net, choices = supernet().eval(), SPACE.sample(Random(0)).as_dict()
    choices |= {"normal.block1.a.input": 1, "normal.block1.a.op": "sep5"}
    choices |= {"normal.block1.b.input": 0, "normal.block1.b.op": "conv3"}
    assert SPACE.architecture(choices).canonical != SPACE.architecture(choices).choices
    with torch.no_grad(), net.held(choices):
        assert all(
            torch.equal(a, b) for a, b in zip(net(image(0)), derived(net, choices).eval()(image(0)), strict=True)
        )


def runs(net: BackboneSupernet) -> int:
    """How many operations one pass runs."""
    count = 0

    def add(*_: object) -> None:
        nonlocal count
        count += 1

    operations = [one for cell in net.modules() if isinstance(cell, MixedCell) for one in cell.ops.values()]
    handles = [operation.register_forward_hook(add) for operation in operations]
    with torch.no_grad():
        net(image(0))
    for handle in handles:
        handle.remove()
    return count


def test_an_operation_runs_once_a_place_and_not_at_all_without_weight() -> None:
    net, normal, reduction = supernet().eval(), 4, 3
    assert runs(net) == (normal * 6 + reduction * (6 + 4)) * 11  # after the first block, a reduction has two mixtures
    with net.held(SPACE.sample(Random(0)).as_dict()):
        assert runs(net) == (normal + reduction) * 6
    with torch.no_grad():
        net.alphas[list(SPACE.decisions).index("normal.block0.a.op")][3] = -torch.inf
    assert runs(net) == (normal * 6 + reduction * (6 + 4)) * 11 - normal


def test_all_parameters_learn_and_no_norm_is_affine() -> None:
    net = supernet()
    sum(x.square().mean() for x in net(image(0))).backward()  # type: ignore[union-attr]
    assert len(net.architecture_parameters()) == len(SPACE.decisions)
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in net.parameters())
    assert all((alpha.grad != 0).any() for alpha in net.architecture_parameters())
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    assert all(norm.weight is None and norm.bias is None for norm in norms)


@torch.no_grad()
def test_a_mixture_counts_by_its_share_also_behind_a_norm() -> None:
    """Hardly any of a side's input comes from a block, on which a convolution runs beside that on the rest."""
    net = supernet()
    cell = next(cell for cell in net.stages.cells if cell.halves)
    shares: dict[str, Any] = dict(net.weigh(SPACE.sample(Random(0)).as_dict()))
    maps = torch.randn(2, 4, 16, 16), torch.randn(2, 12, 16, 16)
    made = []
    for share in (0.0, 1e-4):
        shares["reduce.block1.a.input"] = {0: 1 - share, **({2: share} if share else {})}
        shares["reduce.block1.a.op"] = {"conv3": 1.0}
        made.append(cell(*maps, shares=shares))
    assert torch.allclose(*made, atol=1e-2)


def test_a_collapse_to_skips_is_seen() -> None:
    net = supernet()
    assert mean_entropy(net.probabilities()) == pytest.approx(1)
    assert mean_entropy({"op": {"skip": 1.0}}) == 0
    with torch.no_grad():
        for name, alpha in zip(SPACE.decisions, net.alphas, strict=True):
            if name.startswith("normal") and name.endswith("op"):
                alpha[0] = 1
    assert skip_ratio(net.probabilities()) == 0.5


def test_taps_are_those_that_are_asked_for() -> None:
    net = supernet().eval()
    config = SPACE.supernet()["backbone"]
    fewer = MODELS.build({**config, "taps": ["16"]}).eval()
    assert not fewer.load_state_dict(net.state_dict(), strict=False).missing_keys
    with torch.no_grad():
        assert torch.equal(fewer(image(0))[0], net(image(0))[2])


def test_a_template_finds_out_its_channels() -> None:
    """On the meta device, where no share is known."""
    config = EncoderDecoder().config(SPACE.supernet(), {}, 3, (64, 64))
    assert config["decode_head"]["in_channels"] == [12, 24, 48, 96]


def test_cells_that_join_unused_blocks_have_no_supernet() -> None:
    with pytest.raises(
        TypeError, match="NASNetCells has no supernet where cells join unused blocks: set join to 'all'"
    ):
        NASNetCells().supernet()
