"""An open space: graphs that grow without bound, each new layer in the middle of a connection."""

from __future__ import annotations

from random import Random
from typing import Any

from core import Weights
from search_spaces import Architecture, SearchSpace
from search_spaces.architecture import Choices

SETTINGS = {"width": (4, 8, 12, 16), "kernel": (1, 3, 5), "act": ("none", "relu", "tanh")}


class GrowingGraphs(SearchSpace):
    """Layers, named in the order of their birth, and the `place` of each on the way from the input to the output.

    Two graphs with the same layers in the same places are one network, whichever layer was born first.
    """

    def sample(self, rng: Random) -> Architecture:
        """A single layer."""
        return self._answer(_born(0, 0, rng))

    def mutate(self, arch: Architecture, rng: Random) -> Architecture:
        """Another setting of a layer, or a new layer between two places."""
        choices, nodes = arch.as_dict(), _in_order(arch.as_dict())
        if rng.random() < 0.5:
            name, options = rng.choice([(f"{node}.{name}", SETTINGS[name]) for node in nodes for name in SETTINGS])
            return self._answer(
                {**choices, name: rng.choice([option for option in options if option != choices[name]])}
            )
        place = rng.randint(0, len(nodes))
        moved = {f"{node}.place": at + 1 for at, node in enumerate(nodes) if at >= place}
        return self._answer({**choices, **moved, **_born(len(nodes), place, rng)})

    def canonical(self, choices: Choices) -> Choices:
        names = {node: f"node{place}" for place, node in enumerate(_in_order(choices))}
        return {f"{names[name.split('.')[0]]}.{name.split('.')[1]}": choice for name, choice in choices.items()}

    def flaw(self, choices: Choices) -> str | None:
        nodes = _in_order(choices)
        options = {f"{node}.{name}": legal for node in nodes for name, legal in SETTINGS.items()}
        options |= {f"{node}.place": (place,) for place, node in enumerate(nodes)}
        if not nodes or options.keys() != choices.keys():
            return "a graph has at least one layer, and every layer a place, width, kernel and act"
        return next(
            (f"{name} cannot be {choices[name]}" for name in options if choices[name] not in options[name]), None
        )

    def parts(self, choices: Choices) -> dict[str, Any]:
        return {"layers": [{name: choices[f"{node}.{name}"] for name in SETTINGS} for node in _in_order(choices)]}

    def inherit(self, weights: Weights, fresh: Weights, parent: Architecture | None, child: Architecture) -> Weights:
        """A layer goes on as that of the same birth in the parent, wherever it stood; others are fresh."""
        before, after = (_in_order(arch.as_dict()) if arch else [] for arch in (parent, child))
        rows = [(weights, before.index(node)) if node in before else (fresh, k) for k, node in enumerate(after)]
        return {name: [source[name][row] for source, row in rows] for name in fresh}


def _born(number: int, place: int, rng: Random) -> dict[str, Any]:
    settings = {f"node{number}.{name}": rng.choice(options) for name, options in SETTINGS.items()}
    return {**settings, f"node{number}.place": place}


def _in_order(choices: Choices) -> list[str]:
    nodes = [name.removesuffix(".place") for name in choices if name.endswith(".place")]
    return sorted(nodes, key=lambda node: choices[f"{node}.place"])
