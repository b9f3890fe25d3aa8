"""The space of HiNAS and its networks: sizes, notation, which spellings are one network, the known totals."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
import torch
from mmengine.registry import MODELS

from core import build
from search_spaces import SPACES
from search_spaces.architecture import Choice
from search_spaces.ops import operation
from search_spaces.restoration_cells.network import INNER, Cell, RestorationNet, early_layer
from search_spaces.restoration_cells.space import RestorationCells
from tasks.complexity import madds, params

Terms = list[list[Any]]


def network(space: RestorationCells, genotype: Any) -> RestorationNet:
    return MODELS.build(space.model(space.read(genotype))["network"])


def uniform(op: str, path: list[int], nodes: int = 4) -> list[Any]:
    """A genotype of one operation on the first two inputs."""
    return [[[[op, place % 2] for place in range(2 * nodes)] for _ in path], path]


@pytest.mark.parametrize(
    ("settings", "operations"), [(dict(), 7), (dict(variant="slides", shared=True), 6), (dict(nodes=2, layers=4), 7)]
)
def test_size_and_round_trips(settings: dict[str, Any], operations: int) -> None:
    space = RestorationCells(**settings)
    cell = operations ** (2 * space.nodes)
    for node in range(space.nodes):
        cell *= (2 + node) ** 2
    assert space.size == cell**space.cells * 2 * 3 ** (space.layers - 1)
    for seed in range(20):
        arch = space.sample(Random(seed))
        assert space.read(json.loads(json.dumps(space.write(arch.as_dict())))).as_dict() == arch.as_dict()
        assert json.loads(json.dumps(space.model(arch))) == space.model(arch)


@pytest.mark.parametrize(
    "genotype",
    [None, [], "skip", [[], [0, 0, 0]], [[[["skip", 0]] * 8] * 3, [0, 0]], [[[["skip", 0]] * 8] * 2, [0, 0, 0]],
     [[[["skip", 0]] * 9] * 3, [0, 0, 0]], [[[["skip"]] * 8] * 3, [0, 0, 0]], [[[["deform", 0]] * 8] * 3, [0, 0, 0]],
     [[[["skip", 2]] * 8] * 3, [0, 0, 0]]],
)  # fmt: skip
def test_what_is_no_genotype_is_refused(genotype: object) -> None:
    with pytest.raises(ValueError, match=r"genotype|decision"):
        RestorationCells().read(genotype)  # type: ignore[arg-type]


def test_paths_start_narrow_and_move_by_one() -> None:
    space = RestorationCells(layers=3)
    legal = [(a, b, c) for a in (0, 1) for b in range(3) for c in range(3) if abs(a - b) < 2 and abs(b - c) < 2]
    assert len(legal) == 12
    for path in legal:
        space.read(uniform("skip", list(path)))
    with pytest.raises(ValueError, match=r"layer0\.width' cannot be 2"):
        space.read(uniform("skip", [2, 2, 2]))
    with pytest.raises(ValueError, match="from layer 1 to 2 the width jumps from 0 to 2"):
        space.read(uniform("skip", [1, 0, 2]))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (dict(variant="cod"), "must be one of 'code', 'slides', not 'cod'"),
        (dict(channels=15), "channels must be even and at least 2, not 15"),
        (dict(nodes=0), "nodes must be at least 1, not 0"),
        (dict(layers=0), "layers must be at least 1, not 0"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        build(SPACES, dict(type="RestorationCells", **settings))


def test_equal_networks_share_a_key_and_unequal_ones_do_not() -> None:
    space = RestorationCells(nodes=2, layers=1)

    def key(*terms: list[Any]) -> str:
        return space.read([[list(terms)], [0]]).key

    base = key(["conv3", 0], ["sep3", 1], ["none", 2], ["skip", 1])
    assert base == key(["sep3", 1], ["conv3", 0], ["skip", 1], ["none", 0])
    assert base != key(["conv3", 1], ["sep3", 0], ["none", 2], ["skip", 1])
    assert base != key(["conv3", 0], ["sep3", 1], ["none", 2], ["skip", 0])
    for seed in range(30):
        arch = RestorationCells().sample(Random(seed))
        assert RestorationCells().architecture(RestorationCells().canonical(arch.as_dict())) == arch


@pytest.mark.parametrize(
    ("op", "path", "total"),
    [("skip", [0, 0, 0], 151_009), ("dil5", [1, 2, 2], 996_969), ("conv3", [0, 1, 2], 377_849)],
)
def test_known_totals(op: str, path: list[int], total: int) -> None:
    """Of the public code at F = 20: 0.151, 0.997 and 0.378 million."""
    assert params(network(RestorationCells(channels=20), uniform(op, path))) == total


@pytest.mark.parametrize(
    ("op", "count"),
    [
        ("conv3", 9 * 64 + 16),
        ("dil3", 9 * 64 + 16),
        ("dil5", 25 * 64 + 16),
        ("sep3", 2 * (9 * 8 + 64 + 16)),
        ("sep5", 2 * (25 * 8 + 64 + 16)),
        ("deform", 9 * 64 + 8 + 54 * (9 * 8 + 1) + 16),
        ("skip", 0),
        ("none", 0),
    ],
)
def test_operations_keep_the_shape_and_count(op: str, count: int) -> None:
    module = operation(op, 8, INNER)
    assert params(module) == count
    assert module(torch.rand(2, 8, 6, 7)).shape == (2, 8, 6, 7)


@pytest.mark.parametrize(
    ("op", "reach"), [("conv3", [0, 1]), ("dil3", [0, 2]), ("dil5", [0, 2, 4]), ("sep3", [0, 1, 2]), ("skip", [0])]
)
def test_operations_reach_as_far_as_their_kernel(op: str, reach: list[int]) -> None:
    """Where one lit pixel shows on a row through it."""
    torch.manual_seed(0)
    x = torch.zeros(1, 8, 15, 15)
    x[..., 7, 7] = 1
    changed = (operation(op, 8, INNER).eval()(x)[0, :, 7] != 0).any(0).nonzero().flatten().tolist()
    assert changed == sorted({7 + sign * step for sign in (-1, 1) for step in reach})


def test_a_cell_sums_its_terms_and_puts_out_all_nodes() -> None:
    older, old = torch.rand(1, 2, 4, 4), torch.rand(1, 2, 4, 4)
    cell = Cell([("skip", 0), ("skip", 1), ("skip", 2), ("skip", 0), ("none", 1), ("none", 0)], 2)
    nodes = [older + old, older + old + older, torch.zeros_like(old)]
    assert torch.equal(cell(older, old), torch.cat(nodes, 1))


@pytest.mark.parametrize(
    ("path", "layer"), [([0, 1, 2], 0), ([0, 0, 1], 1), ([1, 0, 1], 1), ([0, 0, 0], None), ([0, 1, 0], None), ([1, 2, 2], None)]
)  # fmt: skip
def test_the_decoder_reads_the_last_narrow_cell_or_the_stem(path: list[int], layer: int | None) -> None:
    assert early_layer(path) == layer
    model = network(RestorationCells(nodes=2, channels=2), uniform("conv3", path, nodes=2))
    model(torch.rand(1, 1, 8, 8)).sum().backward()
    assert (next(model.frame.reduce.parameters()).grad is None) == (layer is not None)


@pytest.mark.parametrize("settings", [dict(), dict(variant="slides", shared=True), dict(aspp=True, in_channels=3)])
def test_networks_subtract_what_they_find(settings: dict[str, Any]) -> None:
    space = RestorationCells(channels=4, nodes=3, **settings)
    model: RestorationNet = MODELS.build(space.model(space.sample(Random(0)))["network"]).eval()
    channels = settings.get("in_channels", 1)
    x = torch.rand(2, channels, 12, 9)
    assert model(x).shape == x.shape
    assert madds(model, (channels, 8, 8)) > 0
    last = list(model.frame.decoder.children())[-1]
    for parameter in last.parameters():
        torch.nn.init.zeros_(parameter)
    assert torch.equal(model(x), x)


def test_a_folded_network_works_on_blocks_of_pixels() -> None:
    plain, folded = (RestorationCells(channels=4, nodes=2, fold=fold) for fold in (1, 2))
    genotype = plain.write(plain.sample(Random(0)).as_dict())
    nets = [network(space, genotype).eval() for space in (plain, folded)]
    assert params(nets[1]) - params(nets[0]) == 3 * 9 * 64 + 3 * (9 * 128 + 1)  # into the stem, out of the decoder
    assert madds(nets[1], (1, 16, 16)) < 0.27 * madds(nets[0], (1, 16, 16))
    x = torch.rand(2, 1, 16, 16)
    odd = nets[1](x[..., :15, :15])
    assert odd.shape == (2, 1, 15, 15)
    continued = torch.nn.functional.pad(x[..., :15, :15], (0, 1, 0, 1), "replicate")
    assert torch.equal(odd, nets[1](continued)[..., :15, :15])


def test_shared_cells_share_the_wiring_and_not_the_weights() -> None:
    space = RestorationCells(shared=True, nodes=2, channels=2)
    choices: dict[str, Choice] = space.sample(Random(0)).as_dict() | {f"cell0.node{n}.a.op": "conv3" for n in (0, 1)}
    choices |= {f"layer{layer}.width": 0 for layer in range(3)}
    model: RestorationNet = MODELS.build(space.model(space.architecture(choices))["network"])
    assert len({len(cell.state_dict()) for cell in model.cells}) == 1
    assert len({id(parameter) for cell in model.cells for parameter in cell.parameters()}) == len(
        [parameter for cell in model.cells for parameter in cell.parameters()]
    )
