"""Failures that are not one candidate's: many of a kind in a row, a worker that hangs."""

from __future__ import annotations

import math
import sys
import time
from concurrent.futures import Executor, Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.executors import InlineExecutor, ProcessExecutor
from benchmarks.ledger import read_trials
from benchmarks.run import Run
from benchmarks.running.job import Failed, Job, MachineError, run
from benchmarks.torture.candidates import nap
from search_spaces import Architecture
from strategies import Answer, Proposal, Strategy
from strategies.random_search import RandomSearch
from tasks.toy import ToyTask


def test_a_study_ends_where_trials_fail_one_after_the_other_and_goes_on_from_there(toy_study, tmp_path: Path) -> None:
    for told in (25, 49):  # the last one of the record, which nothing stands behind, is the first of the next
        with (
            toy_study(tmp_path, task={"type": "benchmarks.torture.candidates.Broken"}) as one,
            pytest.raises(
                RuntimeError, match=r"25 trials in a row failed \(error\), the last with .*nothing works today"
            ),
        ):
            RandomSearch().search(one)
        assert len(one.trials) == told


def test_refused_networks_are_no_failures_in_a_row(toy_study) -> None:
    with toy_study(gate=dict(type="Constraint", name="params", at_most=0)) as one:
        for _ in range(30):
            one.submit(Proposal(one.space.sample(one.rng())))
            one.collect()
    assert one.counts["failed"] == 30


def test_refused_networks_between_failures_make_no_new_row(toy_study) -> None:
    gate, task = dict(type="Constraint", name="params", at_most=5000), "benchmarks.torture.candidates.Broken"
    with (
        toy_study(task=dict(type=task), gate=gate, budget=dict(trials=200)) as one,
        pytest.raises(RuntimeError, match="25 trials in a row failed"),
    ):
        RandomSearch().search(one)
    assert {trial.failure for trial in one.trials} == {"refused", "error"}


@pytest.mark.parametrize("value", [np.float32(2.5), torch.tensor(2.5), 2.5])
def test_metrics_of_any_number_are_recorded_as_numbers(toy_study, tmp_path: Path, monkeypatch, value: Any) -> None:
    monkeypatch.setattr(ToyTask, "train_and_score", lambda *how: ({"score": value, "best": True}, None))
    for _ in range(2):  # played, and played back
        with toy_study(tmp_path, budget=dict(trials=2)) as one:
            RandomSearch().search(one)
        assert {tuple(trial.stages[0].metrics.items()) for trial in one.trials} == {(("score", 2.5), ("best", 1.0))}
        assert one.counts["failed"] == 0


def test_an_error_that_names_a_file_that_is_no_utf8_is_recorded(toy_study, tmp_path: Path, monkeypatch) -> None:
    def fails(*how: Any) -> Any:
        raise OSError("no picture \udcff.png")

    with monkeypatch.context() as patched, toy_study(tmp_path, budget=dict(trials=2)) as one:
        patched.setattr(ToyTask, "train_and_score", fails)
        one.submit(Proposal(one.space.sample(one.rng())))
        one.collect()
    with toy_study(tmp_path, budget=dict(trials=2)) as again:
        RandomSearch().search(again)
    assert r"OSError: no picture \udcff.png" in (again.trials[0].error or "")


