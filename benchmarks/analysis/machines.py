"""Do networks differ by more than machines do? The same trainings elsewhere: on other processors, or with other threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.analysis.audit import judged, reward
from benchmarks.analysis.ranking import LEAST, Array, Estimate, estimated, kendall
from benchmarks.analysis.scoring import Part, Place, Score
from benchmarks.run import Run

LIMIT = 1 / 3  # of the spread between networks, that a machine may move a score


@dataclass(frozen=True)
class Moved:
    """How far scores of a `part` are from those of the same trainings elsewhere: rewards ("search"), primary metrics ("final").

    `share` is the root mean square of what a network moves over the `spread` between networks, the standard deviation of their
    scores here; `tau` is Kendall's tau-b between the machines.
    """

    part: Part
    networks: int
    spread: float
    share: Estimate
    tau: Estimate


def moved(one: Run, here: Sequence[Score], elsewhere: Mapping[Place, Score]) -> list[Moved]:
    """For each part what `LEAST` networks or more have on both machines, with their first seeds."""
    found = []
    for part in ("search", "final"):
        both = [
            (score, elsewhere[score.place])
            for score in here
            if score.part == part and score.seed == 0 and score.place in elsewhere
        ]
        pairs = [(value(one, a), value(one, b)) for a, b in both if judged(one, a) and judged(one, b)]
        if len(pairs) >= LEAST:
            own, other = np.array(pairs).T
            count = len(pairs)
            share, tau = (estimated(partial(of, own, other), count) for of in (shift, kendall))
            found.append(Moved(part, count, float(own.std(ddof=1)), share, tau))
    return found


def value(one: Run, score: Score) -> float:
    return reward(one, score) if score.part == "search" else score.stages[-1][one.task.primary]


def shift(own: Array, other: Array, draws: Array) -> Array:
    """The root mean square of the differences over the standard deviation of `own`, for each row of `draws` (R, N)."""
    return np.sqrt(((own - other)[draws] ** 2).mean(1)) / own[draws].std(1, ddof=1)
