"""A study: meters, shares equal evaluations, survives failures; what it refuses."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.executors import ProcessExecutor
from benchmarks.gates import RunningMean
from benchmarks.running.job import MachineError
from strategies import Proposal, Trial, next_stage
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.rewards import Metric
from tasks.toy import ToyTask

TOY = {"type": "ToyTask", "noise": 4.0}


def facts(trials: list[Trial]) -> list[Any]:
    """Everything that must be the same again: not the seconds."""
    return [
        (t.id, t.arch.key, t.status, t.reward, [(s.name, s.metrics, s.cost.images, s.cost.pixels) for s in t.stages])
        for t in trials
    ]


class OutOfMemoryError(RuntimeError):
    """Called as torch's is, of a GPU."""


def evaluated(study, proposal: Proposal) -> Trial:
    study.submit(proposal)
    trial = study.collect()
    assert trial is not None
    return trial


def test_both_budgets_end_a_search(toy_study, tmp_path: Path) -> None:
    with toy_study(tmp_path / "a", budget=dict(trials=9)) as one:
        RandomSearch().search(one)
    assert len(one.trials) == 9
    with toy_study(budget=dict(trials=1000, images=2000)) as one:
        RandomSearch().search(one)
    spent = [trial.cost.images for trial in one.trials]
    assert sum(spent[:-1]) < 2000 <= sum(spent) == one.cost.images


def test_running_figures_are_those_of_the_trials(toy_study) -> None:
    with toy_study(task={**TOY, "broken": "tanh"}) as one:
        RegularizedEvolution(8, 3).search(one)
    for status in ("done", "stopped", "failed"):
        assert one.counts[status] == sum(trial.status == status for trial in one.trials)
    assert one.failed_cost.images == sum(trial.cost.images for trial in one.trials if trial.status == "failed")


def test_an_equal_evaluation_is_not_made_again(toy_study, tmp_path: Path) -> None:
    with toy_study(tmp_path) as one:
        arch = one.space.sample(one.rng())
        first, second = (evaluated(one, Proposal(arch)) for _ in range(2))
    assert (first.id, second.id) == (0, 1)
    assert (second.status, second.reward) == (first.status, first.reward)
    assert [stage.metrics for stage in second.stages] == [stage.metrics for stage in first.stages]
    assert first.cost.images > 0 == second.cost.images
    assert one.counts["duplicate"] == 1


def test_the_same_network_from_another_parent_or_through_other_stages_is_another_evaluation(
    toy_study, tmp_path
) -> None:
    with toy_study(tmp_path, gate=None) as one:
        parents = [one.space.sample(one.rng()), one.space.mutate(one.space.sample(one.rng()), one.rng())]
        for parent in parents:
            evaluated(one, Proposal(parent))
            one.keep([0, 1])
        child = one.space.mutate(parents[0], one.rng())
        proposals = [
            Proposal(child),
            Proposal(child, parent=0),
            Proposal(child, parent=1),
            Proposal(child, stages=1),
            Proposal(child, parent=1),
        ]
        costs = [evaluated(one, proposal).cost.images for proposal in proposals]
    assert costs == [500, 500, 500, 100, 0]


def test_equal_evaluations_in_flight_are_made_once(toy_study, tmp_path: Path) -> None:
    with ProcessExecutor(1) as pool, toy_study(tmp_path, workers=3, gate=None, executor=pool) as one:
        arch = one.space.sample(one.rng())
        for _ in range(3):
            one.submit(Proposal(arch))
        trials = [one.collect() for _ in range(3)]
    assert [trial.id for trial in trials] == [0, 1, 2]
    assert len({trial.reward for trial in trials}) == 1
    assert [trial.cost.images for trial in trials] == [500, 0, 0]


def test_equal_evaluations_in_flight_meet_the_gate_once_also_after_a_kill(toy_study, tmp_path, monkeypatch) -> None:
    asked, stop = [], RunningMean.stop
    monkeypatch.setattr(
        RunningMean, "stop", lambda gate, stage, *seen: asked.append((id(gate), stage)) or stop(gate, stage, *seen)
    )
    for collected in (1, 3):  # the first one is killed with two in flight
        with toy_study(tmp_path, workers=3) as one:
            arch = one.space.sample(one.rng())
            for _ in range(3):
                one.submit(Proposal(arch))
            trials = [one.collect() for _ in range(collected)]
    assert {trial.status for trial in trials} == {"done"}
    assert [stage for _, stage in asked] == ["short"] * 2
    assert len({gate for gate, _ in asked}) == 2, "each study has a gate of its own"


