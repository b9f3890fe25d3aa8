"""What a protocol says of a trial's figures: reward, objectives, and whether it goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random

from benchmarks.benchmark import Benchmark
from tasks.rewards import computed

Metrics = Mapping[str, float]


def draw(seed: int, purpose: str, number: int) -> str:
    """What seeds the randomness of a study's trial, for one purpose."""
    return f'[{seed}, "{purpose}", {number}]'


class Judge:
    """Reward, objectives and gate of a study."""

    def __init__(self, benchmark: Benchmark, seed: int):
        self.benchmark, self.seed, self.gate = benchmark, seed, benchmark.gate()

    def score(self, measures: Metrics, metrics: Metrics) -> tuple[float, tuple[float, ...] | None]:
        """Reward and objectives. Raises ValueError where they cannot be computed."""
        seen, benchmark = {**measures, **metrics}, self.benchmark
        reward = computed(benchmark.reward, seen)
        objectives = benchmark.objectives(seen) if benchmark.objectives else None
        if not all(map(math.isfinite, objectives or ())):
            raise ValueError(f"an objective of {objectives} is not finite")
        return reward, objectives

    def refuse(self, number: int, measures: Metrics) -> str | None:
        """Why a network is not even begun; None: it is."""
        if self.gate is None or not self.gate.before:
            return None
        return self.gate.stop(None, measures, None, Random(draw(self.seed, "gate/", number)))

    def stop(self, number: int, stage: str, measures: Metrics, metrics: Metrics, reward: float) -> str | None:
        """Why a trial goes no further than this stage; None: it does."""
        if self.gate is None:
            return None
        rng = Random(draw(self.seed, f"gate/{stage}", number))
        return self.gate.stop(stage, {**measures, **metrics}, reward, rng)
