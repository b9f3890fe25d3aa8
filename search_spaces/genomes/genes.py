"""What a genome is written in: attributes of genes, and numbers that say which genes of two genomes are the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any, Protocol

from search_spaces.architecture import Choice, Choices, among

STEP = 0.15  # the standard deviation of a step through a range, as a share of it

Gene = dict[str, Choice]
Genes = dict[str, Gene]  # by their marks: "node12", "edge7"


class Attribute(Protocol):
    """What one attribute of a gene may be."""

    def holds(self, value: Any) -> bool:
        """Is this a legal value?"""
        ...

    def draw(self, rng: Random) -> Choice: ...

    def moved(self, value: Any, rng: Random) -> Choice:
        """Another value, near this one where values have an order."""
        ...

    def difference(self, a: Any, b: Any) -> float:
        """0 where they are equal, 1 where they are as far apart as can be."""
        ...


@dataclass(frozen=True)
class Options:
    """One of several values without an order."""

    options: tuple[Choice, ...]

    def holds(self, value: Any) -> bool:
        return among(value, self.options)

    def draw(self, rng: Random) -> Choice:
        return rng.choice(self.options)

    def moved(self, value: Any, rng: Random) -> Choice:
        return rng.choice([one for one in self.options if one != value] or self.options)

    def difference(self, a: Any, b: Any) -> float:
        return float(a != b)


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`: `whole`, or with a fraction; drawn evenly, or with `log` evenly in its logarithm."""

    low: float
    high: float
    whole: bool = False
    log: bool = False

    def holds(self, value: Any) -> bool:
        return type(value) is (int if self.whole else float) and self.low <= value <= self.high

    def draw(self, rng: Random) -> Choice:
        return self._value(rng.random())

    def moved(self, value: Any, rng: Random) -> Choice:
        if self.low == self.high:
            return value
        while (other := self._value(min(1.0, max(0.0, self._place(value) + rng.gauss(0, STEP))))) == value:
            pass
        return other

    def difference(self, a: Any, b: Any) -> float:
        return abs(self._place(a) - self._place(b))

    def _place(self, value: float) -> float:
        """Where in the range it is, from 0 to 1."""
        if self.low == self.high:
            return 0.0
        low, high, one = (math.log(x) if self.log else x for x in (self.low, self.high, value))
        return (one - low) / (high - low)

    def _value(self, place: float) -> Choice:
        low, high = (math.log(x) if self.log else x for x in (self.low, self.high))
        value = low + place * (high - low)
        value = float(f"{math.exp(value) if self.log else value:.4g}")  # as much as a reader of a record wants
        value = min(self.high, max(self.low, value))
        return round(value) if self.whole else float(value)


class Innovations:
    """A number for every new gene, the same wherever the same change is made (Stanley and Miikkulainen, 2002, section 3.2).

    Numbers rise in the order in which the changes are made first, from `first` on. Unlike in the paper, what was once made is
    the same for the whole search, not only within a generation.
    """

    def __init__(self, first: int):
        self.next = first
        self.known: dict[tuple[Any, ...], int] = {}

    def number(self, *change: Any) -> int:
        if change not in self.known:
            self.known[change] = self.next
            self.next += 1
        return self.known[change]


@dataclass(frozen=True)
class Rates:
    """How probable a change is in one mutation: a new node, a new edge, an edge switched on or off, and, for each attribute,
    another value."""

    node: float = 0.2
    edge: float = 0.3
    toggle: float = 0.05
    attribute: float = 0.2

    def __post_init__(self) -> None:
        if not all(0 <= rate <= 1 for rate in (self.node, self.edge, self.toggle, self.attribute)):
            raise ValueError(f"rates must be in [0, 1], not {self}")


def read(choices: Choices) -> Genes:
    """The genes that choices are the attributes of, by their marks: "node12.kernel" is the kernel of the gene "node12"."""
    genes: Genes = {}
    for name, choice in choices.items():
        mark, _, attribute = name.rpartition(".")
        genes.setdefault(mark, {})[attribute] = choice
    return genes


@lru_cache(maxsize=4096)
def genes_of(choices: tuple[tuple[str, Choice], ...]) -> Genes:
    """The same, for an architecture's choices; nobody may change them. A population compares its members again and again."""
    return read(dict(choices))


def write(genes: Mapping[str, Mapping[str, Choice]]) -> dict[str, Choice]:
    """The reverse."""
    return {f"{mark}.{name}": choice for mark, gene in genes.items() for name, choice in gene.items()}
