"""The networks of `RestorationCells`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.deform import DeformConv
from search_spaces.models import MODELS
from search_spaces.ops import Zero
from search_spaces.restoration_cells import Genotype

ASPP_RATES = (2, 4, 6)
SLOPE = 0.2


def activation(inplace: bool = False) -> nn.Module:
    return nn.LeakyReLU(SLOPE, inplace=inplace)


def activate(x: Tensor) -> Tensor:
    return F.leaky_relu(x, SLOPE)


def conv_bn(
    inputs: int, outputs: int, kernel: int = 1, dilation: int = 1, groups: int = 1, affine: bool = True
) -> list[nn.Module]:
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs, affine=affine)]


def scaler(inputs: int, outputs: int, affine: bool = True) -> nn.Sequential:
    """A layer's activated output at another layer's width."""
    return nn.Sequential(*conv_bn(inputs, outputs, affine=affine))


def operation(name: str, channels: int, affine: bool = True) -> nn.Module:
    """A new operation by its name; a number in it is the kernel's size.

    All activate first and end with a BN. "sep" is twice activation, depthwise and 1x1 convolution, BN; "dil" is a full
    convolution at rate 2; "deform" has two offset groups.
    """
    if name in ("skip", "none"):
        return nn.Identity() if name == "skip" else Zero()
    if name == "deform":
        return nn.Sequential(activation(), DeformConv(channels), nn.BatchNorm2d(channels, affine=affine))
    kind, kernel = name[:-1], int(name[-1])
    if kind == "sep":
        depthwise = [
            nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False) for _ in "ab"
        ]
        steps = [[activation(), conv, *conv_bn(channels, channels, affine=affine)] for conv in depthwise]
        return nn.Sequential(*steps[0], *steps[1])
    rate = {"conv": 1, "dil": 2}[kind]
    return nn.Sequential(activation(), *conv_bn(channels, channels, kernel, rate, affine=affine))


def separable(inputs: int, outputs: int, rate: int = 1, affine: bool = True) -> nn.Sequential:
    """The decoder's kind: depthwise 3x3 and 1x1 convolution, BN and activation after both."""
    depthwise = conv_bn(inputs, inputs, 3, rate, inputs, affine)
    return nn.Sequential(*depthwise, activation(True), *conv_bn(inputs, outputs, affine=affine), activation(True))


class ASPP(nn.Module):
    """A 1x1 and three separable convolutions at growing rates side by side, and a 1x1 on all; no global pooling."""

    def __init__(self, inputs: int, outputs: int, affine: bool = True):
        super().__init__()
        branches = [nn.Sequential(*conv_bn(inputs, outputs, affine=affine), activation(True))]
        branches += [separable(inputs, outputs, rate, affine) for rate in ASPP_RATES]
        self.branches = nn.ModuleList(branches)
        self.merge = nn.Sequential(*conv_bn(outputs * len(branches), outputs, affine=affine), activation(True))

    def forward(self, x: Tensor) -> Tensor:
        return self.merge(torch.cat([branch(x) for branch in self.branches], 1))


def tail(inputs: int, stem: int, aspp: bool, affine: bool = True) -> nn.Module:
    """From the last cell's activated output to the decoder's deep input, twice as wide as the stem."""
    if aspp:
        return ASPP(inputs, 2 * stem, affine)
    return nn.Sequential(*conv_bn(inputs, 2 * stem, affine=affine), activation(True))


class Frame(nn.Module):
    """What surrounds the cells: a stem of two convolutions before, a decoder of two inputs behind.

    The decoder is twice as wide as the stem, its early input three quarters. `narrow` is the number of channels that a cell
    of the narrowest width puts out, as does `reduce`. Blocks of `fold` x `fold` pixels become channels before the stem and
    pixels again behind the decoder; an image that they do not fill is continued by its border (FFDNet, Zhang et al.,
    TIP 2018, section III-A).
    """

    def __init__(self, in_channels: int, narrow: int, stem: int, fold: int = 1, affine: bool = True):
        super().__init__()
        self.fold, channels = fold, in_channels * fold**2
        early, deep = stem * 3 // 4, 2 * stem
        self.first = nn.Sequential(*conv_bn(channels, stem, 3, affine=affine), activation(True))
        self.second = nn.Sequential(activation(), *conv_bn(stem, stem, 3, affine=affine))
        self.reduce = nn.Sequential(*conv_bn(stem, narrow, 3, affine=False))
        self.early = nn.Sequential(*conv_bn(narrow, early, affine=affine), activation(True))
        self.decoder = nn.Sequential(
            separable(early + deep, deep, affine=affine),
            separable(deep, deep, affine=affine),
            nn.Conv2d(deep, channels, 3, padding=1),
        )

    def stem(self, x: Tensor) -> tuple[Tensor, Tensor]:
        below, right = (-side % self.fold for side in x.shape[-2:])
        x = F.pixel_unshuffle(F.pad(x, (0, right, 0, below), "replicate"), self.fold)
        first = self.first(x)
        return first, self.second(first)

    def finish(self, x: Tensor, early: Tensor, deep: Tensor) -> Tensor:
        """The image `x` without what the decoder finds to be noise, rain or blur."""
        residual = F.pixel_shuffle(self.decoder(torch.cat([self.early(early), deep], 1)), self.fold)
        return x - residual[..., : x.shape[-2], : x.shape[-1]]


class Cell(nn.Module):
    """Nodes that sum two `[op, input]` each, side by side in the output."""

    def __init__(self, terms: Sequence[tuple[str, int]], channels: int):
        super().__init__()
        self.inputs = [source for _, source in terms]
        self.ops = nn.ModuleList(operation(name, channels) for name, _ in terms)

    def forward(self, older: Tensor, old: Tensor) -> Tensor:
        pool = [older, old]
        for a in range(0, len(self.ops), 2):
            x, y = (self.ops[place](pool[self.inputs[place]]) for place in (a, a + 1))
            pool.append(x + y)
        return torch.cat(pool[2:], 1)


def early_layer(path: Sequence[int]) -> int | None:
    """The layer that the decoder reads beside the last: the last one of width 0; None (the stem) if that is the last."""
    narrow = [layer for layer, width in enumerate(path) if width == 0]
    return narrow[-1] if narrow and narrow[-1] < len(path) - 1 else None


@MODELS.register_module()
class RestorationNet(BaseModule):
    """A searched network (HiNAS, Zhang et al., CVPR 2020, as in the authors' public code) that subtracts what it finds.

    `genotype` is what `RestorationCells.write` gives; one cell serves all layers. `widths` are the node widths that its path
    counts. Noisy images (B, in_channels, H, W) in [0, 1] in, restored ones out; they are not clipped.

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
    ):
        super().__init__()
        cells, self.path = genotype
        cells = cells * len(self.path) if len(cells) == 1 else cells
        nodes = len(cells[0]) // 2
        self.frame = Frame(in_channels, nodes * widths[0], stem, fold)
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
