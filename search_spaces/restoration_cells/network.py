"""The networks of `RestorationCells`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.ops import Style, conv, operation
from search_spaces.restoration_cells.space import Genotype, early_layer

ASPP_RATES = (2, 4, 6)
SLOPE = 0.2
# Operations of cells activate first; their separable convolutions come twice. Around the cells, the activation is behind.
INNER = Style(("act", "conv", "norm"), act=partial(nn.LeakyReLU, SLOPE), repeats=2, names=None)
OUTER = Style(act=partial(nn.LeakyReLU, SLOPE, inplace=True), names=None)
LINEAR = replace(OUTER, order=("conv", "norm"))


def activate(x: Tensor) -> Tensor:
    return F.leaky_relu(x, SLOPE)


def scaler(inputs: int, outputs: int, affine: bool = True) -> nn.Sequential:
    """A layer's activated output at another layer's width."""
    return replace(LINEAR, affine=affine).conv(inputs, outputs)


def separable(inputs: int, outputs: int, style: Style, rate: int = 1) -> nn.Sequential:
    """The decoder's kind: depthwise 3x3 and 1x1 convolution, BN and activation after both."""
    depthwise = style.around([conv(inputs, inputs, 3, rate, inputs)], inputs)
    return nn.Sequential(*depthwise, *style.around([conv(inputs, outputs)], outputs))