def test_a_trial_is_taken_on_to_its_next_stage(toy_study, tmp_path: Path) -> None:
    with toy_study(tmp_path) as one:
        arch = one.space.sample(one.rng())
        first = evaluated(one, Proposal(arch, stages=1))
        one.keep([0])
        second = evaluated(one, next_stage(first, {"rung": 1}))
        assert [(trial.depth, [stage.name for stage in trial.stages]) for trial in (first, second)] == [
            (1, ["short"]),
            (2, ["long"]),
        ]
        assert second.note == {"rung": 1}
        with pytest.raises(ValueError, match="asks for 1 more stages, of 0 that are left"):
            one.submit(next_stage(second))


@pytest.mark.parametrize("common", [True, False])
def test_a_common_seed_does_the_same_to_all_trials(toy_study, common: bool) -> None:
    """What a seed adds to a score of the landscape, here in a stage of one epoch, is the same for all, or is drawn for each."""
    with toy_study(common_seed=common, budget=dict(trials=12), gate=None) as one:
        RandomSearch().search(one)
    with toy_study(task={**TOY, "noise": 0.0}, budget=dict(trials=12), gate=None) as silent:
        RandomSearch().search(silent)
    assert [trial.arch for trial in one.trials] == [trial.arch for trial in silent.trials]
    for stage in range(len(one.benchmark.stages)):
        added = {
            round(a.stages[stage].metrics["score"] - b.stages[stage].metrics["score"], 9)
            for a, b in zip(one.trials, silent.trials, strict=True)
        }
        assert (len(added) == 1) == common
        assert 0 not in added


def test_a_note_is_recorded_and_told_back(toy_study, tmp_path: Path) -> None:
    with toy_study(tmp_path) as one:
        note = {"species": 3, "innovations": [1, 2], "log_prob": -1.25}
        assert evaluated(one, Proposal(one.space.sample(one.rng()), note=note)).note == note
    assert json.loads((tmp_path / "trials.jsonl").read_text())["note"] == note
    assert json.loads((tmp_path / "events.jsonl").read_text().splitlines()[1])["note"] == note


def test_a_broken_candidate_is_a_failed_trial_with_its_cause(toy_study) -> None:
    with toy_study(task={**TOY, "broken": "tanh"}) as one:
        (answer,) = RegularizedEvolution(8, 3).search(one)
    failed = [trial for trial in one.trials if trial.status == "failed"]
    assert failed
    assert all("'tanh' is broken on purpose" in (trial.error or "") and trial.reward is None for trial in failed)
    assert {trial.failure for trial in failed} == {"error"}
    assert len(one.trials) == one.benchmark.budget.trials
    assert all(answer.arch[f"layer{k}.act"] != "tanh" for k in range(4))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OutOfMemoryError("CUDA out of memory"), "out_of_memory"),
        (FloatingPointError("the loss became nan"), "not_finite"),
        (TimeoutError("3 s are over"), "timeout"),
        (RuntimeError("a tensor has the wrong shape"), "error"),
    ],
)
def test_failures_have_kinds_cost_what_they_cost_and_are_tried_again(
    toy_study, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str
) -> None:
    def fails(self, model, stage, seed, start, keep, adopt):
        self.meter.count(7, (64, 64))
        raise error

    with toy_study() as one:
        arch = one.space.sample(one.rng())
        with monkeypatch.context() as patched:
            patched.setattr(ToyTask, "train_and_score", fails)
            first = evaluated(one, Proposal(arch))
        assert (first.failure, first.cost.images) == (kind, 7)
        assert evaluated(one, Proposal(arch)).status != "failed"
    assert one.failed_cost.images == 7


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        OSError(30, "Read-only file system"),
        MemoryError(),
        RuntimeError("could not create a primitive"),
        RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried ..."),
        RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 483328 vs 483224"),
    ],
    ids=lambda error: str(error)[:20],
)
def test_a_full_machine_is_not_the_candidates_fault(toy_study, tmp_path: Path, monkeypatch, error: Exception) -> None:
    def fails(self, model, stage, seed, start, keep, adopt):
        raise error

    with monkeypatch.context() as patch, toy_study(tmp_path) as one:
        patch.setattr(ToyTask, "train_and_score", fails)
        with pytest.raises(MachineError, match="the machine failed, not the network"):
            evaluated(one, Proposal(one.space.sample(one.rng())))
    with toy_study(tmp_path) as one:
        assert evaluated(one, Proposal(one.space.sample(one.rng()))).status != "failed"


