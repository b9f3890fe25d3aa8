"""Depthwise kernels that add up to one: K1 * I + K2 * I = (K1 + K2) * I, as long as nothing stands between them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.ops import conv

SIZES = (3, 5, 7)


class MetaKernel(nn.Module):
    """Depthwise filters of 3x3, 5x5 and 7x7, mixed by softmax(mixing) (E-DNAS: Lopez et al., ICPR 2020).

    They share stride, dilation and groups and have neither norm nor activation between them, so that their sum is a single 7x7
    convolution. They are stored apart while they learn, 83 weights a channel and a mixing weight for each size; `merged`, as
    49 weights a channel, computes the same. A pass takes the time of the merged one in training, too.
    """

    def __init__(self, channels: int, stride: int = 1, dilation: int = 1):
        super().__init__()
        self.channels, self.stride, self.dilation = channels, stride, dilation
        self.filters = nn.ParameterList(conv(channels, channels, size, groups=channels).weight for size in SIZES)
        self.mixing = nn.Parameter(torch.zeros(len(SIZES)))

    def kernel(self) -> Tensor:
        """The one that all come to, (channels, 1, 7, 7)."""
        return centred([share * one for share, one in zip(self.mixing.softmax(0), self.filters, strict=True)])

    def forward(self, x: Tensor) -> Tensor:
        return convolved(x, self.kernel(), self.stride, self.dilation)

    @torch.no_grad()
    def merged(self) -> nn.Conv2d:
        """The convolution that stands for this module once it has learnt."""
        with torch.device("meta"):  # so that no weights are drawn
            one = conv(self.channels, self.channels, SIZES[-1], self.dilation, self.channels, self.stride)
        one.weight = nn.Parameter(self.kernel())
        return one


def centred(filters: Sequence[Tensor]) -> Tensor:
    """The sum of depthwise filters (channels, 1, odd, odd), each in the middle of the largest, with zeros around."""
    size = max(one.shape[-1] for one in filters)
    return reduce(torch.add, [F.pad(one, [(size - one.shape[-1]) // 2] * 4) for one in filters])


def spread(filters: Tensor, rate: int) -> Tensor:
    """What a dilated filter is: the filter of rate 1 with zeros between its taps."""
    size = rate * (filters.shape[-1] - 1) + 1
    wide = filters.new_zeros(*filters.shape[:2], size, size)
    wide[..., ::rate, ::rate] = filters
    return wide


def convolved(x: Tensor, kernel: Tensor, stride: int = 1, dilation: int = 1) -> Tensor:
    """A depthwise convolution that keeps the map's size, or divides it by `stride`."""
    return F.conv2d(x, kernel, None, stride, dilation * (kernel.shape[-1] // 2), dilation, len(kernel))
