"""Rewards and objectives: functions of a trial's metrics and costs, named in a protocol. More is better."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, SupportsFloat

from core import Registry
from core.parsing import in_a_line

REWARDS = Registry(
    "reward",
    {
        "Metric": "tasks.rewards",
        "GeometricMean": "tasks.rewards",
        "NegativeSum": "tasks.rewards",
        "MnasNet": "tasks.rewards",
        "Smallest": "tasks.rewards",
    },
    kind="tasks.rewards.Reward",
)
COSTS = ("params", "madds", "latency_ms")
"""What the deployed network costs, as leaderboards say it."""
MEASURED = (*COSTS, "predicted_ms")
"""What may be named wherever a metric may, and is known before anything is trained: costs, and a latency that is summed over
layers which are timed once (`tasks.latency`)."""


class Reward(ABC):
    """What a protocol maximises, of metrics and costs that it reads by `names`: at least one, and each once."""

    def __init__(self, names: Sequence[str]):
        if not names or len(set(names)) < len(names):
            raise ValueError(f"names must be at least one, and each once, not {list(names)}")
        self.names = tuple(names)

    @abstractmethod
    def __call__(self, metrics: Mapping[str, float]) -> Any:
        """A number, or several. Raises ValueError where it cannot be computed."""

    def read(self, metrics: Mapping[str, float]) -> list[float]:
        for name in self.names:
            if name not in metrics:
                there = ", ".join(metrics) or "none"
                raise ValueError(f"the reward reads {name}, which was not measured: there are {there}")
        return [metrics[name] for name in self.names]

    def factors(self, metrics: Mapping[str, float]) -> list[float]:
        """The same for a product; COCO's AP is -1 where there is no object to be found."""
        values = self.read(metrics)
        for name, value in zip(self.names, values, strict=True):
            if value < 0:
                raise ValueError(f"the reward is a product, and {name} is {value}: it must not be negative")
        return values


def computed(reward: Callable[[Mapping[str, float]], Any], metrics: Mapping[str, float]) -> float:
    """What a reward gives. Raises ValueError where that is no finite number, or cannot be computed."""
    try:
        given = reward(metrics)
        # Whether something is a SupportsFloat takes longer to see.
        if not isinstance(given, float | SupportsFloat) or not math.isfinite(given):
            raise ValueError(f"the reward {given} is no finite number")
        return float(given)
    except ValueError:
        raise
    except Exception as error:  # anybody's formula may stand behind it
        why = in_a_line(f"{type(error).__name__}: {error}")
        raise ValueError(f"the reward cannot be computed ({why})") from None


class Metric(Reward):
    """One metric as it is, or its negative where less is better."""

    def __init__(self, name: str, sign: float = 1.0):
        super().__init__([name])
        self.sign = sign

    def __call__(self, metrics: Mapping[str, float]) -> float:
        return self.sign * self.read(metrics)[0]


class GeometricMean(Reward):
    """The geometric mean of several metrics (Nekrasov et al., CVPR 2019, section 4.1: mIoU, fwIoU and mAcc)."""

    def __call__(self, metrics: Mapping[str, float]) -> float:
        return math.prod(self.factors(metrics)) ** (1 / len(self.names))


class NegativeSum(Reward):
    """Minus the sum of several metrics (NAS-FCOS, Wang et al., CVPR 2020: the losses on data that trains no weights)."""

    def __call__(self, metrics: Mapping[str, float]) -> float:
        return -sum(self.read(metrics))


class MnasNet(Reward):
    """`metric` x (`cost` / `target`)^w (Tan et al., CVPR 2019, equations 2 and 3).

    w is `alpha` up to the target and `beta` beyond it. The target is soft with -0.07 for both (twice the cost is worth 5 % of
    the metric, anywhere), and hard with `alpha` 0 and `beta` -1.
    """

    def __init__(self, metric: str, cost: str, target: float, alpha: float = -0.07, beta: float = -0.07):
        super().__init__([metric, cost])
        if not target > 0:
            raise ValueError(f"target must be positive, not {target}")
        self.target, self.alpha, self.beta = target, alpha, beta

    def __call__(self, metrics: Mapping[str, float]) -> float:
        metric, cost = self.factors(metrics)
        if cost == 0:
            raise ValueError(f"the reward divides by {self.names[1]}, which is 0: reward a cost that every network has")
        return metric * (cost / self.target) ** (self.alpha if cost <= self.target else self.beta)


class Smallest(Reward):
    """The smallest `cost` whose `metric` is at least `at_least`, say one point below that of the network one has.

    It is -log2(cost), so that half of the cost is worth 1, less what the metric lacks, in shares of the `margin`: to lack a
    whole margin is as bad as twice the cost.
    """

    def __init__(self, metric: str, cost: str, at_least: float, margin: float = 1.0):
        super().__init__([metric, cost])
        if not margin > 0:
            raise ValueError(f"margin must be positive, not {margin}")
        self.at_least, self.margin = at_least, margin

    def __call__(self, metrics: Mapping[str, float]) -> float:
        metric, cost = self.read(metrics)
        if not cost > 0:
            raise ValueError(f"the reward is a logarithm of {self.names[1]}, which is {cost}: reward a cost above 0")
        return -math.log2(cost) - max(0.0, self.at_least - metric) / self.margin


class Objectives(Reward):
    """Several metrics and costs at once, each to be made as large ("max") or as small ("min") as its goal says."""

    def __init__(self, names: Sequence[str], goals: Sequence[Literal["max", "min"]]):
        super().__init__(names)
        if len(goals) != len(names):
            raise ValueError(f"goals must be 'max' or 'min' for each of {', '.join(names)}, not {list(goals)}")
        self.signs = tuple(1.0 if goal == "max" else -1.0 for goal in goals)

    def __call__(self, metrics: Mapping[str, float]) -> tuple[float, ...]:
        """Their values, to be maximised."""
        return tuple(sign * value for sign, value in zip(self.signs, self.read(metrics), strict=True))
