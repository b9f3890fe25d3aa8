"""Regularised evolution as in the paper: tournaments with replacement, mutants of the winner, the oldest dies."""

from __future__ import annotations

from random import Random

import pytest

from search_spaces.toy import ToySpace
from strategies import Proposal, Trial
from strategies.regularized_evolution import RegularizedEvolution

SPACE = ToySpace()


def trial(number: int, reward: float) -> Trial:
    return Trial(number, Proposal(SPACE.sample(Random(number))), (), "done", reward)


def test_the_oldest_dies_even_if_it_is_the_best() -> None:
    strategy = RegularizedEvolution(population=3, tournament=50)
    strategy.start(SPACE)
    trials = [trial(0, 100.0), trial(1, 1.0), trial(2, 2.0), trial(3, 1.5)]
    for one in trials[:3]:
        strategy.tell(one)
    assert distance(strategy.ask(Random(0)).arch, trials[0].arch) == 1  # a tournament this large finds the best
    strategy.tell(trials[3])
    assert distance(strategy.ask(Random(0)).arch, trials[2].arch) == 1


def test_a_tournament_of_one_is_a_random_walk() -> None:
    strategy = RegularizedEvolution(population=4, tournament=1)
    strategy.start(SPACE)
    trials = [trial(number, float(number)) for number in range(4)]
    for one in trials:
        strategy.tell(one)
    parents = set()
    for seed in range(60):
        child = strategy.ask(Random(seed)).arch
        parents |= {one.id for one in trials if distance(child, one.arch) == 1}
    assert parents == {0, 1, 2, 3}


def distance(one, other) -> int:
    return sum(one[name] != other[name] for name in SPACE.decisions)


def test_negative_rewards_are_compared_too() -> None:
    strategy = RegularizedEvolution(population=2, tournament=50)
    strategy.start(SPACE)
    good, bad = trial(0, -1.0), trial(1, -5.0)
    strategy.tell(good)
    strategy.tell(bad)
    assert distance(strategy.ask(Random(0)).arch, good.arch) == 1


@pytest.mark.parametrize("settings", [dict(population=0), dict(tournament=0)])
def test_settings_that_mean_nothing_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        RegularizedEvolution(**settings)
