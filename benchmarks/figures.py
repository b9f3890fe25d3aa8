"""Figures of the leaderboard."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from strategies import Trial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from benchmarks.leaderboard import Record


def best_so_far(records: Sequence[Record]) -> Figure:
    """Best reward of a search against the images it has seen: a panel a benchmark, a colour a strategy, a line a seed."""
    benchmarks = list(dict.fromkeys(record.benchmark for record in records))
    figure, panels = plt.subplots(1, len(benchmarks), figsize=(6 * len(benchmarks), 4), squeeze=False)
    for panel, benchmark in zip(panels[0], benchmarks, strict=True):
        shown = [record for record in records if record.benchmark == benchmark]
        colours = {name: f"C{place}" for place, name in enumerate(sorted({record.strategy for record in shown}))}
        labelled: set[str] = set()
        for record in shown:
            label = None if record.strategy in labelled else record.strategy
            labelled.add(record.strategy)
            panel.step(*curve(record.trials), where="post", color=colours[record.strategy], label=label, alpha=0.8)
        panel.set(title=benchmark, xlabel="images seen by the search", ylabel="best reward so far")
        panel.legend()
        panel.grid(alpha=0.3)
    figure.tight_layout()
    return figure


def curve(trials: Sequence[Trial]) -> tuple[list[int], list[float]]:
    """Images seen and best reward of the trials that went through every stage, after each trial from the first of them on."""
    images = accumulate(trial.cost.images for trial in trials)
    best = accumulate((trial.score if trial.status == "done" else float("-inf") for trial in trials), max)
    points = [(seen, reward) for seen, reward in zip(images, best, strict=True) if reward > float("-inf")]
    return [seen for seen, _ in points], [reward for _, reward in points]
