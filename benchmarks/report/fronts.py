"""What networks cost against how good they are: points, the Pareto front and hypervolumes."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from statistics import fmean
from typing import Any

import moocore
import numpy as np

from benchmarks.records.record import Record
from benchmarks.report.rows import figures_of, printed

MOST = 500  # trials that are drawn
BEYOND = 1.1  # the reference point, where 0 is the best and 1 the worst of all answers on either axis


def points(records: Sequence[Record], cost: str, metric: str, higher: bool) -> list[dict[str, Any]]:
    """All answers that have both; `front` says that none is better in one of them and as good in the other."""
    rows = [
        dict(strategy=record.strategy, seed=record.seed, cost=figures[cost], metric=figures[metric])
        for record in records
        if record.result
        for figures in map(figures_of, record.result["answers"])
        if figures.get(cost) is not None and metric in figures
    ]
    if rows:
        keep = moocore.is_nondominated(_losses(rows, higher), keep_weakly=True)
        for row, front in zip(rows, keep.tolist(), strict=True):
            row["front"] = front
    return rows


def of_trials(records: Sequence[Record], cost: str, metric: str) -> tuple[list[dict[str, Any]], int]:
    """Trials whose cost was measured and whose last stage scored the metric, at most 500 drawn by lot, and how many there are.

    Their score is that of the search, on other images and after less training.
    """
    found = [
        dict(
            strategy=record.strategy,
            seed=record.seed,
            cost=trial.measures[cost],
            metric=trial.stages[-1].metrics[metric],
        )
        for record in records
        for trial in record.trials
        if cost in trial.measures and trial.stages and metric in trial.stages[-1].metrics
    ]
    return (found if len(found) <= MOST else Random(0).sample(found, MOST)), len(found)


def hypervolumes(rows: Sequence[dict[str, Any]], higher: bool) -> tuple[dict[str, float], str]:
    """The share of the space before a reference point that each strategy's answers are better than, and where that point is.

    It is that of a seed's answers, the mean over seeds. Both axes run from the best (0) to the worst (1) of all answers; the
    point is 10 % beyond the worst on both.
    """
    losses = _losses(rows, higher)
    low, size = losses.min(axis=0), np.ptp(losses, axis=0)
    size[size == 0] = 1
    scaled = (losses - low) / size
    studies: dict[str, dict[int, list[Any]]] = {}
    for row, place in zip(rows, scaled, strict=True):
        studies.setdefault(row["strategy"], {}).setdefault(row["seed"], []).append(place)
    found = {
        name: fmean(moocore.hypervolume(np.array(one), ref=[BEYOND, BEYOND]) / BEYOND**2 for one in seeds.values())
        for name, seeds in studies.items()
    }
    cost, loss = low + BEYOND * size
    return found, f"({printed(cost)}, {printed(-loss if higher else loss)})"


def _losses(rows: Sequence[dict[str, Any]], higher: bool) -> np.ndarray:
    """Cost and metric of each, to be made small."""
    return np.array([[row["cost"], -row["metric"] if higher else row["metric"]] for row in rows], dtype=float)