class Endless(Executor):
    """Its jobs end when they are told to."""

    def __init__(self) -> None:
        self.jobs: list[Future[Any]] = []
        self.ended: list[Future[Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.jobs.append(Future())
        return self.jobs[-1]

    def end(self, future: Future[Any]) -> None:
        self.ended.append(future)


def test_no_more_jobs_run_than_there_are_workers_where_more_had_begun(toy_study, tmp_path: Path) -> None:
    for workers in (3, 1):
        jobs = Endless()
        with toy_study(tmp_path, workers=workers, executor=jobs) as one:
            while one.wants():
                one.submit(Proposal(one.space.sample(one.rng())))
            assert len(jobs.jobs) == workers
    jobs = Endless()
    with toy_study(tmp_path, workers=1, executor=jobs) as one:
        while one.wants():
            one.submit(Proposal(one.space.sample(one.rng())))
        for number in range(3):
            jobs.jobs[-1].set_result(Failed("error", "it is broken"))
            assert one.collect().id == number
            assert len(jobs.jobs) == min(number + 2, 3)


def test_what_runs_is_ended_where_an_error_ends_the_study(toy_study) -> None:
    jobs = Endless()
    with suppress(KeyError), toy_study(workers=2, executor=jobs) as one:
        for _ in range(2):
            one.submit(Proposal(one.space.sample(one.rng())))
        raise KeyError
    assert jobs.ended == jobs.jobs
    before = time.monotonic()
    with suppress(KeyError), ProcessExecutor(1) as pool:
        for _ in range(2):
            pool.submit(time.sleep, 600)
        raise KeyError
    assert time.monotonic() - before < 300


def test_jobs_that_wait_are_shared_out() -> None:
    with suppress(KeyError), ProcessExecutor(3) as pool:
        for _ in range(7):
            pool.submit(time.sleep, 600)
        waiting = sorted(map(len, pool.futures))
        raise KeyError
    assert waiting == [2, 2, 3]


def test_a_worker_that_hangs_is_ended_and_its_trial_has_failed(toy_study, tmp_path: Path) -> None:
    changes: dict[str, Any] = dict(task={"type": "benchmarks.torture.candidates.Hanging"}, gate=None, patience=1.0)
    with ProcessExecutor(1) as pool, toy_study(tmp_path, executor=pool, **changes) as one:
        before = pool.submit(nap).result()
        one.submit(Proposal(one.space.architecture({**one.space.sample(one.rng()).as_dict(), "layer0.kernel": 5})))
        trial = one.collect()
        assert trial is not None
        assert (trial.status, trial.failure, trial.error) == ("failed", "timeout", "took over 1 seconds")
        assert pool.submit(nap).result() != before


def test_a_patience_needs_workers_that_can_be_ended(tool: Any, tmp_path: Path) -> None:
    done = tool("run_benchmark", "toy", "--work-dir", tmp_path, "--patience", 3)
    assert (done.returncode, "--executor process or ray" in done.stderr) == (2, True)


def test_a_worker_that_lacks_what_a_benchmark_imports_ends_the_run_and_says_so() -> None:
    job: Any = Job("{}", "{}", {}, None, stage=None, imports=("nowhere",))  # type: ignore[arg-type]
    with pytest.raises(
        MachineError, match=r"a worker cannot import nowhere \(ModuleNotFoundError: .*: the same command"
    ):
        run(job)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (dict(choices={"layer0.act": 999}), "decision 'layer0.act' cannot be 999: give one of"),
        (dict(choices={"layer9.act": "relu"}), "unknown decision 'layer9.act'"),
        (dict(parent=False), "parent of the trial must be a whole number, not False"),
        (dict(note={"loss": math.nan}), "Out of range float"),
        (dict(note={"file": "\udcff"}), r"can't encode character .* surrogates not allowed"),
        (dict(note={"loss": object()}), "object is not JSON serializable"),
    ],
)
def test_what_a_strategy_proposes_and_no_record_can_hold_is_refused_before_it_is_written(
    toy_study, tmp_path: Path, given: dict[str, Any], sentence: str
) -> None:
    with toy_study(tmp_path, budget=dict(trials=2)) as one:
        arch = one.space.sample(one.rng())
        one.submit(Proposal(arch))
        one.collect()
        one.keep([0])
        choices = {**arch.as_dict(), **given.pop("choices", {})}
        proposal = Proposal(Architecture(tuple(sorted(choices.items())), arch.form), **given)
        with pytest.raises(ValueError, match=rf"trial 1 cannot be recorded \(.*{sentence}.*\): let the strategy give"):
            one.submit(proposal)
    with toy_study(tmp_path, budget=dict(trials=2)) as again:
        RandomSearch().search(again)
    assert len(again.trials) == 2


