"""The backbone of `MBConv` as a module of MMDetection and MMSegmentation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from operator import mul
from typing import Any

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from core import did_you_mean
from search_spaces.mbconv.space import CHANNELS, STRIDES, Genotype, scaled


def outer(width: float) -> int:
    """The channels of the last convolution, of which narrow networks keep all, as in MobileNetV2."""
    return scaled(1280, max(width, 1.0))


def conv_bn(inputs: int, outputs: int, kernel: int = 1, act: str | None = "ReLU6", **kwargs: Any) -> ConvModule:
    act_cfg = dict(type=act) if act else None
    padding = kernel // 2 * kwargs.get("dilation", 1)
    return ConvModule(inputs, outputs, kernel, padding=padding, norm_cfg=dict(type="BN"), act_cfg=act_cfg, **kwargs)


def deepened(operations: Sequence[Any], depth: float) -> list[Any]:
    """The operations of a stage that is `depth` times as deep, rounded up, as its last one is repeated."""
    return [*operations, *[operations[-1]] * (math.ceil(depth * len(operations)) - len(operations))]


class SqueezeExcite(nn.Module):
    """Every channel by a factor from 0 to 1 that the means of all channels say (Hu et al., CVPR 2018); `few` layers between."""

    def __init__(self, channels: int, few: int, act: str):
        super().__init__()
        self.conv1 = ConvModule(channels, few, 1, act_cfg=dict(type=act))
        self.conv2 = ConvModule(few, channels, 1, act_cfg=dict(type="Sigmoid"))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.conv2(self.conv1(x.mean((2, 3), keepdim=True)))


class InvertedResidual(nn.Module):
    """1x1 expansion (none where `expansion` is 1), depthwise convolution, linear 1x1 projection (Sandler et al., CVPR 2018).

    With `excite`, channels are weighted before the projection, by a quarter as many numbers as there are inputs (Tan et al.,
    CVPR 2019). The parts are named as in MMSegmentation's MobileNetV2.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        expansion: int,
        stride: int,
        act: str = "ReLU6",
        excite: bool = False,
        dilation: int = 1,
    ):
        super().__init__()
        hidden = expansion * inputs
        self.conv = nn.Sequential(
            *([conv_bn(inputs, hidden, act=act)] if expansion != 1 else []),
            conv_bn(hidden, hidden, kernel, act, stride=stride, dilation=dilation, groups=hidden),
            *([SqueezeExcite(hidden, max(1, inputs // 4), act)] if excite else []),
            conv_bn(hidden, outputs, act=None),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


def residuals(
    operations: Sequence[Any],
    inputs: int,
    outputs: int,
    stride: int,
    dilation: int,
    depth: float,
    act: str,
    excite: bool,
) -> nn.Sequential:
    """The layers of a stage, the first of which has its stride."""
    layers = nn.Sequential()
    for operation in deepened(operations, depth):
        kernel, expansion = int(operation[1]), int(operation[3])
        layers.append(InvertedResidual(inputs, outputs, kernel, expansion, stride, act, excite, dilation))
        inputs, stride = outputs, 1
    return layers


class MBConvNet(BaseModule):
    """A MobileNetV2 with other kernels, expansions and depths; `stages` holds the operations of six stages ("k5e6").

    It gives a map (B, channels, H / stride, W / stride) for each of `taps`. A tap is a stride ("16"), whose last layer
    it gives, or a stride with a plus: the expansion in the layer that leaves it, before the stride, and of the last stride
    ("32+") the last convolution, which is only there if it is tapped. Where layers are MobileNetV2's, their weights have
    the names that MMSegmentation's and MMDetection's MobileNetV2 give them. Raises ValueError for another tap.

    `channels` are those of the stages at width 1, `strides` and `dilations` those of the fixed block and the stages, as
    MMSegmentation's MobileNetV2 has them: where a network stops at stride 16, a 1 stands for the last 2, and dilations of 2
    from there on. A stage of n layers has n times `depth`, rounded up: its last is repeated.
    """

    def __init__(
        self,
        stages: Genotype,
        width: float = 1.0,
        taps: Sequence[str] = ("4", "8", "16", "32"),
        channels: Sequence[int] = CHANNELS,
        depth: float = 1.0,
        act: str = "ReLU6",
        excite: bool = False,
        strides: Sequence[int] = (1, *STRIDES),
        dilations: Sequence[int] = (1,) * 7,
    ):
        super().__init__()
        self.taps, self.strides, self.last = tuple(taps), tuple(strides), f"{2 * math.prod(strides)}+"
        reached = sorted(set(accumulate((2, *strides), mul)))
        known = [f"{stride}{plus}" for stride in reached for plus in ("", "+")]
        for tap in taps:
            if tap not in known:
                raise ValueError(did_you_mean("tap", tap, known))
        inputs, *others = (scaled(full, width) for full in (32, 16, *channels))
        self.conv1 = conv_bn(3, inputs, 3, act, stride=2)
        shapes = zip([["k3e1"], *stages], others, strides, dilations, strict=True)
        for number, (operations, outputs, stride, dilation) in enumerate(shapes, start=1):
            stage = residuals(operations, inputs, outputs, stride, dilation, depth, act, excite)
            setattr(self, f"layer{number}", stage)
            inputs = outputs
        if self.last in taps:
            self.conv2 = conv_bn(inputs, outer(width), act=act)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        stride, maps = 2, {}
        x = self.conv1(x)
        for number, step in enumerate(self.strides, start=1):
            stage = getattr(self, f"layer{number}")
            if step > 1 and f"{stride}+" in self.taps:
                x = maps[f"{stride}+"] = stage[0].conv[0](x)
                x = stage[1:](stage[0].conv[1:](x))  # a layer with a stride has no residual
            else:
                x = stage(x)
            stride *= step
            maps[str(stride)] = x
        if self.last in self.taps:
            maps[self.last] = self.conv2(x)
        return tuple(maps[tap] for tap in self.taps)


class MBConvClassifier(nn.Module):
    """An `MBConvNet` with these settings, whose last convolution is averaged and scored: (B, 3, H, W) in, (B, classes) out."""

    def __init__(self, classes: int, width: float = 1.0, **settings: Any):
        super().__init__()
        self.backbone = MBConvNet(width=width, taps=["32+"], **settings)
        self.classifier = nn.Linear(outer(width), classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.backbone(x)[0].mean((2, 3)))
