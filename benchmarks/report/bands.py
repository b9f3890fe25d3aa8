"""Best-so-far curves of several seeds as one band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.records.record import Record
from benchmarks.report.figures import Axis, curve

POINTS = 200  # of a band
QUARTILES = 5  # seeds, from which on a band holds the middle half of them; of fewer it holds all


def band(group: Sequence[Record], axis: Axis) -> list[dict[str, Any]]:
    """Median, lower and upper edge of the best reward so far over a strategy's seeds, where one of them changes.

    It begins where every seed has a reward; a seed that has ended stays at its best. At most 200 points, on an even grid where
    there are more changes.
    """
    curves = [curve(record.trials, axis) for record in group]
    curves = [(np.asarray(xs), np.asarray(ys)) for xs, ys in curves if xs]
    if not curves:
        return []
    start = max(xs[0] for xs, _ in curves)
    grid = np.unique(np.concatenate([xs for xs, _ in curves]))
    grid = grid[grid >= start]
    if len(grid) > POINTS:
        grid = np.linspace(start, grid[-1], POINTS)
    values = np.stack([ys[np.searchsorted(xs, grid, side="right") - 1] for xs, ys in curves])
    edges = (25, 50, 75) if len(curves) >= QUARTILES else (0, 50, 100)
    low, middle, high = np.percentile(values, edges, axis=0)
    rows = np.stack([grid, low, middle, high], axis=1)
    keep = np.ones(len(rows), dtype=bool)
    keep[1:-1] = (np.diff(rows[:, 1:], axis=0)[:-1] != 0).any(axis=1)
    return [dict(zip(("x", "low", "middle", "high"), row, strict=True)) for row in rows[keep].tolist()]


def meaning(count: int) -> str:
    """What a band of so many seeds holds."""
    return "1 seed" if count == 1 else f"{count} seeds: median and {'quartiles' if count >= QUARTILES else 'range'}"
