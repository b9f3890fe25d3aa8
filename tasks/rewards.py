"""Rewards: functions of a trial's metrics, named in a benchmark. Larger is better."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from mmengine.registry import Registry

REWARDS = Registry("reward", scope="densebench", locations=["tasks.rewards"])


class Reward(Protocol):
    """What a benchmark maximises. `names` are the metrics that it reads."""

    names: tuple[str, ...]

    def __call__(self, metrics: Mapping[str, float]) -> float: ...


@REWARDS.register_module()
class Metric:
    """One metric as it is, or its negative where smaller is better."""

    def __init__(self, name: str, sign: float = 1.0):
        self.names, self.sign = (name,), sign

    def __call__(self, metrics: Mapping[str, float]) -> float:
        return self.sign * metrics[self.names[0]]


@REWARDS.register_module()
class GeometricMean:
    """The geometric mean of several metrics (Nekrasov et al., CVPR 2019, section 4.1: mIoU, fwIoU and mAcc)."""

    def __init__(self, names: Sequence[str]):
        self.names = tuple(names)

    def __call__(self, metrics: Mapping[str, float]) -> float:
        return math.prod(metrics[name] for name in self.names) ** (1 / len(self.names))


@REWARDS.register_module()
class NegativeSum:
    """Minus the sum of several metrics (NAS-FCOS, Wang et al., CVPR 2020: the losses on data that trains no weights)."""

    def __init__(self, names: Sequence[str]):
        if not names:
            raise ValueError("names is empty: give the metrics to add up")
        self.names = tuple(names)

    def __call__(self, metrics: Mapping[str, float]) -> float:
        return -sum(metrics[name] for name in self.names)
