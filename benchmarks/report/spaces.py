"""The spaces that records are of, for whoever only reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.records import Record
from core import build
from search_spaces import SPACES, SearchSpace
from search_spaces.architecture import Choices
from search_spaces.graph import Graph, listed

OWN = {path for name, module in SPACES.members.items() for path in (name, f"densebench.{name}", f"{module}.{name}")}


def space_of(record: Record) -> SearchSpace | None:
    """The space of a record's protocol; None where it is none of this project's, whose code reading a record does not run."""
    config = record.config["benchmark"].get("space")
    if not set(_types(config)) <= OWN:
        return None
    try:
        return build(SPACES, config)
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


def _types(config: Any) -> Iterator[str]:
    """Every class that a config names."""
    if isinstance(config, Mapping):
        yield from (str(config["type"]) for _ in range("type" in config))
    for item in config.values() if isinstance(config, Mapping) else config if isinstance(config, list) else ():
        yield from _types(item)
