"""The network that won, beside that of random search: drawings, and where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.report.answers import Chosen
from benchmarks.report.drawing import Drawing, drawings
from benchmarks.report.spaces import canonical, graph, space_of


class Network(NamedTuple):
    """One to show: whose it is, its drawings, and its choices by prefix."""

    strategy: str
    seed: int
    drawings: list[Drawing]
    choices: dict[str, Any]


class Pair(NamedTuple):
    """The winner's network and another one, None where there is none; `differ`: decision, its choice and the other's."""

    winner: Network
    other: Network | None
    differ: list[tuple[str, str, str]]


def pair(winner: Chosen | None, other: Chosen | None) -> Pair | None:
    """Of two answers; None where nobody searched the winner's network. An answer that nobody searched has no choices."""
    if winner is None or winner.answer["arch"] is None:
        return None
    other = None if other is None or other.answer["arch"] is None else other
    shown = [one for one in (winner, other) if one is not None]
    space = space_of(winner.record)
    choices = [canonical(space, one.answer["arch"]) for one in shown]
    graphs = [graph(space, one.answer["arch"]) for one in shown]
    networks = [
        Network(
            one.record.strategy, one.record.seed, drawings(own, graphs[1 - place] if len(graphs) > 1 else None), made
        )
        for place, (one, own, made) in enumerate(zip(shown, graphs, choices, strict=True))
    ]
    return Pair(networks[0], networks[1] if len(networks) > 1 else None, _differ(choices))


def _differ(choices: Sequence[dict[str, Any]]) -> list[tuple[str, str, str]]:
    if len(choices) < 2:
        return []
    one, two = choices
    names = [name for name in dict.fromkeys([*one, *two]) if one.get(name) != two.get(name)]
    return [(name, str(one.get(name, "")), str(two.get(name, ""))) for name in names]
