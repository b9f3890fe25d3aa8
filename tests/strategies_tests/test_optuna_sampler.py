"""Optuna's samplers ask what matters, hear what came of it, and need no storage of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from optuna.trial import TrialState

from search_spaces import Choice
from search_spaces.architecture import Choices
from search_spaces.toy.space import ToySpace
from strategies import Proposal, Trial
from strategies.optuna_sampler import OptunaSampler

ROOT = Path(__file__).resolve().parents[2]


class Shallow(ToySpace):
    """Where the first layer has the narrowest width, the second one does not matter."""

    def active(self, choices: Choices) -> Collection[str]:
        narrow = choices["layer0.width"] == self.decisions["layer0.width"][0]
        return [name for name in self.decisions if not (narrow and name.startswith("layer1"))]


class Picky(ToySpace):
    def flaw(self, choices: Mapping[str, Choice]) -> str | None:
        return "too wide" if choices["layer0.width"] != self.decisions["layer0.width"][0] else None


def started(space: ToySpace, **settings: Any) -> OptunaSampler:
    strategy = OptunaSampler(**settings)
    strategy.start(space, 0)
    return strategy


def ended(number: int, proposal: Proposal, reward: float | None) -> Trial:
    return Trial(number, proposal, (), "failed" if reward is None else "done", reward)


def test_a_decision_that_does_not_matter_is_not_asked() -> None:
    strategy = started(Shallow(layers=2))
    for number in range(30):
        strategy.tell(ended(number, strategy.ask(Random(number)), float(number)))
    narrow = Shallow(layers=2).decisions["layer0.width"][0]
    for trial in strategy.study.trials:
        assert ("layer1.kernel" in trial.params) == (trial.params["layer0.width"] != narrow)
    assert {len(trial.params) for trial in strategy.study.trials} == {3, 6}


@pytest.mark.parametrize("sampler", ["TPESampler", "NSGAIISampler", "QMCSampler", "RandomSampler"])
def test_no_network_is_tried_twice_while_others_are_left(sampler: str) -> None:
    strategy = started(ToySpace(layers=1), sampler=sampler)  # 36 networks
    archs = []
    for number in range(20):
        proposal = strategy.ask(Random(number))
        archs.append(proposal.arch)
        strategy.tell(ended(number, proposal, float(number % 5)))
    assert len(set(archs)) >= 19  # one may fall back on a random network


def test_it_hears_what_came_of_its_trials() -> None:
    strategy = started(ToySpace(layers=2))
    rewards = [3.0, None, 1.0]
    for number, reward in enumerate(rewards):
        strategy.tell(ended(number, strategy.ask(Random(number)), reward))
    states = [trial.state for trial in strategy.study.trials]
    assert states == [TrialState.COMPLETE, TrialState.PRUNED, TrialState.COMPLETE]
    assert [trial.value for trial in strategy.study.trials] == [3.0, None, 1.0]
    foreign = ToySpace(layers=2).sample(Random(9))
    strategy.tell(ended(7, Proposal(foreign), 9.0))
    assert strategy.study.best_trial.params == foreign.as_dict()


def test_choices_that_make_no_network_are_pruned_and_learnt() -> None:
    strategy = started(Picky(layers=1), sampler="TPESampler", settings=dict(n_startup_trials=5))
    for number in range(6):
        strategy.tell(ended(number, strategy.ask(Random(number)), 1.0))
    for trial in strategy.study.trials:
        legal = Picky(layers=1).flaw(trial.params) is None
        assert trial.state == (TrialState.COMPLETE if legal else TrialState.PRUNED)
    assert any(trial.state == TrialState.PRUNED for trial in strategy.study.trials)


def test_several_objectives(toy_study: Any) -> None:
    strategy = OptunaSampler(sampler="NSGAIISampler", settings=dict(population_size=6))
    objectives = dict(names=["score", "params"], goals=["max", "min"])
    with toy_study(gate=None, objectives=objectives) as study:
        answers = strategy.search(study)
    done = [trial.objectives for trial in study.trials if trial.objectives]
    front = [
        one for one in done if not any(all(a >= b for a, b in zip(o, one, strict=True)) and o != one for o in done)
    ]
    found = {study.trials[answer.trial].objectives for answer in answers}
    assert found == set(front)
    assert len(strategy.study.directions) == 2


def test_who_only_reads_results_does_not_pay_for_it() -> None:
    code = "import strategies.optuna_sampler, strategies.predictor, strategies.reinforce, sys\n"
    code += "print([name for name in ('optuna', 'sklearn', 'torch') if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="did you mean 'TPESampler'"):
        OptunaSampler("TPESampeler")
    with pytest.raises(ValueError, match=r"settings {'trees': 3} are none of Optuna's TPESampler"):
        OptunaSampler(settings=dict(trees=3))
    study: Any = SimpleNamespace(space=ToySpace(layers=2), objectives=())
    for settings in (dict(n_startup_trials="x"), dict(gamma=3), dict(prior_weight="x"), dict(n_ei_candidates=1e9)):
        with pytest.raises(ValueError, match="TPESampler"):
            OptunaSampler(settings=settings).prepare(study)
    OptunaSampler(settings=dict(n_startup_trials=100, multivariate=True)).prepare(study)
    with pytest.raises(ValueError, match="evolve it"):
        OptunaSampler().prepare(SimpleNamespace(space="an open space"))  # type: ignore[arg-type]
