"""What every strategy promises. A new one is covered by being registered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.benchmark import Benchmark, Budget, read_config, strategy_files
from benchmarks.executors import InlineExecutor
from benchmarks.study import Study
from search_spaces import Choice
from search_spaces.toy import ToySpace
from strategies import STRATEGIES, AskTell, Proposal, StageResult, Strategy, Trial
from strategies.darts import DARTS
from tasks import Cost
from tasks.toy import ToyTask

STRATEGIES.import_from_location()
SPACE = ToySpace()
SMALL: dict[str, dict[str, Any]] = {
    "RegularizedEvolution": dict(population=6, tournament=3),
    "PPO": dict(hidden=16, layers=1, lr=1e-2, batch=4, epochs=3),
    "Progressive": dict(
        parts=[dict(prefix="layer0.", trials=8), dict(prefix="layer3.", trials=12)],
        start={name: options[0] for name, options in SPACE.decisions.items() if not name.startswith("layer0.")},
        strategy=dict(type="RegularizedEvolution", population=4, tournament=2),
    ),
}


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


class Picky(ToySpace):
    """Says that no network can be built where two neighbours have the same kernel."""

    def flaw(self, choices: Mapping[str, Choice]) -> str | None:
        kernels = [choices[f"layer{k}.kernel"] for k in range(4)]
        return "twins" if any(a == b for a, b in pairwise(kernels)) else None


def test_it_proposes_only_what_makes_a_network(name: str) -> None:
    strategy, space = ask_tell(name), Picky()
    strategy.start(space)
    for number in range(40):
        proposal = strategy.ask(Random(number))
        assert proposal is not None
        assert space.flaw(proposal.arch.as_dict()) is None
        strategy.tell(ended(number, proposal))


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


def playable(name: str) -> None:
    """Skip what follows gradients, which has tests of its own, as the toy has no supernet."""
    if isinstance(make(name), DARTS):
        with pytest.raises(ValueError, match="has no supernet"):
            make(name).check(SPACE)
        pytest.skip(f"{name} needs a supernet")


def play(name: str, folder: Path, known: bytes = b"") -> list[Any]:
    """What a study of 20 trials on the toy benchmark comes to, from a ledger that holds `known`: not the seconds."""
    folder.mkdir()
    (folder / "trials.jsonl").write_bytes(known)
    config = read_config(next(strategy_files("toy"))).to_dict()["benchmark"]
    benchmark = replace(Benchmark.of(config), budget=Budget(trials=20))
    task = json.dumps({"type": "tasks.toy.ToyTask", "noise": 4.0})
    with Study(benchmark, 0, folder, task, InlineExecutor()) as study:
        answer = make(name).search(study)
    assert answer in [trial.arch for trial in study.trials]
    for trial in study.trials:
        assert SPACE.architecture(trial.arch.as_dict()) == trial.arch
    return [(t.id, t.proposal, t.status, t.reward, t.cost.images) for t in study.trials] + [answer]


def test_it_spends_the_budget_of_a_study_and_does_it_again(name: str, tmp_path: Path) -> None:
    """Also with a loop of its own."""
    playable(name)
    first = play(name, tmp_path / "first")
    assert len(first) == 20 + 1
    assert play(name, tmp_path / "second") == first


def test_a_killed_study_goes_on_as_if_nothing_had_happened(name: str, tmp_path: Path) -> None:
    playable(name)
    whole = play(name, tmp_path / "whole")
    lines = (tmp_path / "whole/trials.jsonl").read_bytes().splitlines(keepends=True)
    for count in (1, 7, 8, 13, 20):
        assert play(name, tmp_path / f"cut{count}", b"".join(lines[:count])) == whole
