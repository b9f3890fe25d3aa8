"""Several objectives at once: evolution towards the whole front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import moocore

from search_spaces import SearchSpace
from strategies.strategy import AskTell, Plan, Study, best, check_open
from strategies.trial import Answer, Proposal, Trial


@dataclass(frozen=True)
class Member:
    """A trial of the population, the rank of its front (0: not dominated), and its distance to its neighbours there."""

    trial: Trial
    rank: int
    crowding: float

    @property
    def fitness(self) -> tuple[int, float]:
        """Larger is better (the crowded comparison, section III-B)."""
        return -self.rank, self.crowding


class NSGA2(AskTell):
    """The elitist non-dominated sorting genetic algorithm (Deb et al., IEEE Trans. Evol. Comp. 2002).

    The first `population` trials are samples. A child has two parents, each the winner of a tournament of two: the lower rank
    wins, of equal ranks the larger crowding distance. With probability `crossover` it is the child that the space makes of
    both, in a finite space every decision of either at random; else it is the first parent. Then it mutates. When as many
    children have come back as the population has members, the best of both, each network once, are the next population; with
    several workers nobody waits for that. A failed trial takes no place. The answers are the front of the trials that went
    through most stages, the one with the largest reward first.
    """

    def __init__(self, population: int = 20, crossover: float = 0.9):
        if population < 2 or not 0 <= crossover <= 1:
            raise ValueError(f"population must be at least 2 and crossover in [0, 1], not {population} and {crossover}")
        self.size, self.crossover = population, crossover

    def prepare(self, study: Study) -> Plan:
        if not study.objectives:
            raise ValueError("NSGA2 needs several objectives: give the protocol `objectives`, or take another strategy")
        check_open(study.space)
        return Plan()

    def start(self, space: SearchSpace, seed: int) -> None:
        super().start(space, seed)
        self.population: list[Member] = []
        self.children: list[Trial] = []

    def ask(self, rng: Random) -> Proposal:
        if not self.population:
            return Proposal(self.space.sample(rng))
        mother, father = (max(rng.choices(self.population, k=2), key=lambda one: one.fitness) for _ in range(2))
        child = mother.trial.arch
        if rng.random() < self.crossover:
            child = self.space.cross(child, father.trial.arch, rng)
        return Proposal(self.space.mutate(child, rng))

    def tell(self, trial: Trial) -> None:
        if trial.objectives is None:
            return
        self.children.append(trial)
        if len(self.children) == self.size:
            rivals = {trial.arch: trial for trial in [*self.children, *(one.trial for one in self.population)]}
            self.population = survivors(list(rivals.values()), self.size)
            self.children = []

    def answers(self, trials: Sequence[Trial]) -> list[Answer]:
        return front(trials)


def survivors(trials: Sequence[Trial], count: int) -> list[Member]:
    """The best `count` of them: front by front, of the last one those that are least crowded."""
    points = [trial.objectives or () for trial in trials]
    ranks = moocore.pareto_rank(points, maximise=True).tolist()
    members: list[Member] = []
    for rank in range(max(ranks) + 1):
        front = [place for place, other in enumerate(ranks) if other == rank]
        distances = crowding([points[place] for place in front])
        members += [Member(trials[place], rank, far) for place, far in zip(front, distances, strict=True)]
    return sorted(members, key=lambda one: one.fitness, reverse=True)[:count]


def crowding(points: Sequence[Sequence[float]]) -> list[float]:
    """For each point of a front, how far its neighbours are apart, summed over the objectives, each in units of the front's
    range; infinite at its ends (section III-B)."""
    distances = [0.0] * len(points)
    for axis in zip(*points, strict=True):
        order = sorted(range(len(axis)), key=axis.__getitem__)
        low, high = axis[order[0]], axis[order[-1]]
        distances[order[0]] = distances[order[-1]] = math.inf
        for before, place, after in zip(order, order[1:], order[2:], strict=False):
            if high > low:
                distances[place] += (axis[after] - axis[before]) / (high - low)
    return distances


def front(trials: Sequence[Trial]) -> list[Answer]:
    """The trials that no other dominates, of those that went through most stages; the one with the largest reward first."""
    depth = best(trials).depth
    deepest = [trial for trial in trials if trial.depth == depth and trial.objectives is not None]
    kept = moocore.is_nondominated([trial.objectives or () for trial in deepest], maximise=True)
    found = [trial for trial, keep in zip(deepest, kept, strict=True) if keep]
    return [Answer.of(trial) for trial in sorted(found, key=lambda trial: trial.score, reverse=True)]
