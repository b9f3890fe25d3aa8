"""The operations that cells are made of. All keep the number of channels and the size of the map."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv_bn_relu(inputs: int, outputs: int, kernel: int = 1, dilation: int = 1) -> nn.Sequential:
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, bn=nn.BatchNorm2d(outputs), relu=nn.ReLU(inplace=True)))


def separable(channels: int, kernel: int, dilation: int = 1, repeats: int = 1) -> nn.Sequential:
    """Depthwise and pointwise convolution, BN and ReLU, `repeats` times; nothing between the two convolutions."""
    layers: list[nn.Module] = []
    for _ in range(repeats):
        padding = dilation * (kernel // 2)
        layers += [
            nn.Conv2d(channels, channels, kernel, padding=padding, dilation=dilation, groups=channels, bias=False),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class GlobalPool(nn.Module):
    """The mean over all positions, through a 1x1 convolution, at every position again."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = conv_bn_relu(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x.mean((2, 3), keepdim=True)).expand_as(x)


class Zero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


def operation(name: str, channels: int, repeats: int = 1) -> nn.Module:
    """A new operation by its name: `conv<k>`, `sep<k>` with an optional `_dil<d>`, `gap`, `skip` or `zero`."""
    if name in ("gap", "skip", "zero"):
        return {"gap": lambda: GlobalPool(channels), "skip": nn.Identity, "zero": Zero}[name]()
    kind, _, dilation = name.partition("_dil")
    kernel, rate = int(kind[-1]), int(dilation or 1)
    if kind.startswith("conv"):
        return conv_bn_relu(channels, channels, kernel, rate)
    return separable(channels, kernel, rate, repeats)


def resize(x: Tensor, size: torch.Size | tuple[int, int]) -> Tensor:
    """Bilinear, corners not aligned, and nothing to do where the size is right."""
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)
