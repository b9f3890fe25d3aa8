"""MobileNetV1 (Howard et al., 2017), which E-DNAS is compared with."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from search_spaces.mbconv.network import conv_bn
from search_spaces.mbconv.space import scaled
from search_spaces.nasnet_cells.network import TAPS, stages_of

CHANNELS = ((64, 128, 128), (256, 256), (512,) * 6, (1024, 1024))  # of the blocks that end at strides 4, 8, 16 and 32


class MobileNetV1(BaseModule):
    """A convolution and depthwise separable blocks, `width` times as wide as published, in multiples of 8.

    It gives the last map (B, channels, H / stride, W / stride) at each of `taps`; blocks behind the last tap are not built.
    Raises ValueError for another tap than "4", "8", "16" and "32", with a plus or without.
    """

    def __init__(self, width: float = 1.0, taps: Sequence[str] = TAPS):
        super().__init__()
        self.places = stages_of(taps)
        inputs = scaled(32, width)
        self.stem = conv_bn(3, inputs, 3, "ReLU", stride=2)
        self.stages = nn.ModuleList()
        for stage, full in enumerate(CHANNELS[: 1 + max(self.places)]):
            blocks: list[nn.Module] = []
            for place, outputs in enumerate(scaled(one, width) for one in full):
                stride = 2 if place == (1 if stage == 0 else 0) else 1
                blocks += [conv_bn(inputs, inputs, 3, "ReLU", stride=stride, groups=inputs)]
                blocks += [conv_bn(inputs, outputs, act="ReLU")]
                inputs = outputs
            self.stages.append(nn.Sequential(*blocks))
        self.channels = inputs

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x, maps = self.stem(x), []
        for stage in self.stages:
            maps.append(x := stage(x))
        return tuple(maps[place] for place in self.places)


class MobileNetV1Classifier(nn.Module):
    """The same with its last map averaged and scored: (B, 3, H, W) in, (B, classes) out."""

    def __init__(self, classes: int, width: float = 1.0):
        super().__init__()
        self.backbone = MobileNetV1(width, taps=("32",))
        self.classifier = nn.Linear(self.backbone.channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.backbone(x)[0].mean((2, 3)))
