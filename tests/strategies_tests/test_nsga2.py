"""NSGA-II: ranks, crowding distances and survivors by hand, and what becomes of parents."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from search_spaces import Choice, SearchSpace
from search_spaces.deepneat.space import DeepNEAT
from search_spaces.toy.space import ToySpace
from strategies import Proposal, Trial
from strategies.nsga2 import NSGA2, crowding, survivors

SPACE = ToySpace()


def trial(number: int, objectives: tuple[float, ...] | None, depth: int = 1, reward: float = 1.0) -> Trial:
    proposal = Proposal(SPACE.sample(Random(number)))
    if objectives is None:
        return Trial(number, proposal, (), "failed", failure="error")
    return Trial(number, proposal, (), "done", reward, depth=depth, objectives=objectives)


def started(space: Any = SPACE, **settings: Any) -> NSGA2:
    strategy = NSGA2(**settings)
    strategy.start(space, 0)
    return strategy


def test_crowding_distance_by_hand() -> None:
    points = [(0.0, 10.0), (4.0, 2.0), (1.0, 8.0), (10.0, 0.0)]
    assert crowding(points) == [math.inf, pytest.approx(0.9 + 0.8), pytest.approx(0.4 + 0.8), math.inf]
    assert crowding([(1.0, 1.0)]) == [math.inf]
    assert crowding([(1.0, 1.0)] * 3) == [math.inf, 0.0, math.inf]


def test_survivors_by_hand() -> None:
    """The front of three stays; of the second one, the ends do, not the crowded middle."""
    points = [(3.0, 0.0), (0.0, 3.0), (2.0, 2.0), (1.5, -1.0), (1.0, 1.0), (-1.0, 1.5), (0.9, 1.1), (-5.0, -5.0)]
    members = survivors([trial(number, point) for number, point in enumerate(points)], 5)
    assert {member.trial.id: member.rank for member in members} == {0: 0, 1: 0, 2: 0, 3: 1, 5: 1}


def test_the_winner_of_a_tournament_breeds() -> None:
    """The dominated half has no children but by tournaments among themselves: a quarter."""
    strategy = started(population=4, crossover=0.0)
    for number, objectives in enumerate([(3.0, 1.0), (1.0, 3.0), (0.0, 0.0), (-1.0, -1.0)]):
        strategy.tell(trial(number, objectives))
    good = [trial(number, None).arch for number in (0, 1)]
    children = [strategy.ask(Random(seed)).arch for seed in range(400)]
    bred = sum(any(distance(child, parent) == 1 for parent in good) for child in children)
    assert bred / 400 == pytest.approx(0.75, abs=0.06)


def distance(one, other) -> int:
    return sum(one[name] != other[name] for name in SPACE.decisions)


def test_a_crossed_child_has_of_both_parents() -> None:
    strategy = started(population=2, crossover=1.0)
    for number, objectives in enumerate([(1.0, 0.0), (0.0, 1.0)]):
        strategy.tell(trial(number, objectives))
    one, other = (trial(number, None).arch for number in (0, 1))
    foreign = [
        sum(child[name] not in (one[name], other[name]) for name in SPACE.decisions)
        for child in (strategy.ask(Random(seed)).arch for seed in range(50))
    ]
    assert max(foreign) == 1  # the mutation
    mixed = [strategy.ask(Random(seed)).arch for seed in range(50)]
    assert any(min(distance(child, one), distance(child, other)) > 2 for child in mixed)


def test_crossed_parents_that_make_no_network_are_not_crossed() -> None:
    class Pure(ToySpace):
        """One activation, or hardly another, in the whole network."""

        def flaw(self, choices: Mapping[str, Choice]) -> str | None:
            acts = [choices[f"layer{k}.act"] for k in range(4)]
            return "mixed" if max(map(acts.count, acts)) < 3 else None

    space = Pure()
    strategy = started(space, population=2, crossover=1.0)
    for number, act in enumerate(("relu", "tanh")):
        arch = space.architecture({n: act if n.endswith("act") else o[number] for n, o in space.decisions.items()})
        strategy.tell(Trial(number, Proposal(arch), (), "done", 1.0, objectives=(float(number), -float(number))))
    for seed in range(50):
        assert space.flaw(strategy.ask(Random(seed)).arch.as_dict()) is None


def test_graphs_of_several_beginnings_are_crossed_to_graphs() -> None:
    space = DeepNEAT(width=0.125, recipe=True, most=16)
    strategy = started(space, population=8)
    for number in range(40):
        arch = strategy.ask(Random(number)).arch
        assert space.architecture(arch.as_dict()).key == arch.key
        objectives = (Random(number).random(), float(number % 5))
        strategy.tell(Trial(number, Proposal(arch), (), "done", 1.0, objectives=objectives))


def test_an_open_space_is_searched_by_mutation_alone() -> None:
    class Open(SearchSpace):
        sample = lambda self, rng: SPACE.sample(rng)  # noqa: E731
        mutate = lambda self, arch, rng: SPACE.mutate(arch, rng)  # noqa: E731
        architecture = parts = None  # type: ignore[assignment]

    strategy = started(Open(), population=2, crossover=1.0)
    for number, objectives in enumerate([(1.0, 0.0), (0.0, 1.0)]):
        strategy.tell(trial(number, objectives))
    child = strategy.ask(Random(0)).arch
    assert 1 in [distance(child, trial(number, None).arch) for number in (0, 1)]


def test_generations_do_not_wait_for_each_other() -> None:
    """Asked ahead and told out of order, a generation ends with every fourth trial that has objectives."""
    strategy = started(population=4)
    proposals = [strategy.ask(Random(number)) for number in range(7)]
    assert all(proposal.parent is None for proposal in proposals)
    for number in (6, 0, 5, 1):
        assert not strategy.population
        strategy.tell(trial(number, (float(number), 0.0)))
    assert [member.trial.id for member in strategy.population] == [6, 5, 1, 0]
    strategy.tell(trial(7, None))
    for number in (2, 3, 4, 8):
        strategy.tell(trial(number, (float(number), 0.0)))
    assert [member.trial.id for member in strategy.population] == [8, 6, 5, 4]


def test_a_network_is_in_the_population_once() -> None:
    strategy = started(population=2)
    for number in (0, 1):
        strategy.tell(trial(number, (float(number), -float(number))))
    again = [Trial(9, Proposal(trial(0, None).arch), (), "done", 1.0, objectives=(0.0, 0.0))] * 2
    for one in again:
        strategy.tell(one)
    assert len(strategy.population) == 2


def test_the_answers_are_the_front_of_the_deepest_trials() -> None:
    trials = [
        trial(0, (9.0, 9.0)),  # it was stopped early
        trial(1, (3.0, 1.0), depth=2, reward=3.0),
        trial(2, (1.0, 3.0), depth=2, reward=5.0),
        trial(3, (1.0, 1.0), depth=2, reward=9.0),
        trial(4, (1.0, 3.0), depth=2, reward=5.0),  # not better than trial 2
        trial(5, None),
    ]
    assert [answer.trial for answer in started().answers(trials)] == [2, 1]
    with pytest.raises(RuntimeError, match="all 1 trials failed"):
        started().answers(trials[5:])


def test_what_means_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs several objectives"):
        NSGA2().prepare(SimpleNamespace(objectives=()))  # type: ignore[arg-type]
    NSGA2().prepare(SimpleNamespace(objectives=("score", "params"), space=SPACE))  # type: ignore[arg-type]
    for settings in (dict(population=1), dict(crossover=1.5)):
        with pytest.raises(ValueError, match="population must be at least 2"):
            NSGA2(**settings)  # type: ignore[arg-type]
