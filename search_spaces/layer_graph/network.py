"""The backbone of `LayerGraph` as a module of MMDetection and MMSegmentation, and a classifier on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from core import did_you_mean
from search_spaces.layer_graph.layers import IMAGE, Layer, channels, ordered, read, taps

TAPS = ("4", "8", "16", "32", "16+", "32+")


def module(layer: Layer, inputs: int) -> nn.Module:
    """A layer of one input. A map of n pixels a side becomes one of n / stride, rounded up."""
    if layer.kind == "conv":
        settings: dict[str, Any] = dict(stride=layer.stride, padding=layer.kernel // 2, groups=layer.groups)
        return nn.Conv2d(inputs, layer.outputs, layer.kernel, bias=layer.bias, **settings)
    odd = layer.kernel % 2
    pooling: dict[str, Any] = dict(stride=layer.stride, padding=layer.kernel // 2 * odd, ceil_mode=not odd)
    if layer.kind == "max":
        return nn.MaxPool2d(layer.kernel, **pooling)
    if layer.kind == "avg":
        return nn.AvgPool2d(layer.kernel, **pooling, count_include_pad=False)
    return nn.BatchNorm2d(inputs) if layer.kind == "norm" else {"relu": nn.ReLU, "relu6": nn.ReLU6}[layer.kind]()


class LayerGraphNet(BaseModule):
    """A graph of `layers`, by name, as `search_spaces.layer_graph.layers.Layer` writes them.

    It gives a map (B, channels, H / stride, W / stride) for each of `taps`, strides as texts. Where the graph has no tap of a
    stride, that is its next finer one, brought to the size by taking the largest of neighbours; so a graph that never reaches
    stride 32 has the four taps as well. A plus behind a stride means nothing here: no layer expands. Layers that no tap needs
    are not built. Raises ValueError for a tap that is neither one of the four nor the graph's, and for one that is finer than
    all of the graph's.
    """

    def __init__(self, layers: Mapping[str, str], taps: Sequence[str] = TAPS[:4]):
        super().__init__()
        whole = read(layers)
        self.outputs = [_output(whole, tap) for tap in taps]
        needed = {name for name, _ in self.outputs}
        self.graph = ordered({name: one for name, one in whole.items() if one.kind != "tap" or name in needed})
        widths = channels(self.graph)
        self.nodes = nn.ModuleDict(
            {
                name: module(layer, widths[layer.sources[0]])
                for name, layer in self.graph.items()
                if layer.kind not in ("add", "concat", "tap")
            }
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        maps = {IMAGE: x}
        for name, layer in self.graph.items():
            read = [maps[source] for source in layer.sources]
            if layer.kind == "concat":
                maps[name] = torch.cat(read, 1)
            elif layer.kind == "add":
                maps[name] = sum(read[1:], read[0])
            else:
                maps[name] = self.nodes[name](read[0]) if name in self.nodes else read[0]
        return tuple(
            F.max_pool2d(maps[name], more, ceil_mode=True) if more > 1 else maps[name] for name, more in self.outputs
        )


def _output(layers: Mapping[str, Layer], tap: str) -> tuple[str, int]:
    """The layer that stands for a tap, and how many times finer it is."""
    there = taps(layers)
    known = dict.fromkeys([*TAPS, *map(str, there)])
    if tap not in known:
        raise ValueError(did_you_mean("tap", tap, known))
    wanted = int(tap.rstrip("+"))
    finer = [stride for stride in there if stride <= wanted and wanted % stride == 0]
    if not finer:
        raise ValueError(
            f"the graph has no map of stride {wanted} or finer, only {', '.join(map(str, there))}: start finer"
        )
    return there[max(finer)], wanted // max(finer)


class LayerGraphClassifier(nn.Module):
    """A graph of `layers` whose last map is averaged and scored: (B, 3, H, W) in, (B, classes) out.

    With `hidden`, a layer of so many numbers and ReLU stands between, as in AutoKeras's plain network.
    """

    def __init__(self, layers: Mapping[str, str], classes: int, hidden: int | None = None):
        super().__init__()
        deepest = max(taps(read(layers)))
        self.backbone = LayerGraphNet(layers, [str(deepest)])
        width = channels(self.backbone.graph)[self.backbone.outputs[0][0]]
        self.classifier = nn.Sequential(nn.Linear(hidden or width, classes))
        if hidden:
            self.classifier = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), *self.classifier)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.backbone(x)[0].mean((2, 3)))