@pytest.mark.parametrize("given", [dict(stages="2"), dict(stages=1.0), dict(parent=[0]), dict(note=["a list"])])
def test_a_proposal_of_wrong_types_is_refused(toy_study, tmp_path: Path, given: dict[str, Any]) -> None:
    with (
        toy_study(tmp_path) as one,
        pytest.raises(ValueError, match=r"trial 0 .*(mend its Proposal|plain JSON)"),
    ):
        one.submit(Proposal(one.space.sample(one.rng()), **given))


@pytest.mark.parametrize("value", [np.float32(3), torch.tensor(3.0), True])
def test_costs_of_any_number_are_recorded_as_numbers(toy_study, tmp_path: Path, monkeypatch, value: Any) -> None:
    monkeypatch.setattr(ToyTask, "measure", lambda *how: {"params": value})
    for _ in range(2):  # played, and played back
        with toy_study(tmp_path, gate=dict(type="Constraint", name="params", at_most=9), budget=dict(trials=2)) as one:
            RandomSearch().search(one)
            assert one.trials[0].measures == {"params": float(value)}


def test_what_a_reward_says_can_be_read_again_whatever_it_is(toy_study, tmp_path: Path, monkeypatch) -> None:
    def refuses(*_: Any) -> None:
        raise ValueError("no file \udcff.png")

    for _ in range(2):
        with toy_study(tmp_path, budget=dict(trials=2)) as one:
            monkeypatch.setattr(type(one.benchmark.reward), "__call__", refuses)
            with pytest.raises(RuntimeError, match="all 2 trials failed"):
                RandomSearch().search(one)
    assert [trial.error for trial in read_trials(tmp_path / "trials.jsonl")] == ["no file \\udcff.png"] * 2


@pytest.mark.parametrize("value", ["3", math.nan, True])
def test_what_a_strategy_has_measured_and_no_record_can_hold_is_refused(toy_study, tmp_path: Path, value: Any) -> None:
    with toy_study(tmp_path) as one:
        arch, _ = one.space.sample(one.rng()), one.task
        with pytest.raises(ValueError, match=f"'score' in metrics of the trial must be a finite number, not {value!r}"):
            one.record(arch, {"score": value})
    with toy_study(tmp_path) as again:
        assert again.recall() is None


MODEL: dict[str, Any] = {"layers": [{"width": 4, "kernel": 3, "act": "relu"}]}


def opened(toy_config: dict[str, Any], work: Path, strategy: Any = "RandomSearch") -> Run:
    config = {"benchmark": {**toy_config, "budget": dict(trials=3)}, "strategy": dict(type=strategy)}
    return Run(config, "one", 0, work, "cpu")


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ([], "the search answers with no network: let it return one Answer at least"),
        (None, "the search answers with no network"),
        (["relu"], "the search answers with a str: let it return a list of Answer"),
        ([Answer()], "an Answer without a network"),
        ([Answer(model=MODEL, parent=99)], "answers with trial 99, which has not ended"),
        ([Answer(model=MODEL, trial=0)], "answers with trial 0, and another arch"),
    ],
)
def test_an_answer_that_is_none_is_refused(
    toy_config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: Any, sentence: str
) -> None:
    run = opened(toy_config, tmp_path)
    run.prepare()
    searched = run.strategy.search
    monkeypatch.setattr(run.strategy, "search", lambda study: (searched(study), answers)[1])
    with run.open(InlineExecutor(), 1) as study, pytest.raises(ValueError, match=sentence):
        run.search(study)
    assert not (run.folder / "answers").exists()


class Leaving(Strategy):
    def prepare(self, study: Any) -> Any:
        sys.exit(0)

    def search(self, study: Any) -> list[Answer]:
        return []


def test_a_strategy_that_leaves_before_it_begins_does_not_end_the_command(toy_config, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"one leaves with exit\(0\) before it begins: let it raise"):
        opened(toy_config, tmp_path, f"{__name__}.Leaving").prepare()
