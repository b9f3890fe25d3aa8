"""The networks that a table has results of."""

from __future__ import annotations

from random import Random
from typing import Any

from core.table import table
from search_spaces.architecture import Architecture, Choices
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


_open = table
