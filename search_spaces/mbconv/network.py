"""The backbone of `MBConv` as a module of MMDetection and MMSegmentation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import mul
from typing import Any, Literal

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from core import did_you_mean
from search_spaces.mbconv.space import CHANNELS, ENDS, STRIDES, Genotype, parsed, scaled


def conv_bn(inputs: int, outputs: int, kernel: int = 1, act: str | None = "ReLU6", **kwargs: Any) -> ConvModule:
    act_cfg = dict(type=act) if act else None
    padding = kernel // 2 * kwargs.get("dilation", 1)
    return ConvModule(inputs, outputs, kernel, padding=padding, norm_cfg=dict(type="BN"), act_cfg=act_cfg, **kwargs)


def deepened(operations: Sequence[Any], depth: float) -> list[Any]:
    """The operations of a stage that is `depth` times as deep, rounded up, as its last one is repeated."""
    return [*operations, *[operations[-1]] * (math.ceil(depth * len(operations)) - len(operations))]


class SqueezeExcite(nn.Module):
    """Every channel by a factor from 0 to 1 that the means of all channels say by `few` numbers (Hu et al., CVPR 2018)."""

    def __init__(self, channels: int, few: int, act: str, gate: Any = "Sigmoid"):
        super().__init__()
        self.conv1 = ConvModule(channels, few, 1, act_cfg=dict(type=act))
        self.conv2 = ConvModule(few, channels, 1, act_cfg=dict(type=gate))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.conv2(self.conv1(x.mean((2, 3), keepdim=True)))


class InvertedResidual(nn.Module):
    """1x1 expansion, depthwise convolution, linear 1x1 projection (Sandler et al., CVPR 2018).

    `inside` is how many channels the expansion makes; None: there is no expansion.
    With `excite`, channels are weighted before the projection: by a quarter as many numbers as there are inputs in
    EfficientNet, as there are expanded channels in MobileNetV3 (Howard et al., ICCV 2019). The parts are named as in
    MMSegmentation's MobileNetV2.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        inside: int | None,
        stride: int,
        act: str = "ReLU6",
        excite: Literal["EfficientNet", "MobileNetV3"] | None = None,
        dilation: int = 1,
    ):
        super().__init__()
        hidden = inside or inputs
        excites: dict[str, tuple[Any, ...]] = {
            "EfficientNet": (max(1, inputs // 4), act),
            "MobileNetV3": (scaled(hidden, 1 / 4), "ReLU", nn.Hardsigmoid),
        }
        self.conv = nn.Sequential(
            *([conv_bn(inputs, hidden, act=act)] if inside else []),
            conv_bn(hidden, hidden, kernel, act, stride=stride, dilation=dilation, groups=hidden),
            *([SqueezeExcite(hidden, *excites[excite])] if excite else []),
            conv_bn(hidden, outputs, act=None),
        )
        self.expands, self.residual = bool(inside), stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)

    def tapped(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The expanded map, or the input where there is no expansion, and the output of a layer without a residual."""
        if not self.expands:
            return x, self.conv(x)
        expanded = self.conv[0](x)
        return expanded, self.conv[1:](expanded)


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
        one = parsed(operation)
        kind = "MobileNetV3" if one.excite else "EfficientNet" if excite else None
        inside = one.inside or (scaled(inputs, one.expansion) if one.expansion != 1 else None)
        layers.append(InvertedResidual(inputs, outputs, one.kernel, inside, stride, act, kind, dilation))
        inputs, stride = outputs, 1
    return layers


def stages_to(taps: Sequence[str], strides: Sequence[int]) -> int:
    """How many of the stages with these strides, the fixed block among them, lead to the last of the taps.

    Raises ValueError for a tap that none gives.
    """
    given: dict[str, int] = {}  # by the last stage that gives it
    for stage, (old, new) in enumerate(pairwise(accumulate(strides, mul, initial=2)), start=1):
        given |= {f"{old}+": stage} if stage > 1 and new > old else {}
        given |= {str(new): stage, f"{new}+": stage}
    for tap in taps:
        if tap not in given:
            raise ValueError(did_you_mean("tap", tap, given))
    return max((given[tap] for tap in taps), default=0)


class MBConvNet(BaseModule):
    """A MobileNetV2 with other kernels, expansions and depths; `stages` holds the operations of its stages.

    An operation is a kernel and how many times as many channels an expansion makes, in multiples of 8 ("k5e6"), or how many
    these are ("k5w48"). One that ends in an s has MobileNetV3's squeeze-excite; with `excite`, all others have EfficientNet's.
    It gives a map (B, channels, H / stride, W / stride) for each of `taps`. A tap is a stride ("16"), whose last layer
    it gives, or a stride with a plus: the expansion in the layer that leaves it, before the stride, and of the last stride
    ("32+") the last convolution, which is only there if it is tapped; stages behind the last tap are not built. Where layers
    are MobileNetV2's, their weights have the names that MMSegmentation's and MMDetection's MobileNetV2 give them. Raises
    ValueError for another tap.

    At width 1 `channels` are those of the stages, `ends` those of the stem, the fixed block (of the operation `first`) and
    the last convolution, of which narrow networks keep all. `strides` and `dilations` are those of the fixed block and the
    stages, as MMSegmentation's MobileNetV2 has them: where a network stops at stride 16, a 1 stands for the last 2, and
    dilations of 2 from there on. So are activations, where `act` is a list; the ends have the last of them. A stage of n
    layers has n times `depth`, rounded up: its last is repeated.
    """

    def __init__(
        self,
        stages: Genotype,
        width: float = 1.0,
        taps: Sequence[str] = ("4", "8", "16", "32"),
        channels: Sequence[float] = CHANNELS,
        depth: float = 1.0,
        act: str | Sequence[str] = "ReLU6",
        excite: bool = False,
        strides: Sequence[int] = (1, *STRIDES),
        dilations: Sequence[int] = (1,) * 7,
        ends: Sequence[int] = ENDS,
        first: str = "k3e1",
    ):
        super().__init__()
        self.taps, self.last = tuple(taps), f"{2 * math.prod(strides)}+"
        self.strides = tuple(strides[: stages_to(taps, strides)])
        stem, block, last = ends
        acts = [act] * len(strides) if isinstance(act, str) else act
        inputs, *others = (scaled(full, width) for full in (stem, block, *channels))
        self.conv1 = conv_bn(3, inputs, 3, acts[-1], stride=2)
        shapes = list(zip([[first], *stages], others, strides, dilations, acts, strict=True))[: len(self.strides)]
        for number, (operations, outputs, stride, dilation, own) in enumerate(shapes, start=1):
            stage = residuals(operations, inputs, outputs, stride, dilation, depth, own, excite)
            setattr(self, f"layer{number}", stage)
            inputs = outputs
        if self.last in taps:
            self.conv2 = conv_bn(inputs, scaled(last, max(width, 1.0)), act=acts[-1])

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        stride, maps = 2, {}
        x = self.conv1(x)
        for number, step in enumerate(self.strides, start=1):
            stage = getattr(self, f"layer{number}")
            if step > 1 and f"{stride}+" in self.taps:
                maps[f"{stride}+"], x = stage[0].tapped(x)
                x = stage[1:](x)
            else:
                x = stage(x)
            stride *= step
            maps[str(stride)] = x
        if self.last in self.taps:
            maps[self.last] = self.conv2(x)
        return tuple(maps[tap] for tap in self.taps)


class MBConvClassifier(nn.Module):
    """An `MBConvNet` with these settings, whose last convolution is averaged and scored: (B, 3, H, W) in, (B, classes) out.

    With `hidden`, a layer of so many numbers and h-swish stands between, as in MobileNetV3.
    """

    def __init__(self, classes: int, hidden: int | None = None, **settings: Any):
        super().__init__()
        self.backbone: Any = MBConvNet(taps=["32+"], **settings)
        channels = self.backbone.conv2.out_channels
        self.classifier = nn.Linear(hidden or channels, classes)
        if hidden:
            self.classifier = nn.Sequential(nn.Linear(channels, hidden), nn.Hardswish(), self.classifier)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.backbone(x)[0].mean((2, 3)))
