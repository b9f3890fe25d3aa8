"""What every strategy promises. A new one is covered by being registered."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.study import Study
from core import build
from search_spaces import Choice
from search_spaces.toy.space import ToySpace
from strategies import STRATEGIES, AskTell, Proposal, StageResult, Status, Strategy, Trial
from tasks import Cost
from tasks.toy import formula

SPACE = ToySpace()
SMALL: dict[str, dict[str, Any]] = {
    "Baseline": dict(model={"layers": [dict(width=8, kernel=3, act="relu")]}),
    "RegularizedEvolution": dict(population=6, tournament=3),
    "PPO": dict(hidden=16, layers=1, lr=1e-2, memory=8, steps=4),
    "Reinforce": dict(hidden=16, layers=1, lr=1e-2, networks=4),
    "Predictor": dict(model="forest", start=6),
    "Progressive": dict(
        parts=[dict(prefix="layer0.", trials=8), dict(prefix="layer3.", trials=12)],
        start={name: options[0] for name, options in SPACE.decisions.items() if not name.startswith("layer0.")},
        strategy=dict(type="RegularizedEvolution", population=4, tournament=2),
    ),
    "Shortlist": dict(strategy=dict(type="RegularizedEvolution", population=4, tournament=2), count=3, pick="spread"),
    "BayesianMorphism": dict(cooling=0.05, neighbours=3, tries=4, every=15),
    "SuccessiveHalving": dict(eta=2),
    "NSGA2": dict(population=6),
    "NEAT": dict(evolution=dict(population=6)),
    "CoDeepNEAT": dict(networks=6, blueprints=dict(population=4), modules=dict(population=5)),
    "CompoundScaling": dict(
        phis=70, powers={f"layer{k}.width": 1 for k in range(4)}, start={"layer1.kernel": 3, "layer3.kernel": 3}
    ),
    "NetAdapt": dict(target=0.1),
    "DARTS": dict(epochs=9),
    "IRNAS": dict(epochs=9, warmup=2),
    "FNA": dict(epochs=9, warmup=3, every=2, cost_weight=0),
    "EDNAS": dict(epochs=9, latency=0, feedback=False),
    "ProgressiveShrinking": dict(epochs=8, candidates=12, answers=3),
    "ENAS": dict(epochs=6, candidates=12, hidden=16),
    "OneShot": dict(epochs=9, candidates=20),
}


def make(name: str) -> Strategy:
    return build(STRATEGIES, {"type": name, **SMALL.get(name, {})})


@pytest.fixture(params=STRATEGIES.names())
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def ended(number: int, proposal: Proposal, status: Status = "done") -> Trial:
    """One stage of a proposal, in closed form."""
    depth = 2 if proposal.onward else 1
    if status == "failed":
        return Trial(number, proposal, (), "failed", None, "broken on purpose", "error", depth - 1)
    layers = SPACE.model(proposal.arch)["layers"]
    score, params = formula.score(layers, [math.inf] * 4), formula.costs(layers, (3, 64, 64))["params"]
    result = StageResult(f"stage{depth}", {"score": score}, Cost(1, 1, 0.0))
    return Trial(number, proposal, (result,), status, score, depth=depth, objectives=(score, -params))


def statuses(seed: int) -> Iterator[Status]:
    rng = Random(seed)
    while True:
        yield rng.choice(["done", "done", "stopped", "failed"])  # type: ignore[misc]


def played(strategy: AskTell, count: int, seed: int = 0) -> list[Trial]:
    strategy.start(SPACE, 0)
    trials: list[Trial] = []
    for number, status in zip(range(count), statuses(seed), strict=False):
        proposal = strategy.ask(Random(number))
        assert proposal is not None
        trials.append(ended(number, proposal, status))
        strategy.tell(trials[-1])
    return trials


@pytest.fixture(params=[name for name, cls in STRATEGIES.classes().items() if issubclass(cls, AskTell)])
def asking(request: pytest.FixtureRequest) -> str:
    """The name of a strategy that asks and tells."""
    return request.param


def ask_tell(name: str) -> AskTell:
    strategy = make(name)
    assert isinstance(strategy, AskTell)
    return strategy


def test_proposals_are_legal_whatever_becomes_of_them(asking: str) -> None:
    trials = played(ask_tell(asking), 60)
    for trial in trials:
        proposal = trial.proposal
        assert SPACE.architecture(trial.arch.as_dict()) == trial.arch
        if proposal.parent is not None:
            assert proposal.parent < trial.id
            assert trials[proposal.parent].reward is not None  # it left weights
        if proposal.onward:
            assert trials[proposal.parent or 0].arch == trial.arch


class Picky(ToySpace):
    """Says that no network can be built where two neighbours have the same kernel."""

    def flaw(self, choices: Mapping[str, Choice]) -> str | None:
        kernels = [choices[f"layer{k}.kernel"] for k in range(4)]
        return "twins" if any(a == b for a, b in pairwise(kernels)) else None


def test_it_proposes_only_what_makes_a_network(asking: str) -> None:
    strategy, space = ask_tell(asking), Picky()
    strategy.start(space, 0)
    for number in range(40):
        proposal = strategy.ask(Random(number))
        assert proposal is not None
        assert space.flaw(proposal.arch.as_dict()) is None
        strategy.tell(ended(number, proposal))


def test_it_listens_to_trials_that_it_never_asked_for(asking: str) -> None:
    strategy = ask_tell(asking)
    strategy.start(SPACE, 0)
    for number in (5, 3, 4):
        strategy.tell(ended(number, Proposal(SPACE.sample(Random(number)))))
    assert strategy.ask(Random(0)) is not None


def test_it_survives_nothing_but_failures(asking: str) -> None:
    strategy = ask_tell(asking)
    strategy.start(SPACE, 0)
    for number in range(30):
        proposal = strategy.ask(Random(number))
        assert proposal is not None
        strategy.tell(ended(number, proposal, "failed"))


def test_starting_again_forgets(asking: str) -> None:
    strategy = ask_tell(asking)
    first = [trial.proposal for trial in played(strategy, 20)]
    assert [trial.proposal for trial in played(strategy, 20)] == first
    assert [trial.proposal for trial in played(ask_tell(asking), 20)] == first


def test_weights_that_a_proposal_asks_for_were_kept(asking: str) -> None:
    strategy = ask_tell(asking)
    strategy.start(SPACE, 0)
    kept: set[int] = set()
    for number in range(60):
        proposal = strategy.ask(Random(number))
        assert proposal is not None
        assert proposal.parent is None or proposal.parent in kept
        strategy.tell(ended(number, proposal))
        kept = (kept | {number}) & set(strategy.keeps)  # what is once dropped does not come back


def test_golden_trajectory(asking: str, golden) -> None:
    """Twenty proposals on the toy space; an accidental change of behaviour shows as a diff."""
    trials = played(ask_tell(asking), 20)
    golden(f"trajectory_{asking}.json", [[trial.arch.key, trial.reward] for trial in trials])


@dataclass(frozen=True)
class Played:
    """What a study of at most 20 trials came to: not the seconds."""

    planned: int | None
    trials: list[Any]
    answers: list[Any]


class KilledError(Exception):
    """Stands for `kill -9`."""


def play(name: str, toy_study: Any, folder: Path, killed_after: int | None = None) -> Played:
    """On a toy protocol of two stages, a gate and two objectives."""

    def watch(study: Study) -> None:
        if len(study.trials) == killed_after:
            raise KilledError

    objectives = dict(names=["score", "params"], goals=["max", "min"])
    with toy_study(folder, budget=dict(trials=20), objectives=objectives) as study:
        study.watch = watch
        strategy = make(name)
        plan = strategy.prepare(study)  # its sentence may be of this moment
        answers = strategy.search(study)
    known = {trial.id: trial for trial in study.trials}
    for answer in answers:
        assert (answer.model is None) != (answer.arch is None)
        assert answer.trial is None or answer.arch == known[answer.trial].arch
    for trial in study.trials:
        assert SPACE.architecture(trial.arch.as_dict()) == trial.arch
    trials = [(t.id, t.proposal, t.note, t.status, t.reward, t.cost.images) for t in study.trials]
    return Played(plan.trials, trials, [(a.trial, a.arch, a.model) for a in answers])


def test_it_spends_the_budget_of_a_study_or_what_it_plans_and_does_it_again(name: str, toy_study, tmp_path) -> None:
    """Also with a loop of its own."""
    first = play(name, toy_study, tmp_path / "first")
    assert len(first.trials) == (20 if first.planned is None else min(20, first.planned))
    assert first.answers
    assert play(name, toy_study, tmp_path / "second") == first


@pytest.mark.parametrize("count", [1, 7, 8, 13, 20])
def test_a_killed_study_goes_on_as_if_nothing_had_happened(name: str, count: int, toy_study, tmp_path: Path) -> None:
    whole = play(name, toy_study, tmp_path / "whole")
    if len(whole.trials) < count:
        pytest.skip(f"{name} is over by then")
    with pytest.raises(KilledError):
        play(name, toy_study, tmp_path / "killed", count)
    assert play(name, toy_study, tmp_path / "killed") == whole
