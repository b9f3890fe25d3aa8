"""What a kill, a power failure or somebody's hand leaves of a run's folder, and what is made of it."""

from __future__ import annotations

import shutil
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from benchmarks.executors import InlineExecutor
from benchmarks.ledger import Ledger, read_trials
from strategies import Proposal, Trial
from strategies.random_search import RandomSearch
from tasks.toy import ToyTask

# The second stage goes on with the epochs of the first: what it scores depends on the weights that it starts from.
CHANGES: dict[str, Any] = dict(
    stages=[dict(name="short", recipe=dict(epochs=1)), dict(name="long", recipe=dict(epochs=4, continues=True))],
    gate=None,
    budget=dict(trials=6),
)


class KilledError(BaseException):
    """Stands for `kill -9`."""


class Forgetful(InlineExecutor):
    """Its worker dies when the job numbered `deadly` is done, before anybody hears of that."""

    def __init__(self, deadly: int):
        super().__init__()
        self.left = deadly

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        future = super().submit(fn, *args, **kwargs)
        self.left -= 1
        if self.left == 0:
            future._exception, future._result = BrokenProcessPool("dead"), None
        return future


def facts(trials: list[Trial]) -> list[Any]:
    return [(t.id, t.arch.key, t.status, t.reward, t.depth, t.cost.images) for t in trials]


@pytest.fixture
def whole(toy_study, tmp_path: Path) -> Path:
    """The folder of a study that nothing has happened to."""
    with toy_study(tmp_path / "whole", **CHANGES) as study:
        RandomSearch().search(study)
    return tmp_path / "whole"


def resumed(toy_study, folder: Path) -> list[Any]:
    with toy_study(folder, **CHANGES) as study:
        RandomSearch().search(study)
    assert facts(read_trials(folder / "trials.jsonl")) == facts(study.trials)
    return facts(study.trials)


def test_a_stage_whose_weights_were_left_but_not_told_begins_where_it_began(
    toy_study, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, calls = ToyTask.train_and_score, 0

    def dies(self: ToyTask, *arguments: Any) -> Any:
        nonlocal calls
        result = fit(self, *arguments)
        calls += 1
        if calls == 4:  # the second stage of the second trial
            raise KilledError
        return result

    with monkeypatch.context() as patch, toy_study(tmp_path / "cut", **CHANGES) as study:
        patch.setattr(ToyTask, "train_and_score", dies)
        with pytest.raises(KilledError):
            RandomSearch().search(study)
    assert resumed(toy_study, tmp_path / "cut") == facts(read_trials(whole / "trials.jsonl"))


def test_a_worker_that_dies_after_it_left_its_weights_is_replaced(toy_study, whole: Path, tmp_path: Path) -> None:
    with toy_study(tmp_path / "cut", executor=Forgetful(4), **CHANGES) as study:
        RandomSearch().search(study)
    assert facts(study.trials) == facts(read_trials(whole / "trials.jsonl"))


@pytest.mark.parametrize("name", ["trials.jsonl", "events.jsonl"])
@pytest.mark.parametrize("lines", [1, 5, 9])
def test_lines_that_are_gone_never_end_a_search_early(toy_study, whole: Path, name: str, lines: int) -> None:
    """Trials are written again; what events are missing of is made again, or, where its weights are gone, refused."""
    expected = facts(read_trials(whole / "trials.jsonl"))
    kept = (whole / name).read_text().splitlines(keepends=True)[:-lines]
    (whole / name).write_text("".join(kept))
    if (name, lines) == ("events.jsonl", 1):
        with pytest.raises(RuntimeError, match="trial 5 is not what the record of this study says"):
            resumed(toy_study, whole)
    else:
        assert resumed(toy_study, whole) == expected


def test_the_events_of_a_trial_are_on_the_disk_before_it_is_told(toy_study, tmp_path: Path, monkeypatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", lambda file: synced.append(file))
    with toy_study(tmp_path, **CHANGES) as study:
        events = study.ledger._events.fileno()
        study.submit(Proposal(study.space.sample(study.rng())))
        study.collect()
    assert events in synced


def test_a_trial_that_fails_in_a_stage_does_not_have_it_behind_it(toy_study, tmp_path: Path, monkeypatch) -> None:
    fit = ToyTask.train_and_score

    def fails(self: ToyTask, model: Any, stage: Any, *rest: Any) -> Any:
        self.meter.count(5, (64, 64))
        if stage.name == "long":
            raise RuntimeError("broken")
        return fit(self, model, stage, *rest)

    monkeypatch.setattr(ToyTask, "train_and_score", fails)
    with toy_study(tmp_path, **CHANGES) as study:
        study.submit(Proposal(study.space.sample(study.rng())))
        trial = study.collect()
    assert trial is not None
    assert (trial.status, trial.depth) == ("failed", 1)
    assert [stage.cost.images for stage in trial.stages] == [105, 5]


def test_a_failed_trial_leaves_nothing_behind(toy_study, tmp_path: Path, monkeypatch) -> None:
    def fails(self: ToyTask, model: Any, stage: Any, seed: int, start: Any, keep: str, adopt: Any) -> Any:
        Path(f"{keep}.epoch").write_text("a checkpoint")
        raise TimeoutError("too slow")

    monkeypatch.setattr(ToyTask, "train_and_score", fails)
    with toy_study(tmp_path, **CHANGES) as study:
        for _ in range(2):
            study.submit(Proposal(study.space.sample(study.rng())))
            study.collect()
        assert study.collect() is None
    assert not list((tmp_path / "weights").iterdir())


def test_a_refused_network_stays_refused_also_after_a_kill(toy_study, tmp_path: Path, monkeypatch) -> None:
    gate = dict(type="Constraint", name="params", at_most=1)
    changes = {**CHANGES, "gate": gate}

    def dies(self: Ledger, trial: Trial) -> None:
        raise KilledError

    for attempt in range(3):
        with monkeypatch.context() as patch, toy_study(tmp_path, workers=3, **changes) as study:
            if attempt < 2:
                patch.setattr(Ledger, "append", dies)
            arch = study.space.sample(study.rng())
            try:
                while study.wants():
                    study.submit(Proposal(arch))
                while study.collect() is not None:
                    pass
            except KilledError:
                continue
    trials = read_trials(tmp_path / "trials.jsonl")
    assert {trial.failure for trial in trials} == {"refused"}
    assert [trial.id for trial in trials] == [0, 1, 2]


def test_a_copy_without_weights_still_tells_its_trials(toy_study, whole: Path, tmp_path: Path) -> None:
    shutil.rmtree(whole / "weights", ignore_errors=True)
    assert resumed(toy_study, whole) == facts(read_trials(whole / "trials.jsonl"))
