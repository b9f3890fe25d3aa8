"""Best-so-far curves, and those of several seeds as one band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from benchmarks.records.record import Record
from strategies import Trial

Axis = Literal["images", "seconds", "trials"]
POINTS = 200  # of a band
QUARTILES = 5  # seeds, from which on a band holds the middle half of them; of fewer it holds all


def curve(trials: Sequence[Trial], axis: Axis = "images") -> tuple[list[float], list[float]]:
    """What was spent and the best reward of the trials that went deepest: where it rises, and at the end.

    `axis` is what is spent: images seen, seconds, or trials.
    """
    done = [trial.status == "done" for trial in trials]
    depth = max((trial.depth for trial, ok in zip(trials, done, strict=True) if ok), default=0)
    spent, best, xs, ys = 0.0, -math.inf, list[float](), list[float]()
    for trial, ok in zip(trials, done, strict=True):
        spent += 1 if axis == "trials" else sum(getattr(stage.cost, axis) for stage in trial.stages)
        if ok and trial.depth == depth and trial.score > best:
            best = trial.score
            xs.append(spent)
            ys.append(best)
    if xs and spent > xs[-1]:
        xs.append(spent)
        ys.append(best)
    return xs, ys


def band(group: Sequence[Record], axis: Axis) -> list[dict[str, Any]]:
    """Median, lower and upper edge of the best reward so far over a strategy's seeds, where one of them changes.

    It begins where every seed that has a reward at all has one; a seed that has ended, or waits to go on, stays at its best.
    At most 200 points, on an even grid where there are more changes.
    """
    curves = [tuple(map(np.asarray, curve(record.trials, axis))) for record in rising(group)]
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


def rising(group: Sequence[Record]) -> list[Record]:
    """The studies that have a curve: whose trials did not all fail."""
    return [record for record in group if any(trial.status == "done" for trial in record.trials)]


def meaning(count: int) -> str:
    """What a band of so many seeds holds."""
    return "1 seed" if count == 1 else f"{count} seeds: median and {'quartiles' if count >= QUARTILES else 'range'}"
