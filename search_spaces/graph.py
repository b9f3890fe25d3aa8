"""A network as something to draw: named nodes and the edges between them, plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from search_spaces.architecture import Choices

Kind = Literal["map", "op", "join"]  # what goes in or comes out; what was chosen; what brings several together


class Node(NamedTuple):
    """A box. Nodes of a group are drawn together, under its title; those of two networks are compared by their names."""

    name: str
    label: str
    kind: Kind
    group: str


@dataclass
class Graph:
    """Nodes by name, in the order in which data passes them, and edges (source, target)."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, label: str, group: str, sources: Iterable[str] = (), kind: Kind = "op") -> str:
        """A node that reads `sources`, which are there already; its name."""
        self.nodes[name] = Node(name, label, kind, group)
        self.edges.extend((source, name) for source in dict.fromkeys(sources))
        return name


def chain(labels: Iterable[tuple[str, str]], group: str = "network") -> Graph:
    """Nodes (name, label), each of which reads the one before."""
    graph, last = Graph(), tuple[str, ...]()
    for name, label in labels:
        last = (graph.add(name, label, group, last),)
    return graph


def listed(choices: Choices) -> Graph:
    """Where nobody knows what choices mean: a node a decision, those of a prefix together, and no edges."""
    graph = Graph()
    for name, choice in choices.items():
        prefix, _, last = name.rpartition(".")
        graph.add(name, f"{last}: {choice}", prefix or "decisions")
    return graph
