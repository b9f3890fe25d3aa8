"""Failures that are not one candidate's: many of a kind in a row, a worker that hangs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.executors import ProcessExecutor
from benchmarks.torture.candidates import nap
from strategies import Proposal
from strategies.random_search import RandomSearch


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
    task, gate = (
        {"type": "benchmarks.torture.candidates.Broken"},
        dict(type="Constraint", name="params", at_most=9000),
    )
    with toy_study(task=task, gate=gate) as one, pytest.raises(RuntimeError, match="25 trials in a row failed"):
        RandomSearch().search(one)
    assert {trial.failure for trial in one.trials} == {"refused", "error"}


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
