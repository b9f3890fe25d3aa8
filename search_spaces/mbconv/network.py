"""The backbone of `MBConv` as a module of MMDetection and MMSegmentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from core import did_you_mean
from search_spaces.mbconv.space import CHANNELS, STRIDES, Genotype

TAPS = [f"{stride}{plus}" for stride in (2, 4, 8, 16, 32) for plus in ("", "+")]


def scaled(channels: int, width: float) -> int:
    """`channels` times `width` as a multiple of 8, never less than nine tenths of it (MobileNetV2's rule)."""
    rounded = max(8, int(channels * width + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels * width else rounded + 8


def conv_bn(inputs: int, outputs: int, kernel: int = 1, relu: bool = True, **kwargs: Any) -> ConvModule:
    act = dict(type="ReLU6") if relu else None
    return ConvModule(inputs, outputs, kernel, padding=kernel // 2, norm_cfg=dict(type="BN"), act_cfg=act, **kwargs)


class InvertedResidual(nn.Module):
    """1x1 expansion (none where `expansion` is 1), depthwise convolution, linear 1x1 projection (Sandler et al., CVPR 2018).

    The parts are named as in MMSegmentation's MobileNetV2.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, expansion: int, stride: int):
        super().__init__()
        hidden = expansion * inputs
        self.conv = nn.Sequential(
            *([conv_bn(inputs, hidden)] if expansion != 1 else []),
            conv_bn(hidden, hidden, kernel, stride=stride, groups=hidden),
            conv_bn(hidden, outputs, relu=False),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


class MBConvNet(BaseModule):
    """A MobileNetV2 with other kernels, expansions and depths; `stages` holds the operations of six stages ("k5e6").

    It gives a map (B, channels, H / stride, W / stride) for each of `taps`. A tap is a stride ("16"), whose last layer
    it gives, or a stride with a plus: the expansion in the layer that leaves it, before the stride, and for "32+" the last
    convolution, which is only there if it is tapped. Where layers are MobileNetV2's, their weights have the names that
    MMSegmentation's and MMDetection's MobileNetV2 give them. Raises ValueError for another tap.
    """

    def __init__(self, stages: Genotype, width: float = 1.0, taps: Sequence[str] = ("4", "8", "16", "32")):
        super().__init__()
        for tap in taps:
            if tap not in TAPS:
                raise ValueError(did_you_mean("tap", tap, TAPS))
        self.taps = tuple(taps)
        stem, channels, *others = (scaled(full, width) for full in (32, 16, *CHANNELS))
        self.conv1 = conv_bn(3, stem, 3, stride=2)
        self.layer1 = nn.Sequential(InvertedResidual(stem, channels, 3, 1, 1))
        for number, (operations, outputs, step) in enumerate(zip(stages, others, STRIDES, strict=True), start=2):
            blocks = []
            for operation in operations:
                kernel, expansion = int(operation[1]), int(operation[3])
                blocks.append(InvertedResidual(channels, outputs, kernel, expansion, 1 if blocks else step))
                channels = outputs
            setattr(self, f"layer{number}", nn.Sequential(*blocks))
        if "32+" in taps:  # narrow networks keep the full one, as in MobileNetV2
            self.conv2 = conv_bn(channels, scaled(1280, max(width, 1.0)))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        stride, maps = 2, {}
        x = maps["2"] = self.layer1(self.conv1(x))
        for number, step in enumerate(STRIDES, start=2):
            stage = getattr(self, f"layer{number}")
            if step > 1 and f"{stride}+" in self.taps:
                x = maps[f"{stride}+"] = stage[0].conv[0](x)
                x = stage[1:](stage[0].conv[1:](x))  # a layer with a stride has no residual
            else:
                x = stage(x)
            stride *= step
            maps[str(stride)] = x
        if "32+" in self.taps:
            maps["32+"] = self.conv2(x)
        return tuple(maps[tap] for tap in self.taps)
