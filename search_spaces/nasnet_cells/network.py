"""The backbone of `NASNetCells` as a module of MMDetection and MMSegmentation, and classifiers of the same cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from core import did_you_mean
from search_spaces.nasnet_cells.operations import fit, layer, operation
from search_spaces.nasnet_cells.space import Genotype
from search_spaces.ops import conv

TAPS = ("4", "8", "16", "32")

CellMaker = Callable[[str, tuple[int, int], int, bool], Any]


class Cell(nn.Module):
    """Blocks that sum two operations, and those at the places `concat` of the pool side by side.

    `inputs` are the channels of the outputs of the cell before the last and of the last one. The former is brought to half its
    size where it is `larger`, as the latter was made by a reduction cell, and is read as it is if `raw`. What no block reads
    is left alone.
    """

    def __init__(
        self,
        terms: Sequence[tuple[str, int]],
        concat: Sequence[int],
        inputs: tuple[int, int],
        channels: int,
        halve: bool,
        larger: bool,
        raw: bool = False,
    ):
        super().__init__()
        self.sources, self.concat, self.channels = [source for _, source in terms], concat, channels * len(concat)
        read = {*self.sources, *concat} - ({0} if raw else set())
        self.fits = nn.ModuleList(
            fit(width, channels, larger and place == 0) if place in read else nn.Identity()
            for place, width in enumerate(inputs)
        )
        self.ops = nn.ModuleList(
            operation(name, inputs[0] if raw and source == 0 else channels, channels, 2 if halve and source < 2 else 1)
            for name, source in terms
        )

    def forward(self, older: Tensor, old: Tensor) -> Tensor:
        pool = [self.fits[0](older), self.fits[1](old)]
        for a in range(0, len(self.ops), 2):
            x, y = (self.ops[place](pool[self.sources[place]]) for place in (a, a + 1))
            pool.append(x + y)
        return torch.cat([pool[place] for place in self.concat], 1)


def cell_of(genotype: Genotype, kind: str, inputs: tuple[int, int], channels: int, larger: bool, **how: Any) -> Cell:
    return Cell(genotype[kind], genotype[f"{kind}_concat"], inputs, channels, kind == "reduce", larger, **how)


class Stages(nn.Module):
    """Stages of `depth` normal cells, a reduction cell before each but the first, where the `channels` of a block double.

    `cell` makes a cell from its kind ("normal" or "reduce"), the channels of its inputs, those of its blocks, and whether its
    first input is twice as large as the second. `inputs` and `larger` are of the first cell.
    """

    def __init__(
        self, cell: CellMaker, inputs: tuple[int, int], channels: int, depth: int, count: int, larger: bool = False
    ):
        super().__init__()
        self.cells, self.length = nn.ModuleList(), depth + 1
        for kind in ["normal"] * depth + ["reduce", *["normal"] * depth] * (count - 1):
            channels *= 2 if kind == "reduce" else 1
            self.cells.append(made := cell(kind, inputs, channels, larger))
            inputs, larger = (inputs[1], made.channels), kind == "reduce"
        self.channels = inputs[1]

    def forward(self, older: Tensor, old: Tensor, **settings: Any) -> list[Tensor]:
        """The output of every stage's last cell; `settings` are what the cells want to know."""
        maps = []
        for number, cell in enumerate(self.cells, start=2):
            older, old = old, cell(older, old, **settings)
            if number % self.length == 0:
                maps.append(old)
        return maps


