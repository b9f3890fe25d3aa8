"""The space of NASNet's cells: its notation, the networks it builds, and those that are published."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest
import torch
from mmengine.registry import MODELS
from torch import nn
from torch.nn import functional as F

from search_spaces.nasnet_cells.network import CellBackbone, CellClassifier, NASNetClassifier
from search_spaces.nasnet_cells.operations import Halving, operation
from search_spaces.nasnet_cells.published import AMOEBANET_A, DARTS_V1, DARTS_V2, NASNET_A, unused
from search_spaces.nasnet_cells.space import DARTS, NAMES, OPERATIONS, NASNetCells
from tasks.complexity import madds, params
from tasks.detection.templates import FCOS, RetinaNet

TWO = NASNetCells(DARTS, blocks=2, depth=1, channels=4, join="all")
SMALL: dict[str, Any] = {
    "normal": [["skip_connect", 0], ["sep_conv_3x3", 1], ["max_pool_3x3", 2], ["skip_connect", 1]],
    "normal_concat": [2, 3],
    "reduce": [["max_pool_3x3", 0], ["avg_pool_3x3", 0], ["skip_connect", 1], ["sep_conv_5x5", 2]],
    "reduce_concat": [2, 3],
}


def test_the_operations_are_the_lectures() -> None:
    names = "skip conv1x3 conv1x7 avg3 max3 max5 max7 conv1 conv3 sep5 sep7"
    assert tuple(names.split()) == OPERATIONS
    space = NASNetCells()
    assert {options for name, options in space.decisions.items() if name.endswith("op")} == {OPERATIONS}
    assert space.size == (math.factorial(6) ** 2 * 11**10) ** 2


@pytest.mark.parametrize("genotype", [DARTS_V1, DARTS_V2, unused(NASNET_A), unused(AMOEBANET_A)])
def test_published_cells_are_read_and_written(genotype: dict[str, Any]) -> None:
    blocks = len(genotype["normal"]) // 2
    space = NASNetCells(tuple(NAMES), blocks, join="all" if blocks == 4 else "unused")
    arch = space.read(genotype)
    assert space.write(arch.as_dict()) == genotype
    assert space.read([genotype[name] for name in ("normal", "normal_concat", "reduce", "reduce_concat")]) == arch
    assert space.read(space.model(arch)["backbone"]["genotype"]) == arch


@pytest.mark.parametrize(
    "change",
    [
        dict(normal_concat=[3]),
        dict(reduce_concat=[3, 2]),
        dict(normal=[["none", 0], *SMALL["normal"][1:]]),
        dict(reduce=SMALL["reduce"][:2]),
        dict(reduce=None),
        dict(normal=[["skip_connect", True], *SMALL["normal"][1:]]),
        dict(normal=[["skip_connect", 2], *SMALL["normal"][1:]]),
        dict(normal=[["conv_3x3", 0], *SMALL["normal"][1:]]),  # none of DARTS's
    ],
)
def test_other_cells_are_refused(change: dict[str, Any]) -> None:
    assert TWO.write(TWO.read(SMALL).as_dict()) == SMALL
    with pytest.raises(ValueError, match=r"is not a genotype of NASNetCells|'normal\.block0\.a.|has no choice"):
        TWO.read({**SMALL, **change})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (dict(operations=["skip", "conv9"]), "operations must be different ones of skip, .*, not"),
        (dict(operations=["skip", "skip"]), "operations must be different"),
        (dict(operations=[]), "operations must be different"),
        (dict(blocks=0), "blocks and depth must be at least 1 and channels at least 2, not 0, 2 and 16"),
        (dict(channels=1), "not 5, 2 and 1"),
        (dict(join="some"), "join must be 'unused' or 'all', not 'some'"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        NASNetCells(**settings)


def test_a_cell_puts_out_what_no_block_reads_or_all() -> None:
    for seed in range(10):
        arch = NASNetCells(blocks=4).sample(Random(seed))
        genotype = NASNetCells(blocks=4).write(arch.as_dict())
        for kind in ("normal", "reduce"):
            read = {source for _, source in genotype[kind]}
            assert set(genotype[f"{kind}_concat"]) == {2, 3, 4, 5} - read
            assert NASNetCells(blocks=4, join="all").write(arch.as_dict())[f"{kind}_concat"] == [2, 3, 4, 5]


def test_every_operation_keeps_or_halves_a_map_and_counts() -> None:
    x = torch.randn(2, 8, 7, 10, generator=torch.Generator().manual_seed(0))
    counts = {
        "skip": (0, 80), "avg3": (0, 0), "max3": (0, 0), "max5": (0, 0), "max7": (0, 0), "conv1": (80, 80),
        "conv3": (92, 92), "conv1x3": (136, 136), "conv1x7": (116, 116), "sep3": (304, 304), "sep5": (560, 560),
        "sep7": (944, 944), "dil3": (152, 152), "dil5": (280, 280),
    }  # fmt: skip
    assert counts.keys() == NAMES.keys()
    for name, (plain, halved) in counts.items():
        for stride, size, count in ((1, (7, 10), plain), (2, (4, 5), halved)):
            module = operation(NAMES[name], 8, 8, stride)
            assert module(x).shape == (2, 8, *size)
            assert params(module) == count, name
            assert not any(isinstance(part, nn.ReLU) and part.inplace for part in module.modules())
        if NAMES[name] != "skip_connect":
            assert operation(NAMES[name], 8, 6, 2)(x).shape == (2, 6, 4, 5)


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown operation 'conv_5x5': did you mean"):
        operation("conv_5x5", 4, 4)
    stem: Any = "cifar10"
    with pytest.raises(ValueError, match="stem must be 'cifar' or 'imagenet', not 'cifar10'"):
        CellClassifier(SMALL, 4, 1, 5, stem)


def test_a_halved_map_has_seen_every_second_pixel_and_those_between() -> None:
    halve = Halving(1, 2).eval()
    for conv in halve.convs:
        nn.init.ones_(conv.weight)  # type: ignore[arg-type]
    x = torch.arange(1.0, 17).view(1, 1, 4, 4)
    with torch.no_grad():
        maps = halve(x) * math.sqrt(1 + halve.norm.eps)
    assert torch.allclose(maps[0, 0], x[0, 0, ::2, ::2])
    assert torch.allclose(maps[0, 1], x[0, 0, 1::2, 1::2])


@torch.no_grad()
def test_a_small_network_computes_what_its_genotype_says() -> None:
    torch.manual_seed(0)
    network = CellBackbone(SMALL, 4, 1).eval()
    x = torch.randn(2, 3, 32, 48)
    first, second, third = (network.stages.cells[place] for place in range(3))

    def normal(cell: Any, older: torch.Tensor, old: torch.Tensor) -> torch.Tensor:
        a, b = cell.fits[0](older), cell.fits[1](old)
        c = a + cell.ops[1](b)
        return torch.cat([c, F.max_pool2d(c, 3, 1, 1) + b], 1)

    stem = network.stem(x)
    y = normal(first, stem, stem)
    a, b = second.fits[0](stem), second.fits[1](y)
    c = F.max_pool2d(a, 3, 2, 1) + F.avg_pool2d(a, 3, 2, 1, count_include_pad=False)
    z = torch.cat([c, second.ops[2](b) + second.ops[3](c)], 1)
    maps = network(x)
    assert torch.allclose(maps[0], y, atol=1e-6)
    assert isinstance(third.fits[0], Halving)  # of what is twice as large as `z`
    assert torch.allclose(maps[1], normal(third, y, z), atol=1e-6)


def test_what_no_block_reads_is_not_fitted() -> None:
    genotype = {**SMALL, "normal": [["skip_connect", 1], ["sep_conv_3x3", 1], ["max_pool_3x3", 2], ["skip_connect", 1]]}
    cell = CellBackbone(genotype, 4, 1).stages.cells[0]
    assert [isinstance(fit, nn.Identity) for fit in cell.fits] == [True, False]


@pytest.mark.parametrize("seed", range(3))
@torch.no_grad()
def test_taps(seed: int) -> None:
    space = NASNetCells(depth=1, channels=6)
    arch = space.sample(Random(seed))
    config = space.model(arch)["backbone"]
    network = MODELS.build(config).eval()
    genotype, image = config["genotype"], torch.zeros(2, 3, 100, 64)
    maps = network(image)
    widths = [6 * 2**k * len(genotype["normal_concat"]) for k in range(4)]
    assert [tuple(x.shape) for x in maps] == [
        (2, width, math.ceil(100 / stride), 64 // stride) for width, stride in zip(widths, (4, 8, 16, 32), strict=True)
    ]
    fewer = MODELS.build({**config, "taps": ["32", "8"]}).eval()
    fewer.load_state_dict(network.state_dict())
    assert all(torch.equal(x, maps[k]) for x, k in zip(fewer(image), (3, 1), strict=True))
    with pytest.raises(ValueError, match="unknown tap '64'"):
        MODELS.build({**config, "taps": ["64"]})


@pytest.mark.parametrize("template", [FCOS(), RetinaNet()])
def test_a_detector_takes_the_backbone(template: Any) -> None:
    space = NASNetCells(depth=1, channels=4)
    detector = MODELS.build(template.config(space.model(space.sample(Random(0))), {}, 3, (64, 64)))
    assert isinstance(detector.backbone, CellBackbone)


@pytest.mark.parametrize(
    ("genotype", "settings", "size", "count", "cost"),
    [
        (DARTS_V2, (48, 4, 1000, "imagenet"), 224, 4_718_752, 529_911_552),
        (DARTS_V2, (36, 6, 10), 32, 3_349_342, 528_359_040),
        (DARTS_V1, (48, 4, 1000, "imagenet"), 224, 4_510_432, 505_864_704),
    ],
)
def test_darts_networks_count_exactly(genotype: Any, settings: Any, size: int, count: int, cost: int) -> None:
    space = NASNetCells(DARTS, 4, join="all")
    network = CellClassifier(space.model(space.read(genotype))["backbone"]["genotype"], *settings)
    assert params(network) == count
    assert madds(network, (3, size, size)) == cost


def test_nasnet_a_counts_exactly() -> None:
    network = NASNetClassifier(NASNET_A, 44, 4, 1000)
    assert params(network) == 5_289_978
    assert madds(network, (3, 224, 224)) == 563_638_816


@pytest.mark.parametrize(
    "network",
    [
        CellClassifier(SMALL, 4, 1, 5),
        CellClassifier(SMALL, 4, 1, 5, "imagenet"),
        NASNetClassifier(AMOEBANET_A, 8, 1, 5, stem=4),
    ],
)
def test_classifiers_learn(network: nn.Module) -> None:
    x = torch.randn(2, 3, 65, 65, generator=torch.Generator().manual_seed(0))
    scores = network(x)
    assert scores.shape == (2, 5)
    scores.square().sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())
