"""The decoder of `DecoderTemplates` as a decode head of MMSegmentation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.decoder_templates.space import JOINS, OPERATIONS, TAPS, Genotype, loose
from search_spaces.fpn_cells.network import Sum
from search_spaces.ops import PLAIN, GlobalPool, conv, largest, positions, resize


def operation(name: str, inputs: int, outputs: int, stride: int, repeats: int) -> nn.Module:
    """A new operation of `OPERATIONS` from maps of `inputs` to maps of `outputs` channels, a multiple."""
    if name == "skip":
        return nn.Identity() if inputs == outputs else Copies(outputs // inputs)
    if name == "gap":
        return GlobalPool(inputs, outputs)
    if name == "max3":
        point = [conv(inputs, outputs), nn.BatchNorm2d(outputs)]
        return nn.Sequential(*point, nn.MaxPool2d(3, stride, padding=1))
    kernel, rate = (int(number or 1) for number in re.findall(r"\d+|$", name)[:2])
    layers: list[nn.Module] = []
    for _ in range(repeats):
        depthwise = conv(inputs, inputs, kernel, rate, groups=inputs, stride=stride)
        layers += PLAIN.around([depthwise, conv(inputs, outputs)], outputs)
        inputs = outputs
    return nn.Sequential(*layers)


class Copies(nn.Module):
    """The map, several times one after the other."""

    def __init__(self, count: int):
        super().__init__()
        self.count = count

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x] * self.count, 1)


class Concat(nn.Module):
    """BN, ReLU and a 1x1 convolution on [x, y]."""

    def __init__(self, channels: int):
        super().__init__()
        self.bn = nn.BatchNorm2d(2 * channels)
        self.conv = conv(2 * channels, channels)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.conv(F.relu(self.bn(torch.cat([x, y], 1))))


class Repetition(nn.Module):
    """Two operations and their join, at the size of the `larger` or else the smaller of their outputs.

    `inputs` are the channels that come in, `factor` by how much the operations multiply them; the side that has fewer channels
    then is brought to those of the other one, `channels`.
    """

    def __init__(
        self, template: Sequence[int], inputs: Sequence[int], factor: int, stride: int, larger: bool, repeats: int
    ):
        super().__init__()
        *ops, join = template
        widths = [width * factor for width in inputs]
        self.channels, self.larger = max(widths), larger
        self.ops = nn.ModuleList(
            operation(OPERATIONS[op], width, factor * width, stride, repeats)
            for op, width in zip(ops, inputs, strict=True)
        )
        self.adapters = nn.ModuleList(
            nn.Identity() if width == self.channels else PLAIN.conv(width, self.channels) for width in widths
        )
        self.join = {"sum": Sum, "concat": Concat}[JOINS[join]](self.channels)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        x, y = (adapt(op(side)) for op, adapt, side in zip(self.ops, self.adapters, (a, b), strict=True))
        size = (max if self.larger else min)((x.shape[-2:], y.shape[-2:]), key=positions)
        return self.join(resize(x, size), resize(y, size))


class Layer(nn.Module):
    """A template, repeated: each repetition reads the second input and the output of the one before."""

    def __init__(
        self, template: Sequence[int], inputs: Sequence[int], times: int, stride: int, larger: bool, repeats: int
    ):
        super().__init__()
        self.times = nn.ModuleList()
        self.channels, factor = 0, stride
        for _ in range(times):
            one = Repetition(template, inputs, factor, stride, larger, repeats)
            self.times.append(one)
            self.channels, inputs, factor = one.channels, (inputs[1], one.channels), 1

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        for template in self.times:
            a, b = b, template(a, b)
        return b


class TemplateDecoder(BaseDecodeHead):
    """A searched decoder (Nekrasov et al., WACV 2020): maps of strides 4 and 8 in, class scores (B, classes, H, W) out.

    Scores have the size of the largest output that no layer reads, at its number of positions. `genotype` is that of
    `DecoderTemplates`, `repeats` the depth of a separable convolution. Raises ValueError for another number of maps.
    """

    def __init__(self, genotype: Genotype, in_channels: Sequence[int], repeats: int = 1, **settings: Any):
        if len(in_channels) != TAPS:
            raise ValueError(f"a TemplateDecoder reads {TAPS} maps, not {len(in_channels)}")
        plain = dict(in_index=list(range(TAPS)), input_transform="multiple_select", dropout_ratio=0)
        super().__init__(list(in_channels), **{**plain, **settings})
        templates, layers = genotype
        widths = list(in_channels)
        self.pairs = [(a, b) for a, b, *_ in layers]
        self.layers = nn.ModuleList()
        for k, (a, b, template, times, stride) in enumerate(layers):
            second_half = k >= len(layers) // 2
            layer = Layer(templates[template], (widths[a], widths[b]), times + 1, stride + 1, second_half, repeats)
            self.layers.append(layer)
            widths.append(layer.channels)
        self.loose = loose({place for pair in self.pairs for place in pair}, len(widths))
        self.merge = PLAIN.conv(sum(widths[place] for place in self.loose), self.channels)
        self.conv_seg = nn.Conv2d(self.channels, self.out_channels, 3, padding=1)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:  # type: ignore[override]
        pool = list(self._transform_inputs(inputs))
        for layer, (a, b) in zip(self.layers, self.pairs, strict=True):
            pool.append(layer(pool[a], pool[b]))
        ends = [pool[place] for place in self.loose]
        size = largest(ends)
        return self.cls_seg(self.merge(F.relu(torch.cat([resize(x, size) for x in ends], 1))))
