"""Compound scaling: the best way to make a network twice as costly, and then that way again and again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from random import Random
from typing import Any

from core import did_you_mean
from core.parsing import shown
from search_spaces import Choice, FiniteSpace, SearchSpace
from search_spaces.architecture import among
from strategies.strategy import AskTell, Plan, Study, best
from strategies.trial import Answer, Proposal, Trial

POWERS = {"depth": 1, "width": 2, "resolution": 2}
Factors = Mapping[str, float]


class CompoundScaling(AskTell):
    """Scale depth, width and resolution together (Tan and Le, EfficientNet, ICML 2019, section 3.3).

    The decisions in `powers` are factors, relative to their first choices, of which the cost is said to be the product, each
    raised to its power: a network twice as wide costs four times as much. The others are at their first choice, or where
    `start` says. After the network itself, with all factors at 1, every combination is tried that multiplies the cost by
    `growth`, give or take the share `slack` of it (phi = 1, the paper's first step). Then the best of them is raised to the
    powers phi = 2, ..., `phis`, each to the nearest choice (the second step). The answers are the network and the best of every
    phi, each once, the best of all first.
    """

    def __init__(
        self,
        phis: int = 3,
        growth: float = 2.0,
        slack: float = 0.05,
        powers: Mapping[str, float] = POWERS,
        start: Mapping[str, Choice] | None = None,
    ):
        if phis < 1 or not growth > 1 or not 0 <= slack < 1:
            raise ValueError(f"phis={phis} must be at least 1, growth={growth} above 1, slack={slack} in [0, 1)")
        if not powers:
            raise ValueError("powers is empty: name the decisions that are scaled")
        self.phis, self.growth, self.slack, self.powers = phis, growth, slack, dict(powers)
        self.held = dict(start or {})

    def prepare(self, study: Study) -> Plan:
        space = study.space
        for name in self.powers:
            options = space.decisions.get(name, ()) if isinstance(space, FiniteSpace) else ()
            if not options or not all(isinstance(one, int | float) and one > 0 for one in options):
                why = f"{name!r}, which is no decision between positive numbers in {space}"
                raise ValueError(f"CompoundScaling scales {why}: use ScaledMBConv, or set powers")
        assert isinstance(space, FiniteSpace)
        others = {name: options for name, options in space.decisions.items() if name not in self.powers}
        for name, choice in self.held.items():
            if name not in others:
                raise ValueError(did_you_mean("decision outside of powers in start", name, others))
            if not among(choice, others[name]):
                raise ValueError(f"start[{name!r}] cannot be {shown(choice)}: give one of {others[name]}")
        self.start(space, study.seed)
        if len(self.waiting) == 1:
            raise ValueError(f"no choices of {space} make its network {self.growth} times as costly: allow more slack")
        return Plan(len(self.waiting) + self.phis - 1)

    def start(self, space: SearchSpace, seed: int) -> None:
        super().start(space, seed)
        assert isinstance(space, FiniteSpace)
        self.flying, self.grown = 0, False
        self.tried: dict[int, tuple[tuple[int, float], Factors]] = {}  # at phi = 1, by trial
        itself = self._scaled(dict.fromkeys(self.powers, 1.0), 0)
        near = (self._scaled(factors, 1) for factors in self._near(space))
        distinct = {proposal.arch: proposal for proposal in near if proposal is not None}
        self.waiting = [one for one in (itself, *distinct.values()) if one is not None]

    def ask(self, rng: Random) -> Proposal | None:
        if not self.waiting and not self.flying and not self.grown and self.tried:
            self.grown = True
            factors = self.tried[max(self.tried, key=lambda trial: (self.tried[trial][0], -trial))][1]
            larger = (self._scaled(factors, phi) for phi in range(2, self.phis + 1))
            self.waiting = [one for one in larger if one is not None]
        if not self.waiting:
            return None
        self.flying += 1
        return self.waiting.pop(0)

    def tell(self, trial: Trial) -> None:
        if "phi" in trial.note:
            self.flying -= 1
        if trial.note.get("phi") == 1:
            self.tried[trial.id] = (trial.depth, trial.score), trial.note["factors"]

    def answers(self, trials: Sequence[Trial]) -> list[Answer]:
        of_phi: dict[Any, list[Trial]] = {}
        for trial in trials:
            if trial.reward is not None:
                of_phi.setdefault(trial.note.get("phi"), []).append(trial)
        family = {trial.arch: trial for trial in map(best, of_phi.values())}
        found = [Answer.of(trial) for trial in sorted(family.values(), key=lambda trial: (-trial.depth, -trial.score))]
        return found or super().answers(trials)

    def _near(self, space: FiniteSpace) -> list[dict[str, float]]:
        """The factors that multiply the cost by `growth`, as nearly as is allowed, in the order of the choices."""
        options = [[factor(space, name, choice) for choice in space.decisions[name]] for name in self.powers]
        every = [dict(zip(self.powers, factors, strict=True)) for factors in product(*options)]
        costs = [math.prod(factors[name] ** power for name, power in self.powers.items()) for factors in every]
        return [one for one, cost in zip(every, costs, strict=True) if abs(cost / self.growth - 1) <= self.slack]

    def _scaled(self, factors: Factors, phi: int) -> Proposal | None:
        """The network at the choices nearest to the factors to the power phi; None where these make none."""
        space = self.space
        assert isinstance(space, FiniteSpace)
        choices = {name: self.held.get(name, options[0]) for name, options in space.decisions.items()}
        choices |= {name: nearest(space, name, one**phi) for name, one in factors.items()}
        if space.flaw(choices) is not None:
            return None
        return Proposal(space.architecture(choices), note={"phi": phi, "factors": dict(factors)})


def nearest(space: FiniteSpace, name: str, wanted: float) -> Choice:
    return min(space.decisions[name], key=lambda choice: abs(factor(space, name, choice) - wanted))


def factor(space: FiniteSpace, name: str, choice: Choice) -> float:
    """How many times a decision's first choice this one is."""
    return float(choice) / float(space.decisions[name][0])
