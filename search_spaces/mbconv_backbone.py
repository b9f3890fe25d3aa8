"""The backbone of `MBConv` as a module of MMDetection."""

from __future__ import annotations

from typing import Any

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from search_spaces.mbconv import CHANNELS, STRIDES, TAPPED, Genotype
from search_spaces.models import MODELS


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


@MODELS.register_module()
class MBConvNet(BaseModule):
    """A MobileNetV2 with other kernels, expansions and depths; `stages` holds the operations of six stages ("k5e6").

    It gives SSDLite's two maps, (B, out_channels[0], H/16, W/16) and (B, out_channels[1], H/32, W/32): the expansion of
    the fifth stage's first layer and the last convolution. Where layers are MobileNetV2's, their weights have the names
    that MMSegmentation's and MMDetection's MobileNetV2 give them.
    """

    def __init__(self, stages: Genotype, width: float = 1.0, init_cfg: Any = None):
        super().__init__(init_cfg)
        channels, first, *others = (scaled(full, width) for full in (32, 16, *CHANNELS))
        self.conv1 = conv_bn(3, channels, 3, stride=2)
        self.layer1 = nn.Sequential(InvertedResidual(channels, first, 3, 1, 1))
        channels = first
        for number, (operations, outputs, stride) in enumerate(zip(stages, others, STRIDES, strict=True), start=2):
            blocks = []
            for operation in operations:
                kernel, expansion = int(operation[1]), int(operation[3])
                blocks.append(InvertedResidual(channels, outputs, kernel, expansion, 1 if blocks else stride))
                channels = outputs
            setattr(self, f"layer{number}", nn.Sequential(*blocks))
        last = scaled(1280, max(width, 1.0))  # as in MobileNetV2, narrow networks keep the full last convolution
        self.conv2 = conv_bn(channels, last)
        self.out_channels: tuple[int, int] = (self.stages[TAPPED][0].conv[0].out_channels, last)

    @property
    def stages(self) -> list[Any]:
        """The six searched stages."""
        return [getattr(self, f"layer{number}") for number in range(2, len(CHANNELS) + 2)]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.layer1(self.conv1(x))
        for stage in self.stages[:TAPPED]:
            x = stage(x)
        first = self.stages[TAPPED][0]
        tap = first.conv[0](x)
        x = self.stages[TAPPED][1:](first.conv[1:](tap))  # the first layer has a stride: no residual
        for stage in self.stages[TAPPED + 1 :]:
            x = stage(x)
        return tap, self.conv2(x)
