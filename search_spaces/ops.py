"""The operations that cells are made of. All keep the number of channels and the size of the map."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.deform import DeformConv


@dataclass(frozen=True)
class Style:
    """How a space writes the layers of its operations.

    `order` says what follows what: "conv", "norm" and "act" (activation), or some of them. `norm` is called with the channels
    and `affine`. `repeats` is the depth of a separable convolution. `names`, one for each in `order`, are those of a layer's
    modules where it has a single convolution; without them, and where it has two, modules are numbered.
    """

    order: Sequence[str] = ("conv", "norm", "act")
    norm: Callable[..., nn.Module] = nn.BatchNorm2d
    affine: bool = True
    act: Callable[[], nn.Module] = field(default=partial(nn.ReLU, inplace=True))
    repeats: int = 1
    names: Sequence[str] | None = ("conv", "bn", "relu")

    def around(self, convs: Iterable[nn.Module], channels: int) -> list[nn.Module]:
        """The modules of a layer with these convolutions, the last of which has `channels` outputs."""
        parts = {"conv": convs, "norm": [self.norm(channels, affine=self.affine)], "act": [self.act()]}
        return [module for part in self.order for module in parts[part]]

    def layer(self, conv: nn.Module, channels: int) -> nn.Sequential:
        """The layer of one convolution with `channels` outputs."""
        modules = self.around([conv], channels)
        return nn.Sequential(OrderedDict(zip(self.names or map(str, range(len(modules))), modules, strict=True)))

    def conv(self, inputs: int, outputs: int, kernel: int = 1, rate: int = 1) -> nn.Sequential:
        """The layer of a plain convolution."""
        return self.layer(conv(inputs, outputs, kernel, rate), outputs)


PLAIN = Style()


def conv(inputs: int, outputs: int, kernel: int = 1, rate: int = 1, groups: int = 1, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps the map's size, or divides it by `stride`, without a bias."""
    padding = rate * (kernel // 2)
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, rate, groups, bias=False)


def operation(name: str, channels: int, style: Style = PLAIN) -> nn.Module:
    """A new operation by its name; raises ValueError where there is no such one.

    `conv<k>` has a kernel of k x k, `sep<k>` a depthwise one and a 1x1 with nothing between, both with an optional `_dil<d>`
    for dilation; `dil<k>` is `conv<k>_dil2`. `deform` is a deformable 3x3 with two groups of offsets, `gap` a `GlobalPool`.
    `skip` changes nothing, and `zero`, also called `none`, gives zeros.
    """
    if name in ("skip", "zero", "none"):
        return nn.Identity() if name == "skip" else Zero()
    if name == "gap":
        return GlobalPool(channels, channels, style)
    if name == "deform":
        return style.layer(DeformConv(channels), channels)
    match = re.fullmatch(r"(conv|sep|dil)(\d+)(?:_dil(\d+))?", name)
    if match is None:
        raise ValueError(f"there is no operation {name!r}: give conv<k>, sep<k>, dil<k>, deform, gap, skip or zero")
    kind, kernel, rate = match[1], int(match[2]), int(match[3] or (2 if match[1] == "dil" else 1))
    if kind == "sep":
        return separable(channels, kernel, rate, style)
    return style.conv(channels, channels, kernel, rate)


def separable(channels: int, kernel: int, rate: int, style: Style) -> nn.Sequential:
    depthwise = partial(conv, channels, channels, kernel, rate, channels)
    pointwise = partial(conv, channels, channels)
    if style.order[0] == "act":  # which weights are drawn first decides what a seed gives
        every = [make() for make in (depthwise, pointwise) for _ in range(style.repeats)]
        pairs = zip(every[: style.repeats], every[style.repeats :], strict=True)
    else:
        pairs = ((depthwise(), pointwise()) for _ in range(style.repeats))
    return nn.Sequential(*(module for pair in pairs for module in style.around(pair, channels)))


class GlobalPool(nn.Module):
    """The mean over all positions, through a 1x1 convolution, at every position again."""

    def __init__(self, inputs: int, outputs: int, style: Style = PLAIN):
        super().__init__()
        self.conv = style.conv(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x.mean((2, 3), keepdim=True)).expand(-1, -1, *x.shape[2:])


class Zero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


def resize(x: Tensor, size: torch.Size | tuple[int, int]) -> Tensor:
    """Bilinear, corners not aligned, and nothing to do where the size is right."""
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)


def largest(maps: Sequence[Tensor]) -> torch.Size:
    """The (height, width) of the map with the most positions."""
    return max((x.shape[-2:] for x in maps), key=positions)


def positions(size: Sequence[int]) -> int:
    """How many a map of (height, width) has."""
    return size[0] * size[1]
