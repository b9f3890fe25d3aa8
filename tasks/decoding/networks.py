"""Decode heads that nobody searched and that MMSegmentation does not have, to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmcv.cnn import ConvModule
from mmseg.models.decode_heads import DepthwiseSeparableASPPHead
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F


class ChainedPooling(nn.Module):
    """Max pooling of 5x5 and a 1x1 convolution, `stages` times one after the other, each added to what came in."""

    def __init__(self, channels: int, stages: int = 4):
        super().__init__()
        self.convs = nn.ModuleList(point(channels, channels) for _ in range(stages))

    def forward(self, x: Tensor) -> Tensor:
        total = path = x
        for conv in self.convs:
            path = conv(F.max_pool2d(path, 5, stride=1, padding=2))
            total = total + path
        return total


@MODELS.register_module()
class LightRefineNetHead(BaseDecodeHead):
    """Light-Weight RefineNet (Nekrasov, Shen and Reid, BMVC 2018): from the coarsest map to the finest, by 1x1 convolutions.

    Each map is brought to `channels`, the coarsest to twice as many; it is joined with what comes from below, enlarged
    bilinearly, and pooled in a chain. Scores have the size of the finest map. 256 `channels` are the published ones.
    """

    def __init__(self, channels: int = 256, **settings: Any):
        super().__init__(input_transform="multiple_select", channels=channels, **settings)
        seen: list[int] = list(self.in_channels)  # type: ignore[arg-type]
        widths = [*[channels] * (len(seen) - 1), 2 * channels]
        self.reduce = nn.ModuleList(map(point, seen, widths))
        self.pool = nn.ModuleList(ChainedPooling(width) for width in widths)
        self.adapt = nn.ModuleList(point(channels, channels) for _ in widths[1:])
        self.join = nn.ModuleList(point(width, channels) for width in widths[1:])
        self.conv_seg = nn.Conv2d(channels, self.out_channels, 3, padding=1)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:  # type: ignore[override]
        *maps, x = [reduce(x) for reduce, x in zip(self.reduce, self._transform_inputs(inputs), strict=True)]
        x = self.pool[-1](F.relu(x))
        for level in reversed(range(len(maps))):
            own = self.adapt[level](F.relu(maps[level]))
            below = F.interpolate(
                self.join[level](x), own.shape[-2:], mode="bilinear", align_corners=self.align_corners
            )
            x = self.pool[level](F.relu(own + below))
        return self.cls_seg(x)


@MODELS.register_module()
class LightASPPHead(DepthwiseSeparableASPPHead):
    """DeepLabv3's head on mobile encoders (Chen et al., ECCV 2018): separable pyramid pooling, joined by a 1x1 convolution.

    MMSegmentation's joins by a 3x3 convolution, and two more refine what comes of it. As FNA counts it (Fang et al., ICLR
    2020), with 256 `channels` and MMSegmentation's dilations (1, 6, 12, 18).
    """

    def __init__(self, channels: int = 256, **settings: Any):
        super().__init__(c1_in_channels=0, c1_channels=0, channels=channels, **settings)
        joined = self.bottleneck.in_channels
        self.bottleneck = ConvModule(joined, channels, 1, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
        self.sep_bottleneck = nn.Identity()


def point(before: int, after: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, 1, bias=False)
