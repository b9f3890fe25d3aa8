"""The spaces that records are of, for whoever only reads them."""

from __future__ import annotations

from typing import Any

from benchmarks.records.record import Record
from search_spaces import SearchSpace
from search_spaces.architecture import Choices
from search_spaces.graph import Graph, listed


def space_of(record: Record) -> SearchSpace | None:
    """The space of a record's protocol; None where it is none of this project's, or cannot be built here."""
    try:
        return record.space()
    except (ValueError, OSError):  # settings of another version, or a table that is not here
        return None


def canonical(space: SearchSpace | None, choices: Choices) -> dict[str, Any]:
    """The canonical form of recorded choices; as they are where nobody knows their space, or they are not of it."""
    try:
        return dict(choices) if space is None else dict(space.architecture(choices).canonical)
    except ValueError:
        return dict(choices)


def graph(space: SearchSpace | None, choices: Choices) -> Graph:
    """A recorded network to be drawn; a list of its choices where nobody knows their space, or they are not of it."""
    try:
        return listed(choices) if space is None else space.graph(space.architecture(choices))
    except ValueError:
        return listed(choices)
