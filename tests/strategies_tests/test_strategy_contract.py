"""What every strategy promises. A new one is covered by being registered."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from search_spaces.toy import ToySpace
from strategies import STRATEGIES, AskTell, Proposal, StageResult, Strategy, Trial
from tasks import Cost
from tasks.toy import ToyTask

STRATEGIES.import_from_location()
SPACE = ToySpace()
SMALL: dict[str, dict[str, Any]] = {"RegularizedEvolution": {"population": 6, "tournament": 3}}


def make(name: str) -> Strategy:
    return STRATEGIES.module_dict[name](**SMALL.get(name, {}))


@pytest.fixture(params=STRATEGIES.module_dict, ids=str)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def ended(number: int, proposal: Proposal, status: str = "done") -> Trial:
    if status == "failed":
        return Trial(number, proposal, (), "failed", None, "broken on purpose")
    score = ToyTask().score(SPACE.model(proposal.arch)["layers"])
    return Trial(number, proposal, (StageResult("only", {"score": score}, Cost(1, 1, 0.0)),), status, score)


def statuses(seed: int) -> Iterator[str]:
    rng = Random(seed)
    while True:
        yield rng.choice(["done", "done", "stopped", "failed"])


def played(strategy: AskTell, count: int, seed: int = 0) -> list[Trial]:
    strategy.start(SPACE)
    trials: list[Trial] = []
    for number, status in zip(range(count), statuses(seed), strict=False):
        proposal = strategy.ask(Random(number))
        assert proposal is not None
        trials.append(ended(number, proposal, status))
        strategy.tell(trials[-1])
    return trials


def ask_tell(name: str) -> AskTell:
    strategy = make(name)
    if not isinstance(strategy, AskTell):
        pytest.skip(f"{name} owns its loop")
    return strategy


def test_proposals_are_legal_whatever_becomes_of_them(name: str) -> None:
    for trial in played(ask_tell(name), 60):
        assert SPACE.architecture(trial.arch.as_dict()) == trial.arch
        assert trial.proposal.parent is None or trial.proposal.parent < trial.id


@pytest.mark.parametrize("count", [1, 7, 30])
def test_a_replay_restores_it(name: str, count: int) -> None:
    first, second = ask_tell(name), ask_tell(name)
    trials = played(first, count)
    second.start(SPACE)
    for trial in trials:
        second.tell(trial)
    assert first.ask(Random(99)) == second.ask(Random(99))


def test_it_listens_to_trials_that_it_never_asked_for(name: str) -> None:
    strategy = ask_tell(name)
    strategy.start(SPACE)
    for number in (5, 3, 4):
        strategy.tell(ended(number, Proposal(SPACE.sample(Random(number)))))
    assert strategy.ask(Random(0)) is not None


def test_it_survives_nothing_but_failures(name: str) -> None:
    strategy = ask_tell(name)
    strategy.start(SPACE)
    for number in range(30):
        proposal = strategy.ask(Random(number))
        assert proposal is not None
        strategy.tell(ended(number, proposal, "failed"))


def test_starting_again_forgets(name: str) -> None:
    strategy = ask_tell(name)
    first = [trial.arch for trial in played(strategy, 20)]
    assert [trial.arch for trial in played(strategy, 20)] == first


def test_golden_trajectory(name: str, golden) -> None:
    """Twenty proposals on the toy space; an accidental change of behaviour shows as a diff."""
    trials = played(ask_tell(name), 20)
    golden(f"trajectory_{name}.json", [[trial.arch.key, trial.reward] for trial in trials])
