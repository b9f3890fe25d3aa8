"""How deep, how wide and at which resolution: a network of inverted residuals and all that it can be scaled to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from search_spaces.architecture import Choice, Choices
from search_spaces.graph import Graph
from search_spaces.mbconv.space import EFFICIENTNET, EFFICIENTNET_B0, Genotype, MBConv, around, scaled
from search_spaces.space import FiniteSpace


class ScaledMBConv(FiniteSpace):
    """Depth, width and resolution of the network `genotype` (EfficientNet: Tan and Le, ICML 2019, equation 2).

    Each is a factor from 1 to `most`, in steps of `step`: of the layers in a stage, rounded up; of the channels, to multiples
    of 8; of the sides of the images, in whole pixels. `width` is that of the network at factor 1, `mbconv` other settings of
    `MBConv`. Without a genotype it is EfficientNet-B0, with its settings where `mbconv` has no others.
    """

    version = 2
    notation = "a dict of depth, width and resolution"

    def __init__(
        self,
        genotype: Genotype | None = None,
        most: float = 2.0,
        step: float = 0.05,
        width: float = 1.0,
        mbconv: Mapping[str, Any] | None = None,
    ):
        if not (most > 1 and 0 < step <= most - 1):
            raise ValueError(f"most must be above 1 and step from 0 to {most} - 1, not {most} and {step}")
        own, genotype = ({}, genotype) if genotype is not None else (EFFICIENTNET, EFFICIENTNET_B0)
        self.genotype, self.width = genotype, width
        self.mbconv = {**own, **(mbconv or {})}
        settings = self._network(1.0, 1.0)[0].settings
        self.strides, (*ends, last) = settings["strides"][1:], settings["ends"]
        factors = tuple(round(1 + step * k, 6) for k in range(math.floor((most - 1) / step + 1e-6) + 1))
        self.decisions = dict.fromkeys(("depth", "width", "resolution"), factors)
        self.rounded = {  # what factors make of layers and of channels, of which narrow networks keep all at the end
            "depth": {one: [math.ceil(one * len(stage)) for stage in genotype] for one in factors},
            "width": {
                one: [
                    *(scaled(full, one * width) for full in (*settings["channels"], *ends)),
                    scaled(last, max(one * width, 1.0)),
                ]
                for one in factors
            },
        }

    def parts(self, choices: Choices) -> dict[str, Any]:
        space, choices_of_it = self._network(float(choices["depth"]), float(choices["width"]))
        return {**space.parts(choices_of_it), "resolution": choices["resolution"]}

    def canonical(self, choices: Choices) -> Choices:
        """Factors that round to the same layers or channels are at the smallest of them."""
        return {**choices, "depth": self._least("depth", choices), "width": self._least("width", choices)}

    def wiring(self, choices: Choices) -> Graph:
        graph, depths, widths = Graph(), *(self.rounded[name][float(choices[name])] for name in ("depth", "width"))
        last = (graph.add("images", f"sides x {choices['resolution']}", "images", kind="map"),)
        stages = zip(self.genotype, depths, widths[: len(depths)], self.strides, strict=True)
        for stage, (operations, depth, width, stride) in enumerate(stages):
            for layer in range(depth):
                operation = operations[min(layer, len(operations) - 1)]
                group = f"stage {stage}, stride {stride}, {width} wide"
                last = (graph.add(f"stage{stage}.layer{layer}", operation, group, last),)
        return graph

    def _network(self, depth: float, width: float) -> tuple[MBConv, Choices]:
        space = around(self.genotype, width * self.width, depth, self.mbconv)
        return space, space.read(self.genotype).as_dict()

    def _least(self, name: str, choices: Choices) -> Choice:
        rounded = self.rounded[name]
        return next(one for one, made in rounded.items() if made == rounded[float(choices[name])])
