"""XOR with the networks of NEAT: weights on edges, biases of hidden nodes, and an input that is always 1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Any

from search_spaces.architecture import Choices
from search_spaces.genomes.genes import Gene
from search_spaces.genomes.space import GraphSpace

TRUTH = [((a, b), float(a != b)) for a in (0.0, 1.0) for b in (0.0, 1.0)]


@dataclass(frozen=True)
class Weight:
    """A number without bounds that matter; its steps are half of what it is drawn from, one in ten is drawn anew."""

    def holds(self, value: Any) -> bool:
        return type(value) is float and abs(value) <= 30

    def draw(self, rng: Random) -> float:
        return rng.gauss(0, 1)

    def moved(self, value: Any, rng: Random) -> float:
        return self.draw(rng) if rng.random() < 0.1 else max(-30.0, min(30.0, value + rng.gauss(0, 0.5)))

    def difference(self, a: Any, b: Any) -> float:
        return abs(a - b)


class XORNetworks(GraphSpace):
    """The smallest has no hidden node, and cannot tell XOR."""

    def __init__(self) -> None:
        super().__init__({"bias": Weight()}, {"weight": Weight()}, inputs=3, chain=0)

    def halves(self, edge: Gene, rng: Random) -> tuple[Gene, Gene]:
        """As in NEAT, the network computes nearly the same as before."""
        return {"weight": 1.0}, {"weight": edge["weight"]}


SPACE = XORNetworks()


def fitness(choices: Choices) -> float:
    """At most 4, less the squared errors on all inputs."""
    nodes, outputs = SPACE.layers(choices)
    return 4 - sum((truth - answer(nodes, outputs, inputs)) ** 2 for inputs, truth in TRUTH)


def answer(nodes: list[dict[str, Any]], outputs: list[dict[str, Any]], inputs: tuple[float, float]) -> float:
    values = [*inputs, 1.0]
    for node in (*nodes, *outputs):
        total = sum(values[place] * edge["weight"] for place, edge in zip(node["inputs"], node["edges"], strict=True))
        values.append(1 / (1 + math.exp(-max(-60.0, min(60.0, 5 * (total + node.get("bias", 0.0)))))))
    return values[-1]