def quarter(channels: int, affine: bool = True) -> nn.Sequential:
    """The first part of DARTS's stem for ImageNet: a map of a quarter of the image's size."""
    first, second = conv(3, channels // 2, 3, stride=2), conv(channels // 2, channels, 3, stride=2)
    return nn.Sequential(first, nn.BatchNorm2d(channels // 2, affine=affine), *layer(second, affine=affine))


def stages_of(taps: Sequence[str]) -> list[int]:
    """The number of the stage that each tap is of; one with a plus is the same, as no layer widens a map.

    Raises ValueError for a tap that is of no stage, and where there is none.
    """
    if not taps:
        raise ValueError(f"a backbone has at least one tap: give some of {', '.join(TAPS)}")
    stages = {f"{tap}{plus}": stage for stage, tap in enumerate(TAPS) for plus in ("", "+")}
    for tap in taps:
        if tap not in stages:
            raise ValueError(did_you_mean("tap", tap, stages))
    return [stages[tap] for tap in taps]


class CellBackbone(BaseModule):
    """A stem and up to four stages of cells (see `Stages`); `genotype` is what `NASNetCells.write` gives.

    It gives a map (B, channels, H / stride, W / stride), the output of a stage's last cell, for each of `taps`; stages behind
    the last tap are not built. Raises ValueError for another tap than "4", "8", "16" and "32", with a plus or without.
    """

    def __init__(self, genotype: Genotype, channels: int = 16, depth: int = 2, taps: Sequence[str] = TAPS):
        super().__init__()
        self.taps, self.stem = stages_of(taps), quarter(channels)
        count = 1 + max(self.taps)
        self.stages = Stages(partial(cell_of, genotype), (channels, channels), channels, depth, count)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = self.stem(x)
        maps = self.stages(x, x)
        return tuple(maps[number] for number in self.taps)


class CellClassifier(nn.Module):
    """DARTS's networks, without auxiliary classifiers: a stem, three stages of cells, a linear layer.

    The stem for CIFAR-10 is three times as wide as a block and as large as the image, that for ImageNet leaves an eighth of
    it. Images (B, 3, H, W) in, scores (B, classes) out.
    """

    def __init__(
        self, genotype: Genotype, channels: int, depth: int, classes: int, stem: Literal["cifar", "imagenet"] = "cifar"
    ):
        super().__init__()
        if stem not in ("cifar", "imagenet"):
            raise ValueError(f"stem must be 'cifar' or 'imagenet', not {stem!r}")
        small = stem == "cifar"
        width = 3 * channels if small else channels
        first = nn.Sequential(conv(3, width, 3), nn.BatchNorm2d(width)) if small else quarter(width)
        self.stem = nn.ModuleList([first, nn.Identity() if small else layer(conv(width, width, 3, stride=2))])
        self.stages = Stages(partial(cell_of, genotype), (width, width), channels, depth, 3, larger=not small)
        self.classifier = nn.Linear(self.stages.channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        older = self.stem[0](x)
        return self.classifier(self.stages(older, self.stem[1](older))[-1].mean((2, 3)))


class NASNetClassifier(nn.Module):
    """NASNet's and AmoebaNet's networks for ImageNet, without auxiliary classifiers: a convolution of `stem` channels, two
    reduction cells of a quarter and a half of the `channels`, three stages of cells, a linear layer.

    Unlike DARTS's, the convolution does not look beyond the border of the image, the first cell reads its output as it is, and
    the last map is activated. Images (B, 3, H, W) in, scores (B, classes) out.
    """

    def __init__(self, genotype: Genotype, channels: int, depth: int, classes: int, stem: int = 32):
        super().__init__()
        cell = partial(cell_of, genotype)
        self.stem = nn.Sequential(nn.Conv2d(3, stem, 3, 2, bias=False), nn.BatchNorm2d(stem))
        first = cell("reduce", (stem, stem), channels // 4, False, raw=True)
        second = cell("reduce", (stem, first.channels), channels // 2, True)
        self.reductions = nn.ModuleList([first, second])
        self.stages = Stages(cell, (first.channels, second.channels), channels, depth, 3, larger=True)
        self.classifier = nn.Linear(self.stages.channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        first = self.reductions[0](x, x)
        second = self.reductions[1](x, first)
        return self.classifier(F.relu(self.stages(first, second)[-1]).mean((2, 3)))
