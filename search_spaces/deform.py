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
        if x.is_cuda:
            return super().forward(x)
        rows, columns, mask = self.conv_offset(x).chunk(3, dim=1)
        if x.is_meta:  # shapes flow, numbers do not
            return torch.empty_like(x)
        return deform_conv(x, torch.cat([rows, columns], 1), mask.sigmoid(), self.weight, self.bias)


def deform_conv(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Every 3x3 tap looks beside its place and is weighted there (Zhu et al., equation 1); zero outside of the map.

    `x` is (B, C, H, W); `offset` (B, 18 G, H, W) holds for each of G groups of channels and each tap how far to go down and
    to the right, `mask` (B, 9 G, H, W) the taps' weights, `weight` (outputs, C, 3, 3), `bias` (outputs,).
    """
    batch, channels, height, width = x.shape
    taps = KERNEL * KERNEL
    groups = mask.shape[1] // taps
    tap = torch.arange(taps, device=x.device).view(1, taps, 1, 1)
    shift = offset.reshape(batch * groups, taps, 2, height, width)
    down = shift[:, :, 0] + torch.arange(height, device=x.device).view(1, 1, -1, 1) + tap // KERNEL - KERNEL // 2
    right = shift[:, :, 1] + torch.arange(width, device=x.device) + tap % KERNEL - KERNEL // 2
    # grid_sample counts from -1 to 1 between the outer edges of the map.
    grid = torch.stack([(2 * right + 1) / width - 1, (2 * down + 1) / height - 1], -1)
    grid = grid.view(batch * groups, taps * height, width, 2)
    maps = x.reshape(batch * groups, channels // groups, height, width)
    seen = F.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    seen = seen.view(batch, groups, -1, taps, height * width) * mask.reshape(batch, groups, 1, taps, height * width)
    result = weight.flatten(1) @ seen.view(batch, channels * taps, height * width)
    result = result.view(batch, -1, height, width) + bias.view(1, -1, 1, 1)
    return result.contiguous(memory_format=torch.channels_last)  # as all layers around it are fastest
