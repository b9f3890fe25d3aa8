"""The networks that a table has results of."""

from __future__ import annotations

from random import Random
from typing import Any

from core.table import table
from search_spaces.architecture import Architecture, Choices
from search_spaces.decoder_cells.space import DECISIONS, wiring
from search_spaces.graph import Graph, chain
from search_spaces.space import FiniteSpace


class TableSpace(FiniteSpace):
    """The space of a table: its decisions, and the networks that it holds. `table` is its name, or a folder.

    What builds the same network is one, with as many trainings as it has spellings.
    """

    def __init__(self, table: str):
        self.table = _open(table)
        self.decisions = self.table.decisions

    def flaw(self, choices: Choices) -> str | None:
        return None if self.table.row(choices) is not None else "the table has no results of it"

    def sample(self, rng: Random) -> Architecture:
        """One of the rows, drawn uniformly."""
        return self._answer(self.table.choices(rng.randrange(len(self.table))))

    def canonical(self, choices: Choices) -> Choices:
        row = self.table.row(choices)
        first = row if row is None else int(self.table.column("group")[row])
        return choices if first is None or first == row else self.table.choices(first)

    def parts(self, choices: Choices) -> dict[str, Any]:
        return {"network": {"row": self.table.row(choices), "table": self.table.fingerprint}}

    def wiring(self, choices: Choices) -> Graph:
        """Decoders as those of `DecoderCells`; edges between numbered nodes as in TransNAS-Bench-101; else layers in a row."""
        if choices.keys() == DECISIONS.keys():
            return wiring(choices)
        if not all(name.startswith("edge") for name in choices):
            return chain((name, f"{name}: {choice}") for name, choice in choices.items())
        graph = Graph()
        graph.add("node0", "input", "cell", kind="map")
        for end in sorted({name[-1] for name in choices}):
            edges = [name for name in choices if name[-1] == end and choices[name] != "none"]
            terms = [graph.add(name, str(choices[name]), "cell", [f"node{name[-2]}"]) for name in edges]
            graph.add(f"node{end}", f"sum {end}", "cell", terms, "join")
        return graph


_open = table
