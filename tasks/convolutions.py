"""Convolutions in the way in which a processor is fastest at them. What they compute is the same up to rounding."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FEW = 16  # input channels, below which torch's own gradients of strided 1x1 convolutions are not safe


class Pointwise(nn.Conv2d):
    """A 1x1 convolution as a product of matrices, where channels lie last in memory.

    For small batches on one thread torch does not call its fast library, and takes the groups one after the other. With a
    stride and few channels its gradients write beside their memory (2.13, a processor with AVX-512), which ends the process.
    """

    def _get_name(self) -> str:
        return nn.Conv2d.__name__

    def forward(self, input: Tensor) -> Tensor:
        if not input.is_contiguous(memory_format=torch.channels_last):
            return super().forward(input)
        rows, weight = input.permute(0, 2, 3, 1)[:, :: self.stride[0], :: self.stride[1]], self.weight.flatten(1)
        if self.groups == 1:
            return F.linear(rows, weight, self.bias).permute(0, 3, 1, 2)
        parts = rows.reshape(-1, self.groups, weight.shape[1]).transpose(0, 1)
        made = torch.bmm(parts, weight.view(self.groups, -1, weight.shape[1]).transpose(1, 2)).transpose(0, 1)
        made = made.contiguous().view(*rows.shape[:3], self.out_channels).permute(0, 3, 1, 2)
        return made if self.bias is None else made + self.bias.to(made.dtype).view(-1, 1, 1)


class Depthwise(nn.Conv2d):
    """A depthwise convolution, in float32 also under autocast: in bfloat16 it takes two to three times as long."""

    def _get_name(self) -> str:
        return nn.Conv2d.__name__

    def forward(self, input: Tensor) -> Tensor:
        return _in_float32(super().forward, input)


class Dilated(nn.Conv2d):
    """A convolution that keeps the map's size, without those taps that only ever see the zeros around a small map."""

    def _get_name(self) -> str:
        return nn.Conv2d.__name__

    def forward(self, input: Tensor) -> Tensor:
        return _in_float32(self._without_zeros, input) if _is_depthwise(self) else self._without_zeros(input)

    def _without_zeros(self, input: Tensor) -> Tensor:
        weight, padding = self.weight, []
        for axis in (0, 1):
            rate, half = self.dilation[axis], self.kernel_size[axis] // 2
            reach = min(half, (input.shape[2 + axis] - 1) // rate)
            weight = weight.narrow(2 + axis, half - reach, 2 * reach + 1)
            padding.append(rate * reach)
        return F.conv2d(input, weight, self.bias, 1, padding, self.dilation, self.groups)


def quicken(network: nn.Module) -> None:
    """Let a network's plain convolutions take these ways. Its weights stay, and so do their names."""
    for module in network.modules():
        if type(module) is not nn.Conv2d:
            continue
        plain = module.stride == (1, 1) and module.padding_mode == "zeros"
        if module.kernel_size == (1, 1) and module.padding == (0, 0) and (plain or module.in_channels < FEW):
            module.__class__ = Pointwise
        elif plain and max(module.dilation) > 1 and _keeps_size(module):
            module.__class__ = Dilated
        elif _is_depthwise(module):
            module.__class__ = Depthwise


def _in_float32(convolve: Callable[[Tensor], Tensor], input: Tensor) -> Tensor:
    """What a convolution gives in float32, in the type of the autocast that it is called under, if any."""
    if not torch.is_autocast_enabled("cpu"):
        return convolve(input)
    with torch.autocast("cpu", enabled=False):
        return convolve(input.float()).to(torch.get_autocast_dtype("cpu"))


def _is_depthwise(conv: nn.Conv2d) -> bool:
    return conv.groups == conv.in_channels > 1


def _keeps_size(conv: nn.Conv2d) -> bool:
    return not isinstance(conv.padding, str) and all(
        kernel % 2 == 1 and padding == rate * (kernel // 2)
        for kernel, rate, padding in zip(conv.kernel_size, conv.dilation, conv.padding, strict=True)
    )
