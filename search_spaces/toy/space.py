"""A space of small plain convolutional networks, with which a strategy can be tried in milliseconds."""

from __future__ import annotations

from typing import Any

from search_spaces.architecture import Choices
from search_spaces.graph import Graph, chain
from search_spaces.space import FiniteSpace

SETTINGS = {"width": (4, 8, 12, 16), "kernel": (1, 3, 5), "act": ("none", "relu", "tanh")}


class ToySpace(FiniteSpace):
    """`layers` convolutions, each with a width, a kernel size and an activation."""

    def __init__(self, layers: int = 4):
        if layers < 1:
            raise ValueError(f"layers must be at least 1, not {layers}")
        self.layers = layers
        self.decisions = {
            f"layer{index}.{name}": options for index in range(layers) for name, options in SETTINGS.items()
        }

    @property
    def width_decisions(self) -> list[str]:
        return [f"layer{index}.width" for index in range(self.layers)]

    def parts(self, choices: Choices) -> dict[str, Any]:
        return {"layers": [{name: choices[f"layer{k}.{name}"] for name in SETTINGS} for k in range(self.layers)]}

    def wiring(self, choices: Choices) -> Graph:
        layers = [[choices[f"layer{k}.{name}"] for name in SETTINGS] for k in range(self.layers)]
        labels = [f"{kernel}x{kernel}, {width} wide, {act}" for width, kernel, act in layers]
        return chain((f"layer{k}", label) for k, label in enumerate(labels))

    def supernet(self) -> dict[str, Any]:
        return {"layers": {"type": "densebench.ToySupernet", "layers": self.layers}}