class ASPP(nn.Module):
    """A 1x1 and three separable convolutions at growing rates side by side, and a 1x1 on all; no global pooling."""

    def __init__(self, inputs: int, outputs: int, style: Style):
        super().__init__()
        branches = [style.conv(inputs, outputs), *(separable(inputs, outputs, style, rate) for rate in ASPP_RATES)]
        self.branches = nn.ModuleList(branches)
        self.merge = style.conv(outputs * len(branches), outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.merge(torch.cat([branch(x) for branch in self.branches], 1))


def tail(inputs: int, stem: int, aspp: bool, affine: bool = True) -> nn.Module:
    """From the last cell's activated output to the decoder's deep input, twice as wide as the stem."""
    style = replace(OUTER, affine=affine)
    return ASPP(inputs, 2 * stem, style) if aspp else style.conv(inputs, 2 * stem)


class Frame(nn.Module):
    """What surrounds the cells: a stem of two convolutions before, a decoder of two inputs behind.

    The decoder is twice as wide as the stem, its early input three quarters. `narrow` is the number of channels that a cell
    of the narrowest width puts out, as does `reduce`. Blocks of `fold` x `fold` pixels become channels before the stem and
    pixels again behind the decoder; an image that they do not fill is continued by its border (FFDNet, Zhang et al.,
    TIP 2018, section III-A). To enlarge images `scale` times the decoder makes that many more pixels of its channels (ESPCN,
    Shi et al., CVPR 2016). `holes`: images have one more channel, 1 at lost pixels and 0 elsewhere.
    """

    def __init__(
        self,
        in_channels: int,
        narrow: int,
        stem: int,
        fold: int = 1,
        scale: int = 1,
        holes: bool = False,
        affine: bool = True,
    ):
        super().__init__()
        self.fold, self.scale, self.holes = fold, scale, holes
        channels = (in_channels + holes) * fold**2
        early, deep = stem * 3 // 4, 2 * stem
        inner, outer = replace(INNER, affine=affine), replace(OUTER, affine=affine)
        self.first = outer.conv(channels, stem, 3)
        self.second = inner.conv(stem, stem, 3)
        self.reduce = replace(LINEAR, affine=False).conv(stem, narrow, 3)
        self.early = outer.conv(narrow, early)
        self.decoder = nn.Sequential(
            separable(early + deep, deep, outer),
            separable(deep, deep, outer),
            nn.Conv2d(deep, in_channels * (fold * scale) ** 2, 3, padding=1),
        )

    def stem(self, x: Tensor) -> tuple[Tensor, Tensor]:
        below, right = (-side % self.fold for side in x.shape[-2:])
        x = F.pixel_unshuffle(F.pad(x, (0, right, 0, below), "replicate"), self.fold)
        first = self.first(x)
        return first, self.second(first)

    def finish(self, x: Tensor, early: Tensor, deep: Tensor) -> Tensor:
        """The image `x`, enlarged, without what the decoder finds to be noise, rain or blur; of holes only what was lost."""
        height, width = (self.scale * side for side in x.shape[-2:])
        residual = self.decoder(torch.cat([self.early(early), deep], 1))
        residual = F.pixel_shuffle(residual, self.fold * self.scale)[..., :height, :width]
        if self.holes:
            x, lost = x[:, :-1], x[:, -1:]
            residual = residual * lost
        if self.scale > 1:  # without antialias, the kernel's a would be -0.75
            x = F.interpolate(x, (height, width), mode="bicubic", antialias=True)
        return x - residual


class Cell(nn.Module):
    """Nodes that sum two `[op, input]` each, side by side in the output."""

    def __init__(self, terms: Sequence[tuple[str, int]], channels: int):
        super().__init__()
        self.inputs = [source for _, source in terms]
        self.ops = nn.ModuleList(operation(name, channels, INNER) for name, _ in terms)

    def forward(self, older: Tensor, old: Tensor) -> Tensor:
        pool = [older, old]
        for a in range(0, len(self.ops), 2):
            x, y = (self.ops[place](pool[self.inputs[place]]) for place in (a, a + 1))
            pool.append(x + y)
        return torch.cat(pool[2:], 1)


class RestorationNet(BaseModule):
    """A searched network (HiNAS, Zhang et al., CVPR 2020, as in the authors' public code) that subtracts what it finds.

    `genotype` is what `RestorationCells.write` gives; one cell serves all layers. `widths` are the node widths that its path
    counts. Noisy images (B, in_channels, H, W) in [0, 1] in, restored ones out, which are not clipped, and `scale` times as
    large. With `holes`, images to fill have the marks of lost pixels as one channel more.

    Three totals of parameters are known, 0.151, 0.378 and 0.997 million, and the wiring here meets them: no convolution has a
    bias but the last (and "deform"), each is followed by an affine BN, only depthwise ones inside cells have none; `reduce`
    has a BN without affine and is counted on every path, also where a narrow cell takes its place. What no count shows is as
    in the authors' code: the activation (leaky, 0.2), where it stands, and that a path that ends narrow reads the stem.
    """

    def __init__(
        self,
        genotype: Genotype,
        widths: Sequence[int],
        in_channels: int = 1,
        stem: int = 64,
        aspp: bool = False,
        fold: int = 1,
        scale: int = 1,
        holes: bool = False,
    ):
        super().__init__()
        cells, self.path = genotype
        cells = cells * len(self.path) if len(cells) == 1 else cells
        nodes = len(cells[0]) // 2
        self.frame = Frame(in_channels, nodes * widths[0], stem, fold, scale, holes)
        outputs = [stem, stem, *(nodes * widths[width] for width in self.path)]
        inner = [widths[width] for width in self.path]
        self.far = nn.ModuleList(scaler(outputs[layer], width) for layer, width in enumerate(inner))
        self.near = nn.ModuleList(scaler(outputs[layer + 1], width) for layer, width in enumerate(inner))
        self.cells = nn.ModuleList(Cell(terms, width) for terms, width in zip(cells, inner, strict=True))
        self.tail = tail(outputs[-1], stem, aspp)

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.frame.stem(x)
        maps, active = [], [activate(first), activate(second)]
        for far, near, cell in zip(self.far, self.near, self.cells, strict=True):
            maps.append(cell(far(active[-2]), near(active[-1])))
            active.append(activate(maps[-1]))
        layer = early_layer(self.path)
        early = self.frame.reduce(second) if layer is None else maps[layer]
        return self.frame.finish(x, early, self.tail(active[-1]))
