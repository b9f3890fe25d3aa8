"""Several networks of one search, each to be trained on the target: does the search rank them as the target does?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from core import build
from strategies.registry import STRATEGIES
from strategies.strategy import Plan, Strategy, Study, best
from strategies.trial import Answer, Trial

T = TypeVar("T")


class Shortlist(Strategy):
    """Searches as `strategy` (a config) does, and answers with `count` different networks of its trials, the best first.

    They are taken from the trials that went through most stages, ranked by reward: the "best" ones, or ones "spread" evenly
    over the ranking, the best and the worst among them. Where there are fewer, it answers with all. As the final stage trains
    every answer, `tools/compare_rewards.py` can compare the search's reward with what comes of them (NAS-FCOS, Wang et al.,
    CVPR 2020, figure 6).
    """

    def __init__(self, strategy: Mapping[str, Any], count: int = 10, pick: Literal["best", "spread"] = "best"):
        if count < 1:
            raise ValueError(f"count must be at least 1, not {count}")
        self.inner: Strategy = build(STRATEGIES, strategy)
        self.count, self.pick, self.goes_back = count, pick, self.inner.goes_back

    def prepare(self, study: Study) -> Plan:
        plan = self.inner.prepare(study)
        if plan.trials is not None and plan.trials < self.count:
            name = type(self.inner).__name__
            raise ValueError(
                f"{name} makes {plan.trials} trials, of which no {self.count} can be answered: lower count"
            )
        return plan

    def search(self, study: Study) -> list[Answer]:
        self.inner.search(study)
        trials = ranking(study.trials)
        if self.pick == "spread":
            trials = spread(trials, self.count)
        return [Answer.of(trial) for trial in trials[: self.count]]


def ranking(trials: Sequence[Trial]) -> list[Trial]:
    """The trials that went through most stages, the best first, each network once: with its best one."""
    depth = best(trials).depth
    deepest = [trial for trial in trials if trial.reward is not None and trial.depth == depth]
    distinct: dict[str, Trial] = {}
    for trial in sorted(deepest, key=lambda trial: (-trial.score, trial.id)):
        distinct.setdefault(trial.arch.key, trial)
    return list(distinct.values())


def spread(trials: Sequence[T], count: int) -> list[T]:
    """`count` of them, or all there are, at even distances from the first to the last."""
    steps = max(1, min(count, len(trials)) - 1)
    return [trials[round(step * (len(trials) - 1) / steps)] for step in range(min(count, len(trials)))]
