"""How far networks are from each other: what it takes to edit the layers of one into those of another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from search_spaces.graph import Graph

Skips = tuple[tuple[int, int], ...]
NUMBER = re.compile(r"\d+(?:\.\d+)?")


class Coded(NamedTuple):
    """A network: the numbers of its layers' labels in the order of its graph, and the places of edges that jump over some."""

    layers: tuple[int, ...]
    skips: Skips


class EditDistance:
    """The distance of AutoKeras (Jin et al., KDD 2019, section 4.1) but for skips, on graphs as every space draws them.

    A layer is the label of a node: its words say what it is, its numbers how large. To insert or delete one costs 1, to replace
    it 1 by another kind and, by the same, the mean of |a - b| / max(a, b) over its numbers. To this come, `skips` times, edges
    that do not lead to the next layer: |a - b| in number, and in the best assignment of the others (Hungarian algorithm) how
    far their ends lie from each other, as a share of their places. Each is a metric. AutoKeras compares
    where skips start and how long they are, and in its code two of different kinds (a sum, a concatenation) are 1 apart; here
    it is where they start and end, whatever their kind.
    """

    def __init__(self, skips: float = 1.0):
        self.weight = skips
        self.labels: dict[str, int] = {}
        self.names: list[str] = []

    def code(self, graph: Graph) -> Coded:
        places = {name: place for place, name in enumerate(graph.nodes, start=1)}
        layers = tuple(self._number(node.label) for node in graph.nodes.values())
        jumps = ((places[source], places[target]) for source, target in graph.edges)
        return Coded(layers, tuple((source, target) for source, target in jumps if target - source > 1))

    def __call__(self, ones: Sequence[Coded], others: Sequence[Coded]) -> ndarray:
        """The distance of each of `ones`, in rows, from each of `others`."""
        (rows, mine), (columns, theirs) = (self._own([one.layers for one in side]) for side in (ones, others))
        found = edits(rows, columns, replacements(mine, theirs))
        if self.weight:
            apart = [[skip_distance(one.skips, other.skips) for other in others] for one in ones]
            found = found + self.weight * np.array(apart, np.float32)
        return found

    def _number(self, label: str) -> int:
        if label not in self.labels:
            self.labels[label] = len(self.names)
            self.names.append(label)
        return self.labels[label]

    def _own(self, sequences: Sequence[Sequence[int]]) -> tuple[list[list[int]], list[str]]:
        """Sequences by numbers of their own labels, and these: all that were ever seen would be a matrix without end."""
        places: dict[int, int] = {}
        rows = [[places.setdefault(label, len(places)) for label in one] for one in sequences]
        return rows, [self.names[label] for label in places]


def edits(ones: Sequence[Sequence[int]], others: Sequence[Sequence[int]], costs: ndarray) -> ndarray:
    """The edit distances of each sequence from each other one, all at once; `costs[a, b]` is that of a replacement."""
    rows, columns = _padded(ones), _padded(others)
    ends = np.array([len(one) for one in others])
    places = np.arange(columns.shape[1] + 1, dtype=np.float32)
    table = np.broadcast_to(places, (len(ones), len(others), len(places)))
    found = np.zeros((len(ones), len(others)), np.float32)
    for length in range(rows.shape[1] + 1):
        if length:
            replaced = table[:, :, :-1] + costs[rows[:, length - 1, None, None], columns[None]]
            table = table + 1
            np.minimum(table[:, :, 1:], replaced, out=table[:, :, 1:])
            table = np.minimum.accumulate(table - places, axis=2) + places  # insertions, however many in a row
        done = [place for place, one in enumerate(ones) if len(one) == length]
        found[done] = table[done][:, np.arange(len(others)), ends]
    return found


@lru_cache(maxsize=2**16)
def skip_distance(ones: Skips, others: Skips) -> float:
    if not ones or not others:
        return float(len(ones) + len(others))
    from scipy.optimize import linear_sum_assignment

    a, b = np.array(ones)[:, None], np.array(others)[None]
    apart = np.abs(a - b).sum(2) / np.maximum(a, b).sum(2)
    return float(apart[linear_sum_assignment(apart)].sum() + abs(len(ones) - len(others)))


@lru_cache(maxsize=2**16)
def words_and_numbers(label: str) -> tuple[str, tuple[float, ...]]:
    return NUMBER.sub("#", label), tuple(map(float, NUMBER.findall(label)))


def replacements(ones: Sequence[str], others: Sequence[str]) -> ndarray:
    """What it costs to replace each of these labels, in rows, by each of the others."""
    (kinds, numbers), (other_kinds, other_numbers) = (
        zip(*map(words_and_numbers, side), strict=True) if side else ((), ()) for side in (ones, others)
    )
    code = {kind: place for place, kind in enumerate(dict.fromkeys((*kinds, *other_kinds)))}
    same = np.array([code[kind] for kind in kinds])[:, None] == np.array([code[kind] for kind in other_kinds])
    apart = np.zeros(same.shape)
    for a, b in zip(*_columns(numbers, other_numbers), strict=True):
        larger = np.maximum(a[:, None], b)
        apart += np.abs(a[:, None] - b) / np.where(larger, larger, 1.0)
    counts = np.array([max(1, len(one)) for one in numbers])
    return np.where(same, apart / counts[:, None], 1.0).astype(np.float32)


def _columns(*sides: Sequence[Sequence[float]]) -> list[ndarray]:
    """The first, second, ... numbers of each, as many as any has: 0 where one has less."""
    width = max((len(one) for side in sides for one in side), default=0)
    return [np.array([[*one, *[0.0] * (width - len(one))] for one in side]).reshape(-1, width).T for side in sides]


def _padded(sequences: Sequence[Sequence[int]]) -> ndarray:
    made = np.zeros((len(sequences), max(map(len, sequences))), np.int64)
    for row, sequence in zip(made, sequences, strict=True):
        row[: len(sequence)] = sequence
    return made
