"""The backbone of `MetaKernels` as a module of MMDetection and MMSegmentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from search_spaces.meta_kernel.kernels import MetaKernel
from search_spaces.meta_kernel.space import STAGES, Genotype
from search_spaces.nasnet_cells.network import TAPS, stages_of
from search_spaces.nasnet_cells.operations import operation as nasnet_operation
from search_spaces.nasnet_cells.space import NAMES
from search_spaces.ops import Style, conv

Edge = tuple[int, int, int]  # input channels, output channels, stride


def first_step(channels: int, affine: bool = True) -> nn.Sequential:
    """An 11x11 depthwise separable convolution with stride 2 on the image: 3 x 121 weights and a 1x1."""
    return nn.Sequential(conv(3, 3, 11, groups=3, stride=2), conv(3, channels), nn.BatchNorm2d(channels, affine=affine))


def operation(name: str, inputs: int, outputs: int, stride: int, affine: bool = True) -> nn.Module:
    """A new operation by its name. All but pooling are ReLU, convolution and BN, in this order."""
    if name in ("max3", "avg3"):
        return nasnet_operation(NAMES[name], inputs, outputs, stride, affine)
    if name == "skip":
        same = stride == 1 and inputs == outputs
        return nn.Identity() if same else activated(conv(inputs, outputs, stride=stride), affine=affine)
    return activated(depthwise(name, inputs, stride), conv(inputs, outputs), affine=affine)


def depthwise(name: str, channels: int, stride: int) -> nn.Module:
    """The depthwise part of one of `CONVOLUTIONS`."""
    if name == "meta":
        return MetaKernel(channels, stride)
    return conv(channels, channels, int(name[-1]), 2 if name == "dil3" else 1, channels, stride)


def activated(*convs: nn.Module, affine: bool = True) -> nn.Sequential:
    """ReLU, convolutions, of which the last is a plain one, and BN. Others read the input, too: the ReLU leaves it as it is."""
    last = convs[-1]
    assert isinstance(last, nn.Conv2d)
    style = Style(order=("act", "conv", "norm"), affine=affine, act=nn.ReLU)
    return nn.Sequential(*style.around(convs, last.out_channels))


def edges(channels: int, depth: int) -> list[list[Edge]]:
    """What the operations of every layer have to do: that on the layer before, and that on the one before it."""
    widths = [channels, *(channels * 2**stage for stage in range(STAGES) for _ in range(depth))]
    strides = [2, *(4 * 2**stage for stage in range(STAGES) for _ in range(depth))]
    return [
        [(widths[old], widths[new], strides[new] // strides[old]) for old in (new - 1, new - 2) if old >= 0]
        for new in range(1, len(widths))
    ]


class MetaKernelNet(BaseModule):
    """The first step and up to four stages of layers, whose operations `layers` names (see `MetaKernels`).

    It gives a map (B, channels, H / stride, W / stride), the last layer of a stage, for each of `taps`; layers behind the last
    tap are not built. Raises ValueError for another tap than "4", "8", "16" and "32", with a plus or without.
    """

    def __init__(self, layers: Genotype, channels: int = 16, depth: int = 2, taps: Sequence[str] = TAPS):
        super().__init__()
        self.ends = [(1 + stage) * depth for stage in stages_of(taps)]
        self.stem = first_step(channels)
        self.layers = nn.ModuleList(
            nn.ModuleList(operation(name, *edge) for name, edge in zip(names, of, strict=True))
            for names, of in list(zip(layers, edges(channels, depth), strict=True))[: max(self.ends)]
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.through(self.stem(x), self.layers)  # type: ignore[arg-type]

    def through(self, x: Tensor, layers: Iterable[Iterable[Callable[[Tensor], Tensor]]]) -> tuple[Tensor, ...]:
        """The maps of the taps, given what the layers do to the one or two maps before each of them."""
        maps = [x]
        for operations in layers:
            pairs = zip(operations, reversed(maps[-2:]), strict=True)
            maps.append(reduce(torch.add, [run(old) for run, old in pairs]))
        return tuple(maps[end] for end in self.ends)
