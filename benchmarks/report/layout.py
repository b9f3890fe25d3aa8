"""Where the nodes of a graph stand: layers from left to right (Sugiyama et al., IEEE Trans. SMC 1981)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

SWEEPS = 6
APART, PASSING = 40.0, 14.0  # vertical pixels between the middles of two boxes, and those that a passing edge keeps
BETWEEN = 44.0  # pixels between two columns of boxes
Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """The middle of each node, the points of each edge, width and height, in pixels."""

    places: dict[str, Point]
    edges: dict[tuple[str, str], list[Point]]
    size: Point


def layout(widths: Mapping[str, float], edges: Sequence[tuple[str, str]]) -> Layout:
    """Of nodes of these widths, sources before targets; edges over several layers are bent around the boxes between."""
    ranks: dict[str, int] = {}
    for name in widths:
        ranks[name] = max((ranks[source] + 1 for source, target in edges if target == name), default=0)
    paths = {edge: [edge[0], *_bends(edge, ranks), edge[1]] for edge in edges}
    columns: list[list[str]] = [[] for _ in range(max(ranks.values()) + 1)]
    for name in widths:
        columns[ranks[name]].append(name)
    for path in paths.values():
        for place, bend in enumerate(path[1:-1], ranks[path[0]] + 1):
            columns[place].append(bend)
    ys = _heights(columns, [pair for path in paths.values() for pair in pairwise(path)], widths)
    xs, left = [], 0.0
    for column in columns:
        wide = max((widths[name] for name in column if name in widths), default=0.0)
        xs.append(left + wide / 2)
        left += wide + BETWEEN
    half = {place: max((widths.get(name, 0) for name in column), default=0) / 2 for place, column in enumerate(columns)}
    lines = {edge: _line(path, ranks, xs, ys, widths, half) for edge, path in paths.items()}
    places = {name: (xs[ranks[name]], ys[name]) for name in widths}
    return Layout(places, lines, (left - BETWEEN, max(ys.values()) + APART / 2))


def _bends(edge: tuple[str, str], ranks: Mapping[str, int]) -> list[str]:
    """A stand-in for an edge in every layer that it passes."""
    return [f"{edge[0]}\n{edge[1]}\n{rank}" for rank in range(ranks[edge[0]] + 1, ranks[edge[1]])]


def _heights(
    columns: list[list[str]], links: Sequence[tuple[str, str]], widths: Mapping[str, float]
) -> dict[str, float]:
    """Columns are put in the order of what their members read or feed, then each is moved towards that."""
    around: dict[str, tuple[list[str], list[str]]] = {name: ([], []) for column in columns for name in column}
    for source, target in links:
        around[target][0].append(source)
        around[source][1].append(target)
    ys = {name: place * APART for column in columns for place, name in enumerate(column)}
    for sweep in range(SWEEPS):
        side = sweep % 2  # 0: by what they read, from the left; 1: by what they feed, from the right
        for column in columns if side == 0 else columns[::-1]:
            wanted = {n: fmean(ys[other] for other in around[n][side]) if around[n][side] else ys[n] for n in column}
            column.sort(key=lambda name: wanted[name])
            _spread(column, wanted, ys, widths)
    top = min(ys.values()) - APART / 2
    return {name: y - top for name, y in ys.items()}


def _spread(
    column: Sequence[str], wanted: Mapping[str, float], ys: dict[str, float], widths: Mapping[str, float]
) -> None:
    """As near to where they want to be as their distance allows."""
    for above, name in zip([None, *column], column, strict=False):
        least = wanted[name]
        if above is not None:
            least = ys[above] + (APART if above in widths or name in widths else PASSING)
        ys[name] = max(wanted[name], least)
    shift = fmean(wanted[name] - ys[name] for name in column) if column else 0
    for name in column:
        ys[name] += shift


def _line(
    path: Sequence[str],
    ranks: Mapping[str, int],
    xs: Sequence[float],
    ys: Mapping[str, float],
    widths: Mapping[str, float],
    half: Mapping[int, float],
) -> list[Point]:
    """From the right of the first node to the left of the last, straight across the layers between."""
    first, last = path[0], path[-1]
    points = [(xs[ranks[first]] + widths[first] / 2, ys[first])]
    for rank, bend in enumerate(path[1:-1], ranks[first] + 1):
        points += [(xs[rank] - half[rank], ys[bend]), (xs[rank] + half[rank], ys[bend])]
    return [*points, (xs[ranks[last]] - widths[last] / 2, ys[last])]
