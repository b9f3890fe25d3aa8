"""Regularised evolution as in the paper: tournaments with replacement, mutants of the winner, the oldest dies."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from search_spaces.toy.space import ToySpace
from strategies import Proposal, Trial
from strategies.regularized_evolution import RegularizedEvolution

SPACE = ToySpace()


def trial(number: int, reward: float | None) -> Trial:
    return Trial(number, Proposal(SPACE.sample(Random(number))), (), "failed" if reward is None else "done", reward)


def started(population: int, tournament: int, inherit: bool = False) -> RegularizedEvolution:
    strategy = RegularizedEvolution(population, tournament, inherit)
    strategy.start(SPACE, 0)
    return strategy


def test_the_oldest_dies_even_if_it_is_the_best() -> None:
    strategy = started(population=3, tournament=50)
    trials = [trial(0, 100.0), trial(1, 1.0), trial(2, 2.0), trial(3, 1.5)]
    for one in trials[:3]:
        strategy.tell(one)
    assert distance(strategy.ask(Random(0)).arch, trials[0].arch) == 1  # a tournament this large finds the best
    strategy.tell(trials[3])
    assert distance(strategy.ask(Random(0)).arch, trials[2].arch) == 1


def test_a_tournament_of_one_is_a_random_walk() -> None:
    strategy = started(population=4, tournament=1)
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
    strategy = started(population=2, tournament=50)
    good, bad = trial(0, -1.0), trial(1, -5.0)
    strategy.tell(good)
    strategy.tell(bad)
    assert distance(strategy.ask(Random(0)).arch, good.arch) == 1


def test_children_inherit_from_a_parent_whose_weights_are_kept() -> None:
    strategy = started(population=3, tournament=2, inherit=True)
    for number, reward in enumerate((1.0, None, 2.0, 3.0, 4.0)):
        assert strategy.ask(Random(number)).parent is None or number > 3
        strategy.tell(trial(number, reward))
    assert list(strategy.keeps) == [2, 3, 4]
    for seed in range(20):
        child = strategy.ask(Random(seed))
        assert child.parent in (2, 3, 4)
        assert not child.onward
        assert distance(child.arch, trial(child.parent, 0.0).arch) == 1
    plain = started(population=1, tournament=1)
    plain.tell(trial(0, 1.0))
    assert (plain.ask(Random(0)).parent, list(plain.keeps)) == (None, [])


def test_a_network_that_is_born_again_has_the_weights_of_the_first_and_dies_with_them() -> None:
    strategy = started(population=2, tournament=1, inherit=True)
    for number in (0, 1):
        strategy.tell(trial(number, 1.0))
    child = Proposal(SPACE.sample(Random(9)), parent=1)
    for number in (2, 3):
        strategy.tell(Trial(number, child, (), "done", 1.0))
    assert list(strategy.keeps) == [2, 2]
    assert strategy.ask(Random(0)).parent == 2
    for number in (4, 5):
        strategy.tell(trial(number, 1.0))
    strategy.tell(Trial(6, child, (), "done", 1.0))
    assert list(strategy.keeps) == [4, 5]


@pytest.mark.parametrize("seed", range(8))
def test_inheriting_evolution_finds_its_weights_in_a_space_of_36_networks(toy_study, tmp_path: Path, seed: int) -> None:
    settings = dict(space=dict(type="ToySpace", layers=1), budget=dict(trials=200))
    with toy_study(tmp_path, seed=seed, **settings) as study:
        RegularizedEvolution(4, 2, inherit=True).search(study)
    assert study.counts["duplicate"]
    assert all(one.inherited for one in study.trials if one.proposal.parent is not None)


@pytest.mark.parametrize("settings", [dict(population=0), dict(tournament=0)])
def test_settings_that_mean_nothing_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        RegularizedEvolution(**settings)
