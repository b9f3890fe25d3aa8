"""Rewards and objectives: functions of a trial's metrics and costs, named in a protocol. More is better."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from core import Registry

REWARDS = Registry(
    "reward",
    {
        "Metric": "tasks.rewards",
        "GeometricMean": "tasks.rewards",
        "NegativeSum": "tasks.rewards",
        "MnasNet": "tasks.rewards",
    },
)
COSTS = ("params", "madds", "latency_ms")
"""What the deployed network costs: may be named wherever a metric may, and is known before anything is trained."""


class Reward(Protocol):
    """What a protocol maximises. `names` are the metrics and costs that it reads."""

    names: tuple[str, ...]

    def __call__(self, metrics: Mapping[str, float]) -> float:
        """Raises ValueError where it cannot be computed."""
        ...


class Metric:
    """One metric as it is, or its negative where less is better."""

    def __init__(self, name: str, sign: float = 1.0):
        self.names, self.sign = (name,), sign

    def __call__(self, metrics: Mapping[str, float]) -> float:
        return self.sign * _value(metrics, self.names[0])


class GeometricMean:
    """The geometric mean of several metrics (Nekrasov et al., CVPR 2019, section 4.1: mIoU, fwIoU and mAcc)."""

    def __init__(self, names: Sequence[str]):
        self.names = _distinct(names)

    def __call__(self, metrics: Mapping[str, float]) -> float:
        return math.prod(_positive(metrics, name) for name in self.names) ** (1 / len(self.names))


class NegativeSum:
    """Minus the sum of several metrics (NAS-FCOS, Wang et al., CVPR 2020: the losses on data that trains no weights)."""

    def __init__(self, names: Sequence[str]):
        self.names = _distinct(names)

    def __call__(self, metrics: Mapping[str, float]) -> float:
        return -sum(_value(metrics, name) for name in self.names)


class MnasNet:
    """`metric` x (`cost` / `target`)^w (Tan et al., CVPR 2019, equations 2 and 3).

    w is `alpha` up to the target and `beta` beyond it. The target is soft with -0.07 for both (twice the cost is worth 5 % of
    the metric, anywhere), and hard with `alpha` 0 and `beta` -1.
    """

    def __init__(self, metric: str, cost: str, target: float, alpha: float = -0.07, beta: float = -0.07):
        if not target > 0:
            raise ValueError(f"target must be positive, not {target}")
        self.names = _distinct((metric, cost))
        self.target, self.alpha, self.beta = target, alpha, beta

    def __call__(self, metrics: Mapping[str, float]) -> float:
        metric, cost = (_positive(metrics, name) for name in self.names)
        if cost == 0:
            raise ValueError(f"the reward divides by {self.names[1]}, which is 0: reward a cost that every network has")
        return metric * (cost / self.target) ** (self.alpha if cost <= self.target else self.beta)


class Objectives:
    """Several metrics and costs at once, each to be made as large ("max") or as small ("min") as its goal says."""

    def __init__(self, names: Sequence[str], goals: Sequence[Literal["max", "min"]]):
        self.names = _distinct(names)
        if len(goals) != len(names) or not set(goals) <= {"max", "min"}:
            raise ValueError(f"goals must be 'max' or 'min' for each of {', '.join(names)}, not {list(goals)}")
        self.signs = tuple(1.0 if goal == "max" else -1.0 for goal in goals)

    def __call__(self, metrics: Mapping[str, float]) -> tuple[float, ...]:
        """Their values, to be maximised. Raises ValueError where one is missing."""
        return tuple(sign * _value(metrics, name) for name, sign in zip(self.names, self.signs, strict=True))


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    if not names or len(set(names)) < len(names):
        raise ValueError(f"names must be at least one, and each once, not {list(names)}")
    return tuple(names)


def _value(metrics: Mapping[str, float], name: str) -> float:
    if name not in metrics:
        raise ValueError(f"the reward reads {name}, which was not measured: there are {', '.join(metrics) or 'none'}")
    return metrics[name]


def _positive(metrics: Mapping[str, float], name: str) -> float:
    """A factor of a product; COCO's AP is -1 where there is no object to be found."""
    value = _value(metrics, name)
    if value < 0:
        raise ValueError(f"the reward is a product, and {name} is {value}: it must not be negative")
    return value
