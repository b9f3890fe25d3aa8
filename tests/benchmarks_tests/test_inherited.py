"""Weights travel by handle, by the space's rule, and lie there only as long as somebody may ask for them."""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.executors import InlineExecutor
from benchmarks.run import _begin
from search_spaces.toy.space import ToySpace
from strategies import Answer, AskTell, Proposal, Trial
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks import Start
from tasks.toy import ToyTask


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Start | None, str | None]]:
    """Start and file of every training."""
    seen: list[tuple[Start | None, str | None]] = []
    whole = ToyTask.train_and_score

    def spy(self, model, stage, seed, start, keep, adopt):
        seen.append((start, keep))
        return whole(self, model, stage, seed, start, keep, adopt)

    monkeypatch.setattr(ToyTask, "train_and_score", spy)
    return seen


def name(path: str) -> str:
    """The trial, and how many of its stages are behind the weights in this file."""
    return Path(path).stem


def test_a_parents_weights_reach_the_job(toy_study, tmp_path: Path, seen: list[Any]) -> None:
    with toy_study(tmp_path, gate=None) as one:
        parent = one.space.sample(one.rng())
        one.submit(Proposal(parent))
        one.collect()
        one.keep([0])
        one.submit(Proposal(parent))
        again = one.collect()
        one.keep([1])  # a repeated one has the weights of the first of its kind
        one.submit(Proposal(one.space.mutate(parent, one.rng()), parent=again.id))
        one.collect()
    starts = [name(start.path) if start else None for start, _ in seen]
    assert starts == [None, "00000-1", "00000-2", "00002-1"]
    assert [start is not None and start.inherit is not None for start, _ in seen] == [False, False, True, False]


def test_the_spaces_rule_is_asked(toy_study, tmp_path: Path, seen: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        ToySpace, "inherit", lambda self, weights, fresh, parent, child: asked.append((parent, child)) or fresh
    )
    with toy_study(tmp_path, gate=None) as one:
        parent = one.space.sample(one.rng())
        child = one.space.mutate(parent, one.rng())
        one.submit(Proposal(parent))
        one.collect()
        one.keep([0])
        one.submit(Proposal(child, parent=0, stages=1))
        one.collect()
    start = seen[-1][0]
    assert start.inherit({}, {"new": 1}) == {"new": 1}
    assert asked[-1] == (parent, child)


def test_weights_that_nobody_asks_for_are_removed(toy_study, tmp_path: Path) -> None:
    with toy_study(tmp_path / "random") as one:
        RandomSearch().search(one)
    assert len(list((tmp_path / "random/weights").glob("*"))) <= 1
    with toy_study(tmp_path / "evolution") as one:
        RegularizedEvolution(5, 2, inherit=True).search(one)
    assert 1 <= len(list((tmp_path / "evolution/weights").glob("*"))) <= 6
    assert {trial.proposal.parent is None for trial in one.trials} == {True, False}


def test_weights_that_were_not_kept_cannot_be_inherited(toy_study, tmp_path: Path) -> None:
    class Forgetful(AskTell):
        def ask(self, rng):
            return Proposal(self.space.sample(rng), parent=0 if self.told > 2 else None)

        def start(self, space, seed):
            super().start(space, seed)
            self.told = 0

        def tell(self, trial: Trial) -> None:
            self.told += 1

    with toy_study(tmp_path) as one, pytest.raises(ValueError, match="trial 0 left no weights for trial 3"):
        Forgetful().search(one)


class Held(InlineExecutor):
    """Does its first job when it is let go."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if hasattr(self, "job"):
            return super().submit(fn, *args, **kwargs)
        self.job, self.future = partial(fn, *args, **kwargs), Future[Any]()
        return self.future

    def let_go(self) -> None:
        self.future.set_result(self.job())


def test_a_final_training_begins_with_the_weights_of_its_trial_whichever_came_first(toy_study, tmp_path: Path) -> None:
    held = Held()
    with toy_study(tmp_path, workers=2, executor=held, gate=None) as one:
        for _ in range(2):
            one.submit(Proposal(one.space.sample(one.rng())))
        one.collect()
        held.let_go()
        one.collect()
        assert [trial.id for trial in one.trials] == [1, 0]
        begins = [_begin(one, Answer(trial.arch, trial.id, parent=trial.id)) for trial in one.trials]
    assert [begin and begin.handle for begin in begins] == ["weights/00001-2.pth", "weights/00000-2.pth"]
