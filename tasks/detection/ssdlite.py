"""What SSDLite is made of beside its backbone and its neck: the head, the sizes of the maps, their anchors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.cnn import ConvModule
from mmdet.models.dense_heads import SSDHead
from mmdet.registry import MODELS
from torch import nn

EXTRA = (512, 256, 256, 128)  # channels of the maps that the neck adds
RATIOS = ([2], [2, 3], [2, 3], [2, 3], [2], [2])  # of each map's anchors: 4, 6, 6, 6, 4 and 4 a position


@MODELS.register_module()
class SSDLiteHead(SSDHead):
    """A 3x3 depthwise and a 1x1 convolution for classes, and two more for boxes, on every map.

    As in FNA's released code (Fang et al., ICLR 2020), a batch norm stands where others have the predictors' biases.
    """

    loss_cls = None  # MMDetection 3.3.0 asks for it when it predicts, but gives SSDHead none

    def _init_layers(self) -> None:
        self.cls_convs, self.reg_convs = nn.ModuleList(), nn.ModuleList()
        for channels, anchors in zip(self.in_channels, self.num_base_priors, strict=True):
            self.cls_convs.append(self._predictor(channels, anchors * self.cls_out_channels))
            self.reg_convs.append(self._predictor(channels, anchors * 4))

    def _predictor(self, inputs: int, outputs: int) -> nn.Sequential:
        norm, act = self.norm_cfg, self.act_cfg
        return nn.Sequential(
            ConvModule(inputs, inputs, 3, padding=1, groups=inputs, norm_cfg=norm, act_cfg=act),
            ConvModule(inputs, outputs, 1, norm_cfg=norm, act_cfg=None),
        )


def map_sizes(size: tuple[int, int]) -> list[tuple[int, int]]:
    """(rows, columns) of the maps: stride 16, then halves, rounded up; six at most, and the first single position ends."""
    rows, columns = (math.ceil(side / 16) for side in size)
    maps = [(rows, columns)]
    while len(maps) < len(RATIOS) and maps[-1] != (1, 1):
        rows, columns = math.ceil(rows / 2), math.ceil(columns / 2)
        maps.append((rows, columns))
    if len(maps) < 3:
        raise ValueError(f"images of {size} pixels are too small for SSDLite: give one side more than 32 pixels")
    return maps


def anchors(
    size: tuple[int, int], maps: list[tuple[int, int]], scales: Sequence[float] | None = None
) -> dict[str, Any]:
    """SSD's boxes (Liu et al., ECCV 2016, section 2.2): those of map k grow from `scales[k]` to the next one.

    The unit is the side of a square with the image's area, so that a box of ratio 1 is square in any image. Without `scales`,
    sizes grow evenly with the maps, from 0.15 to 0.95. Raises ValueError where there is not one more than there are maps.
    """
    height, width = size
    side = math.sqrt(height * width)
    if scales is None:
        scales = [*np.linspace(0.15, 0.95, len(maps)), 1.0]
    if len(scales) != len(maps) + 1:
        raise ValueError(f"images of {size} pixels have {len(maps)} maps: give SSDLite {len(maps) + 1} scales, or none")
    sizes = [float(scale) * side for scale in scales]
    return dict(
        type="mmdet.SSDAnchorGenerator",
        scale_major=False,
        strides=[[width / columns, height / rows] for rows, columns in maps],
        ratios=list(RATIOS[: len(maps)]),
        min_sizes=sizes[:-1],
        max_sizes=sizes[1:],
    )
