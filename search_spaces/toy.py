"""A space of small plain convolutional networks, with which a strategy can be tried in milliseconds."""

from __future__ import annotations

from typing import Any

from search_spaces.architecture import Architecture
from search_spaces.registry import SPACES
from search_spaces.space import SearchSpace


@SPACES.register_module()
class ToySpace(SearchSpace):
    """`layers` convolutions, each with a width, a kernel size and an activation."""

    def __init__(self, layers: int = 4):
        self.decisions = {
            f"layer{index}.{name}": options
            for index in range(layers)
            for name, options in (("width", (4, 8, 12, 16)), ("kernel", (1, 3, 5)), ("act", ("none", "relu", "tanh")))
        }

    def model(self, arch: Architecture) -> dict[str, Any]:
        layers: dict[str, dict[str, Any]] = {}
        for decision, choice in arch.choices:
            layer, name = decision.split(".")
            layers.setdefault(layer, {})[name] = choice
        return {"layers": list(layers.values())}