def test_a_reward_that_cannot_be_computed_makes_a_failed_trial_also_of_an_epoch(toy_study, tmp_path: Path) -> None:
    reward = dict(type="GeometricMean", names=["score"])
    for _ in range(2):  # played, and played back
        with toy_study(tmp_path, reward=reward, gate=None) as one:
            made = one.recall() or one.record(one.space.sample(one.rng()), {"score": -3.0})
        assert (made.status, made.failure, made.reward) == ("failed", "error", None)
        assert "must not be negative" in (made.error or "")


@pytest.mark.parametrize("given", [1j, math.nan, math.inf, None, "x", [1.0], 10**400, np.ones(2)])
def test_a_reward_that_is_no_number_makes_a_failed_trial(toy_study, monkeypatch, given: Any) -> None:
    monkeypatch.setattr(Metric, "__call__", lambda self, metrics: given)
    with toy_study() as one:
        trial = evaluated(one, Proposal(one.space.sample(one.rng())))
    assert (trial.status, trial.failure) == ("failed", "error")
    assert "the reward" in (trial.error or "")


def test_where_everything_fails_the_search_says_why(toy_study) -> None:
    with (
        toy_study(task={"type": "benchmarks.torture.candidates.Broken"}, budget=dict(trials=20)) as one,
        pytest.raises(RuntimeError, match="all 20 trials failed"),
    ):
        RandomSearch().search(one)


def test_where_nothing_is_proposed_the_search_says_so(toy_study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RandomSearch, "ask", lambda self, rng: None)
    with toy_study() as one, pytest.raises(RuntimeError, match="no trial was made"):
        RandomSearch().search(one)


def test_a_metric_that_is_not_finite_is_a_failure(toy_study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.toy.formula.score", lambda layers, gains: math.nan)
    with toy_study() as one:
        trial = evaluated(one, Proposal(one.space.sample(one.rng())))
    assert trial.failure == "not_finite"
    assert "not finite" in (trial.error or "")


def test_a_reward_that_cannot_be_computed_is_a_failed_trial(toy_study) -> None:
    reward = dict(type="GeometricMean", names=["score", "loss"])
    with toy_study(reward=reward) as one:
        trial = evaluated(one, Proposal(one.space.sample(one.rng())))
    assert (trial.status, trial.failure) == ("failed", "error")
    assert "reward" in (trial.error or "")
    assert trial.cost.images > 0


def test_processes_evaluate_the_same_and_keep_every_worker_busy(toy_study, tmp_path: Path) -> None:
    changes: dict[str, Any] = dict(budget=dict(trials=8), gate=None)
    with toy_study(tmp_path / "inline", **changes) as inline:
        RandomSearch().search(inline)
    with ProcessExecutor(2) as pool, toy_study(tmp_path / "pool", executor=pool, workers=2, **changes) as pooled:
        RandomSearch().search(pooled)
    assert facts(sorted(pooled.trials, key=lambda trial: trial.id)) == facts(inline.trials)


def test_a_dead_worker_costs_its_trial_and_no_other(toy_study, tmp_path: Path) -> None:
    """A network with a first kernel of 5 kills its worker, each of the four times that it is tried."""
    task, budget = {"type": "benchmarks.torture.candidates.Deadly"}, dict(trials=6)
    with ProcessExecutor(2) as pool, toy_study(tmp_path, task=task, budget=budget, executor=pool, workers=2) as one:
        RandomSearch().search(one)
    deadly = {trial.id for trial in one.trials if trial.arch["layer0.kernel"] == 5}
    assert deadly
    assert {trial.id for trial in one.trials if trial.status == "failed"} == deadly
    assert {trial.failure for trial in one.trials if trial.id in deadly} == {"lost"}
    assert all("died 4 times" in (trial.error or "") for trial in one.trials if trial.id in deadly)


@pytest.mark.parametrize("parent", [7, 0], ids=["unknown", "in flight"])
def test_a_parent_that_is_no_finished_trial_is_refused_in_a_sentence(toy_study, parent: int) -> None:
    with toy_study(workers=2) as one:
        one.submit(Proposal(one.space.sample(one.rng())))
        with pytest.raises(ValueError, match=f"the parent {parent} of trial 1 is no finished trial"):
            one.submit(Proposal(one.space.sample(one.rng()), parent=parent))
