"""Successive halving and Hyperband: many candidates through a first stage, the best of them through the next."""

from __future__ import annotations

import heapq
import math
from bisect import bisect_left, insort
from random import Random

from search_spaces import Architecture, SearchSpace
from strategies.strategy import AskTell, Plan, Study, check_weights
from strategies.trial import Answer, Proposal, Trial, next_stage

Key = tuple[float, int]  # minus the score, and the trial's id: the best is the smallest


class Rung:
    """The trials that have gone through one stage, and those of them that wait for the next."""

    def __init__(self) -> None:
        self.ranked: list[Key] = []
        self.waiting: list[Key] = []  # a heap
        self.trials: dict[int, Trial] = {}
        self.known: set[Architecture] = set()

    def add(self, trial: Trial) -> bool:
        """Does it wait? A repeated network stays out, and one that a gate held back is only ranked."""
        if trial.arch in self.known:
            return False
        self.known.add(trial.arch)
        key = (-trial.score, trial.id)
        insort(self.ranked, key)
        if trial.status != "done":
            return False
        heapq.heappush(self.waiting, key)
        self.trials[trial.id] = trial
        return True

    def promote(self, eta: int) -> Trial | None:
        """The best that waits, if it is among the best 1 / `eta` of all."""
        if not self.waiting or bisect_left(self.ranked, self.waiting[0]) >= len(self.ranked) // eta:
            return None
        return self.trials.pop(heapq.heappop(self.waiting)[1])


class Bracket:
    """Candidates that compete with each other: rung by rung those of a depth, and how many have begun."""

    def __init__(self, share: float, stages: int):
        self.share, self.begun = share, 0
        self.rungs = [Rung() for _ in range(stages - 1)]  # nobody is promoted from the last stage


class SuccessiveHalving(AskTell):
    """Asynchronous successive halving, ASHA (Li et al., MLSys 2020, algorithm 2), with any number of workers.

    The rungs are the protocol's stages. Where a trial is among the best 1 / `eta` of its rung and was not promoted yet, it goes
    on through the next stage, deepest rung first; else a new candidate is drawn and goes through the first. How much more a
    stage costs than the one before is the protocol's affair; `eta` times as much spends the same on every rung.
    """

    goes_back = True
    stages = 2  # of the protocol, as `search` finds it

    def __init__(self, eta: int = 3):
        if eta < 2:
            raise ValueError(f"eta must be at least 2, not {eta}: one of eta candidates is promoted")
        self.eta = eta

    def prepare(self, study: Study) -> Plan:
        if len(study.stages) < 2:
            raise ValueError(f"{type(self).__name__} promotes from stage to stage: give the protocol at least 2 stages")
        if not all(stage.recipe.continues for stage in study.stages[1:]):
            check_weights(self, study.task)
        return Plan()

    def search(self, study: Study) -> list[Answer]:
        self.stages = len(study.stages)
        return super().search(study)

    def shares(self) -> list[float]:
        """How many of the new candidates begin in each bracket, relative to others."""
        return [1.0]

    def start(self, space: SearchSpace, seed: int) -> None:
        super().start(space, seed)
        self.brackets = [Bracket(share, self.stages) for share in self.shares()]
        self.waiting: set[int] = set()
        self.keeps = self.waiting

    def ask(self, rng: Random) -> Proposal:
        for depth in reversed(range(self.stages - 1)):
            for bracket in self.brackets:
                trial = bracket.rungs[depth].promote(self.eta)
                if trial is not None:
                    self.waiting.discard(trial.id)
                    return next_stage(trial, trial.note)
        place, bracket = min(enumerate(self.brackets), key=lambda one: (one[1].begun + 1) / one[1].share)
        bracket.begun += 1
        return Proposal(self.space.sample(rng), stages=place + 1, note={"bracket": place} if place else {})

    def tell(self, trial: Trial) -> None:
        if trial.reward is not None and 0 < trial.depth < self.stages:
            bracket = self.brackets[trial.note.get("bracket", 0)]
            if bracket.rungs[trial.depth - 1].add(trial):
                self.waiting.add(trial.id)


class Hyperband(SuccessiveHalving):
    """Hyperband (Li et al., JMLR 2018, algorithm 1) over the protocol's stages, its brackets asynchronous as those of ASHA.

    With S stages there are S brackets, which trade many candidates for long trainings: a candidate of bracket b goes through
    b + 1 stages at once and then competes for each further one with those of its bracket. The last bracket is random search.
    Bracket b begins with ceil(S eta^s / (s + 1)) of the new candidates, relative to the others, where s = S - 1 - b.
    """

    def shares(self) -> list[float]:
        halvings = range(self.stages - 1, -1, -1)
        return [math.ceil(self.stages * self.eta**s / (s + 1)) for s in halvings]
