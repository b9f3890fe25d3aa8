"""Deformable convolution v2 (Zhu et al., CVPR 2019) that can also be counted, and trained on a CPU."""

from __future__ import annotations

import torch
from mmcv.ops import ModulatedDeformConv2dPack
from torch import Tensor
from torch.nn import functional as F

KERNEL = 3


class DeformConv(ModulatedDeformConv2dPack):
    """A modulated 3x3 deformable convolution with `groups` offset groups, a bias, and its own offset convolution.

    mmcv's operation runs on a GPU. Its backward pass on a CPU takes five to ten times as long as `deform_conv`, which
    computes the same.
    """

    _version = 1  # of a later one, mmcv logs a line for each layer whenever weights are loaded

    def __init__(self, channels: int, groups: int = 2):
        super().__init__(channels, channels, KERNEL, padding=KERNEL // 2, deform_groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_meta and torch.is_autocast_enabled(
            x.device.type
        ):  # mmcv knows no bfloat16, and places need float32
            with torch.autocast(x.device.type, enabled=False):
                return self.forward(x.float())
        if x.is_cuda:
            return super().forward(x)
        moves = self.conv_offset(x).contiguous()
        if x.is_meta:  # shapes flow, numbers do not
            return torch.empty_like(x)
        offset, mask = moves.tensor_split([moves.shape[1] * 2 // 3], 1)
        return deform_conv(x, offset, mask.sigmoid(), self.weight, self.bias)


def deform_conv(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Every 3x3 tap looks beside its place and is weighted there (Zhu et al., equation 1); zero outside of the map.

    `x` is (B, C, H, W); `offset` (B, 18 G, H, W) holds for each of G groups of channels and each tap how far to go down and
    to the right, `mask` (B, 9 G, H, W) the taps' weights, `weight` (outputs, C, 3, 3), `bias` (outputs,).
    """
    batch, channels, height, width = x.shape
    taps = KERNEL * KERNEL
    groups = mask.shape[1] // taps
    tap = torch.arange(taps, device=x.device).view(taps, 1, 1)
    rows, columns = (x.new_ones(side).cumsum(0) - 1 for side in (height, width))  # arange would fix a traced map's size
    down = rows.view(-1, 1) + tap // KERNEL - KERNEL // 2
    right = columns + tap % KERNEL - KERNEL // 2
    # grid_sample counts from -1 to 1 between the outer edges of the map, and wants the second axis first: hence the
    # transposed maps. All rows, then all columns (and not in turns) is what it reads fastest.
    axes = torch.broadcast_tensors((2 * down + 1) / height - 1, (2 * right + 1) / width - 1)
    start, scale = torch.stack(axes, 1).flatten(2), x.new_tensor([[2 / height], [2 / width]])
    shift = offset.reshape(batch * groups, taps, 2, height * width)
    grid = torch.addcmul(start, shift, scale).transpose(2, 3)
    maps = x.reshape(batch * groups, channels // groups, height, width).transpose(2, 3)
    seen = F.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    seen = seen * mask.reshape(batch * groups, 1, taps, height * width)
    result = weight.flatten(1) @ seen.view(batch, channels * taps, height * width) + bias.view(-1, 1)
    result = result.view(batch, -1, height, width)
    return result.contiguous(memory_format=torch.channels_last)  # as all layers around it are fastest
