"""What a protocol says of a trial's figures: reward, objectives, and whether it goes on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from random import Random

from benchmarks.benchmark import Benchmark
from search_spaces import Architecture

Metrics = Mapping[str, float]


class Judge:
    """Reward, objectives and gate of a study. `draw` gives the randomness of a purpose and trial. A network that was refused
    before its first stage stays refused."""

    def __init__(self, benchmark: Benchmark, draw: Callable[[str, int], Random]):
        self.benchmark, self.draw, self.gate = benchmark, draw, benchmark.gate()
        self.refused: dict[Architecture, str] = {}

    def score(self, measures: Metrics, metrics: Metrics) -> tuple[float, tuple[float, ...] | None]:
        """Reward and objectives. Raises ValueError where they cannot be computed."""
        seen, benchmark = {**measures, **metrics} if measures else metrics, self.benchmark
        try:
            reward = float(benchmark.reward(seen))
            objectives = benchmark.objectives(seen) if benchmark.objectives else None
        except (ArithmeticError, TypeError, KeyError) as error:
            raise ValueError(f"the reward cannot be computed ({type(error).__name__}: {error})") from None
        if not math.isfinite(reward) or not all(map(math.isfinite, objectives or ())):
            raise ValueError(f"the reward {reward} or an objective of {objectives} is not finite")
        return reward, objectives

    def refuse(self, number: int, arch: Architecture, measures: Metrics) -> str | None:
        """Why a network is not even begun; None: it is."""
        if arch not in self.refused and self.gate and self.gate.before:
            reason = self.gate.stop(None, measures, None, self.draw("gate/", number))
            if reason is None:
                return None
            self.refused[arch] = reason
        return self.refused.get(arch)

    def stop(self, number: int, stage: str, measures: Metrics, metrics: Metrics, reward: float) -> bool:
        """Is a trial held back after this stage?"""
        if self.gate is None:
            return False
        seen = {**measures, **metrics}
        return self.gate.stop(stage, seen, reward, self.draw(f"gate/{stage}", number)) is not None
