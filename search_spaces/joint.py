"""Several spaces as one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from search_spaces.architecture import Choice, Choices
from search_spaces.graph import Graph
from search_spaces.space import FiniteSpace


class Joint(FiniteSpace):
    """The decisions of all `spaces`, whose names must not clash, and the union of the parts that they decide."""

    def __init__(self, *spaces: FiniteSpace):
        self.spaces, self.version = spaces, sum(space.version for space in spaces)
        decisions: dict[str, tuple[Choice, ...]] = {}
        for space in spaces:
            for name in space.decisions.keys() & decisions.keys():
                raise ValueError(f"two of the joined spaces have a decision {name!r}: rename one")
            decisions.update(space.decisions)
        self.decisions = decisions

    def active(self, choices: Choices) -> Collection[str]:
        return {name for space in self.spaces for name in space.active(_share(space, choices))}

    def canonical(self, choices: Choices) -> Choices:
        return {
            name: choice for space in self.spaces for name, choice in space.canonical(_share(space, choices)).items()
        }

    def flaw(self, choices: Choices) -> str | None:
        return next((flaw for space in self.spaces if (flaw := space.flaw(_share(space, choices)))), None)

    def parts(self, choices: Choices) -> dict[str, Any]:
        return {slot: part for space in self.spaces for slot, part in space.parts(_share(space, choices)).items()}

    def supernet(self) -> dict[str, Any]:
        return {slot: part for space in self.spaces for slot, part in space.supernet().items()}

    def wiring(self, choices: Choices) -> Graph:
        graphs = [space.wiring(_share(space, choices)) for space in self.spaces]
        nodes = {name: node for graph in graphs for name, node in graph.nodes.items()}
        return Graph(nodes, [edge for graph in graphs for edge in graph.edges])


def _share(space: FiniteSpace, choices: Choices) -> dict[str, Choice]:
    return {name: choices[name] for name in space.decisions}
