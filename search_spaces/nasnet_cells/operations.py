"""The operations of NASNet's cells, which may halve a map. All but pooling are ReLU, convolution and BN, in this order."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core import did_you_mean
from search_spaces.nasnet_cells.space import NAMES
from search_spaces.ops import conv


def layer(*convs: nn.Conv2d, affine: bool = True) -> nn.Sequential:
    """ReLU, convolutions and BN. Others read the input, too: the ReLU leaves it as it is."""
    return nn.Sequential(nn.ReLU(), *convs, nn.BatchNorm2d(convs[-1].out_channels, affine=affine))


class Halving(nn.Module):
    """Half the size by two 1x1 convolutions side by side: one reads every second pixel, one those diagonally between."""

    def __init__(self, inputs: int, outputs: int, affine: bool = True):
        super().__init__()
        widths = (outputs // 2, outputs - outputs // 2)
        self.convs = nn.ModuleList(conv(inputs, width, stride=2) for width in widths)
        self.norm = nn.BatchNorm2d(outputs, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        between = F.pad(x, (-1, 1, -1, 1))  # also of odd sizes half, rounded up
        return self.norm(torch.cat([self.convs[0](x), self.convs[1](between)], 1))


def fit(inputs: int, outputs: int, halve: bool = False, affine: bool = True) -> nn.Module:
    """A map at another width, and at half the size."""
    return Halving(inputs, outputs, affine) if halve else layer(conv(inputs, outputs), affine=affine)


def operation(name: str, inputs: int, outputs: int, stride: int = 1, affine: bool = True) -> nn.Module:
    """A new operation by its published name. Raises ValueError where there is no such one.

    Separable convolutions come twice, dilated ones (separable as well, rate 2) once, as in DARTS's public code. Other ones than
    1x1 are as in AmoebaNet's: between two 1x1 ones, and a quarter as wide, 1x3 and 3x1 ones three eighths.
    """
    if name not in NAMES.values():
        raise ValueError(did_you_mean("operation", name, NAMES.values()))
    if name == "skip_connect":
        return nn.Identity() if stride == 1 and inputs == outputs else fit(inputs, outputs, stride == 2, affine)
    kind, kernel, end = name[:-4], int(name[-1]), partial(layer, affine=affine)
    if kind in ("max_pool", "avg_pool"):
        settings: dict[str, Any] = dict(kernel_size=kernel, stride=stride, padding=kernel // 2)
        pool = nn.MaxPool2d(**settings) if kind == "max_pool" else nn.AvgPool2d(**settings, count_include_pad=False)
        other = [] if inputs == outputs else [conv(inputs, outputs), nn.BatchNorm2d(outputs, affine=affine)]
        return nn.Sequential(pool, *other) if other else pool
    if kind == "sep_conv":
        first = end(conv(inputs, inputs, kernel, 1, inputs, stride), conv(inputs, outputs))
        return nn.Sequential(*first, *end(conv(outputs, outputs, kernel, 1, outputs), conv(outputs, outputs)))
    if kind == "dil_conv":
        return end(conv(inputs, inputs, kernel, 2, inputs, stride), conv(inputs, outputs))
    if name == "conv_1x1":
        return end(conv(inputs, outputs, stride=stride))
    few = max(1, 3 * outputs // 8 if name == "conv_3x1_1x3" else outputs // 4)
    if name == "conv_3x3":
        inner = [conv(few, few, kernel, stride=stride)]
    else:
        half = kernel // 2
        inner = [
            nn.Conv2d(few, few, (1, kernel), (1, stride), (0, half), bias=False),
            nn.Conv2d(few, few, (kernel, 1), (stride, 1), (half, 0), bias=False),
        ]
    return nn.Sequential(*(module for one in (conv(inputs, few), *inner, conv(few, outputs)) for module in end(one)))
