"""Gates: may this trial go on to the next stage?"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from random import Random

from mmengine.registry import Registry

from strategies import Trial

GATES = Registry("gate", scope="densebench", locations=["benchmarks.gates"])


class Gate(ABC):
    """Decides between two stages. Its only memory is what it was shown, so that a replay restores it."""

    @abstractmethod
    def admit(self, stage: str, reward: float, rng: Random) -> bool:
        """May a trial with this reward after `stage` go on? Called once a trial and stage, in the order of the ledger."""


@GATES.register_module()
class RunningMean(Gate):
    """Goes on where the reward beats the running mean of its stage, or falls short of it by a tolerated share.

    As in Nekrasov et al. (CVPR 2019): the mean decays by `decay` and takes the new reward first; a reward below it still
    passes if it falls short by less than a share u of it, u uniform in [0, delta), where delta starts at `tolerance` and is
    multiplied by 0.9, 0.8, 0.7 and 0.6 after 100, 200, 300 and 400 trials. Unlike the published code, the mean is corrected
    for its start (there it begins at 0.01 and hardly stops anything for the first seventy trials) and every trial counts once.
    """

    FACTORS = ((100, 0.9), (200, 0.8), (300, 0.7), (400, 0.6))

    def __init__(self, decay: float = 0.99, tolerance: float = 0.9):
        self.decay, self.tolerance = decay, tolerance
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}

    def mean(self, stage: str) -> float:
        weight = 1 - self.decay ** self.counts[stage]
        return self.sums[stage] / weight

    def delta(self, count: int) -> float:
        return self.tolerance * math.prod(factor for at, factor in self.FACTORS if count >= at)

    def admit(self, stage: str, reward: float, rng: Random) -> bool:
        self.counts[stage] = self.counts.get(stage, 0) + 1
        self.sums[stage] = self.decay * self.sums.get(stage, 0.0) + (1 - self.decay) * reward
        slack = rng.uniform(0.0, self.delta(self.counts[stage]))
        # The first trial equals the mean; it goes on whatever the draw.
        mean = self.mean(stage)
        return reward >= mean - slack * abs(mean)


def saved_images(trials: Sequence[Trial], stages: Sequence[str]) -> int:
    """The images that stopped trials would have cost in the stages they never saw, at the mean cost of the others."""
    saved = 0.0
    for place, name in enumerate(stages):
        costs = [
            stage.cost.images for trial in trials for stage in trial.stages if stage.name == name and stage.cost.images
        ]
        short = sum(trial.status == "stopped" and len(trial.stages) <= place for trial in trials)
        saved += short * sum(costs) / len(costs) if costs else 0.0
    return round(saved)
