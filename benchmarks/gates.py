"""Gates: may this trial go on to the next stage?"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from core import Registry, build
from strategies import Trial
from tasks.rewards import MEASURED

GATES = Registry(
    "gate",
    {"RunningMean": "benchmarks.gates", "Constraint": "benchmarks.gates", "AllOf": "benchmarks.gates"},
    kind="benchmarks.gates.Gate",
)


class Gate(ABC):
    """Decides between two stages, and before the first one where `before` is true.

    `names` are the metrics and costs that it reads. Its only memory is what it was shown, so that a replay restores it.
    """

    names: tuple[str, ...] = ()
    before: bool = False

    @abstractmethod
    def stop(self, stage: str | None, metrics: Mapping[str, float], reward: float | None, rng: Random) -> str | None:
        """Why a trial goes no further; None: it goes on.

        Asked once a trial and stage, in the order of the ledger. `stage` is the one behind it; None before the first one, when
        `metrics` are its costs alone and there is no `reward`.
        """


class RunningMean(Gate):
    """Goes on where the reward beats the running mean of its stage, or falls short of it by a tolerated share.

    As in Nekrasov et al. (CVPR 2019): the mean decays by `decay` and takes the new reward first; a reward below it still
    passes if it falls short by less than a share u of it, u uniform in [0, delta), where delta starts at `tolerance` and is
    multiplied by 0.9, 0.8, 0.7 and 0.6 after 100, 200, 300 and 400 trials. Unlike the published code, the mean is corrected
    for its start (there it begins at 0.01 and hardly stops anything for the first seventy trials) and every trial counts once.
    """

    FACTORS = ((100, 0.9), (200, 0.8), (300, 0.7), (400, 0.6))

    def __init__(self, decay: float = 0.99, tolerance: float = 0.9):
        if not 0 <= decay < 1 or tolerance < 0:
            raise ValueError(f"decay must be in [0, 1) and tolerance not negative, not {decay} and {tolerance}")
        self.decay, self.tolerance = decay, tolerance
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}

    def mean(self, stage: str) -> float:
        weight = 1 - self.decay ** self.counts[stage]
        return self.sums[stage] / weight

    def delta(self, count: int) -> float:
        return self.tolerance * math.prod(factor for at, factor in self.FACTORS if count >= at)

    def stop(self, stage: str | None, metrics: Mapping[str, float], reward: float | None, rng: Random) -> str | None:
        if stage is None or reward is None:
            return None
        self.counts[stage] = self.counts.get(stage, 0) + 1
        self.sums[stage] = self.decay * self.sums.get(stage, 0.0) + (1 - self.decay) * reward
        slack = rng.uniform(0.0, self.delta(self.counts[stage]))
        # The first trial equals the mean; it goes on whatever the draw.
        mean = self.mean(stage)
        if reward >= mean - slack * abs(mean):
            return None
        return f"the reward {reward:g} is too far below the running mean {mean:g} of stage {stage!r}"


class Constraint(Gate):
    """Holds a metric or cost within bounds: a cost before anything is trained, a metric after every stage but the last."""

    def __init__(self, name: str, at_most: float = math.inf, at_least: float = -math.inf):
        if not at_least <= at_most or (math.isinf(at_least) and math.isinf(at_most)):
            raise ValueError(f"a constraint on {name} needs at_most, at_least or both, not {at_most} and {at_least}")
        self.names, self.before = (name,), name in MEASURED
        self.at_most, self.at_least = at_most, at_least

    def stop(self, stage: str | None, metrics: Mapping[str, float], reward: float | None, rng: Random) -> str | None:
        if self.before != (stage is None):
            return None
        (name,) = self.names
        if name not in metrics:
            return f"{name} was not measured"
        if metrics[name] > self.at_most:
            return f"{name} is {metrics[name]:g}, above {self.at_most:g}"
        return f"{name} is {metrics[name]:g}, below {self.at_least:g}" if metrics[name] < self.at_least else None


class AllOf(Gate):
    """Goes on where all of `gates` (configs) let it; each is asked, as each has its memory."""

    def __init__(self, gates: Sequence[Mapping[str, Any]]):
        if not gates:
            raise ValueError("gates is empty: give at least one, or no gate")
        self.gates: list[Gate] = [build(GATES, gate) for gate in gates]
        self.names = tuple(dict.fromkeys(name for gate in self.gates for name in gate.names))
        self.before = any(gate.before for gate in self.gates)

    def stop(self, stage: str | None, metrics: Mapping[str, float], reward: float | None, rng: Random) -> str | None:
        asked = [gate for gate in self.gates if gate.before or stage is not None]
        reasons = [gate.stop(stage, metrics, reward, rng) for gate in asked]
        return "; ".join(reason for reason in reasons if reason) or None


def saved_images(trials: Sequence[Trial], stages: Sequence[str]) -> int:
    """The images that stopped trials would have cost in the stages they never saw, at the mean cost of the others.

    One that was answered as an equal trial had been would have cost nothing there, either.
    """
    saved = 0.0
    for place, name in enumerate(stages):
        costs = [
            stage.cost.images for trial in trials for stage in trial.stages if stage.name == name and stage.cost.images
        ]
        short = sum(trial.status == "stopped" and trial.depth <= place and not trial.repeated for trial in trials)
        saved += short * sum(costs) / len(costs) if costs else 0.0
    return round(saved)
