"""The backbone of `DeepNEAT` as a module of MMDetection and MMSegmentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from core import did_you_mean
from search_spaces.deepneat.space import STRIDES, Layer, strides
from search_spaces.ops import conv

TAPS = tuple(f"{stride}{plus}" for stride in STRIDES for plus in ("", "+"))


def layer_of(inputs: int, layer: Layer) -> nn.Sequential:
    """A convolution whose weights begin `init` times as large as torch draws them, a batch norm, a ReLU and dropout."""
    made = conv(inputs, layer["filters"], layer["kernel"])
    with torch.no_grad():
        made.weight *= layer["init"]
    return nn.Sequential(made, nn.BatchNorm2d(layer["filters"]), nn.ReLU(inplace=True), nn.Dropout(layer["dropout"]))


def stem_of(channels: int) -> nn.Sequential:
    """A quarter of the image's size."""
    modules: list[nn.Module] = []
    for inputs, outputs in ((3, channels), (channels, channels)):
        modules += [conv(inputs, outputs, 3, stride=2), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*modules)


class DeepNEATBackbone(BaseModule):
    """A stem and `layers`, each of which reads the places `inputs`: 0 is the stem, k the k-th layer. `outputs` are those that
    the graph puts out.

    It gives a map (B, channels, H / stride, W / stride) for each of `taps`, "4", "8", "16" and "32"; one with a plus is the
    same, as no layer widens a map before the next stride. A tap joins, side by side, the maps of its stride that no layer
    reads at this stride; that of "32" joins all that the graph puts out as well, pooled to its size. Where a stride has none,
    its tap is that of the stride before, pooled. Layers of larger strides than all taps' are not built. Raises ValueError for
    another tap.
    """

    def __init__(self, stem: int, layers: Sequence[Layer], outputs: Sequence[int], taps: Sequence[str] = TAPS[::2]):
        super().__init__()
        for tap in taps:
            if tap not in TAPS:
                raise ValueError(did_you_mean("tap", tap, TAPS))
        self.taps, self.sources = tuple(taps), [list(layer["inputs"]) for layer in layers]
        self.strides = strides(layers)
        self.joined = joined(layers, outputs)
        widths = [stem, *(layer["filters"] for layer in layers)]
        self.stem = stem_of(stem)
        self.coarsest = max(int(tap.rstrip("+")) for tap in taps)
        self.layers = nn.ModuleDict(
            {
                str(k): layer_of(sum(widths[source] for source in layer["inputs"]), layer)
                for k, layer in enumerate(layers)
                if self.strides[k + 1] <= self.coarsest
            }
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        maps = {0: self.stem(x)}
        for name, layer in self.layers.items():
            place = 1 + int(name)
            maps[place] = layer(self._side_by_side(maps, self.sources[place - 1], self.strides[place]))
        found: dict[str, Tensor] = {}
        for stride, places in zip(STRIDES, self.joined, strict=True):
            if stride <= self.coarsest:
                x = self._side_by_side(maps, places, stride) if places else pooled(x, 2)
                found[str(stride)] = x
        return tuple(found[tap.rstrip("+")] for tap in self.taps)

    def _side_by_side(self, maps: Mapping[int, Tensor], places: Sequence[int], stride: int) -> Tensor:
        one, *others = [pooled(maps[place], stride // self.strides[place]) for place in places]
        return torch.cat([one, *others], 1) if others else one


def pooled(x: Tensor, factor: int) -> Tensor:
    """Each `factor` x `factor` positions as their maximum, those at the border as well."""
    return F.max_pool2d(x, factor, ceil_mode=True) if factor > 1 else x


def joined(layers: Sequence[Layer], outputs: Sequence[int]) -> list[list[int]]:
    """The places that the tap of every stride joins."""
    places = strides(layers)
    read = {(source, stride) for layer, stride in zip(layers, places[1:], strict=True) for source in layer["inputs"]}
    ends = [[k for k, own in enumerate(places) if own == stride and (k, stride) not in read] for stride in STRIDES]
    ends[-1] = sorted({*ends[-1], *outputs})
    return ends
