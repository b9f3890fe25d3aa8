"""Costs of networks decide before a second of training is spent: constraints, rewards, objectives."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from benchmarks.leaderboard import Leaderboard
from benchmarks.run import Run
from strategies import Proposal
from strategies.random_search import RandomSearch
from tasks.toy import ToyTask

LIMIT = 4000
CONSTRAINT = dict(type="Constraint", name="params", at_most=LIMIT)


def test_a_constraint_stands_before_the_first_stage(toy_study, tmp_path: Path) -> None:
    with toy_study(tmp_path, gate=CONSTRAINT) as one:
        (answer,) = RandomSearch().search(one)
    refused = [trial for trial in one.trials if trial.failure == "refused"]
    assert 0 < len(refused) < len(one.trials)
    assert all(trial.measures["params"] > LIMIT and trial.cost.images == 0 and not trial.stages for trial in refused)
    assert all(trial.measures["params"] <= LIMIT for trial in one.trials if trial not in refused)
    assert all("params" in (trial.error or "") for trial in refused)
    assert ToyTask().measure(one.space.model(answer.arch), ["params"])["params"] <= LIMIT


def test_a_refused_network_stays_refused_and_is_measured_once(toy_study, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, measure = [], ToyTask.measure
    monkeypatch.setattr(ToyTask, "measure", lambda self, *args: calls.append(args) or measure(self, *args))
    with toy_study(gate=dict(type="Constraint", name="params", at_most=1)) as one:
        arch = one.space.sample(one.rng())
        for proposal in (Proposal(arch), Proposal(arch), Proposal(arch, stages=1)):
            one.submit(proposal)
            assert one.collect().failure == "refused"
    assert len(calls) == 1


def test_gates_compose(toy_study) -> None:
    gate = dict(type="AllOf", gates=[CONSTRAINT, dict(type="RunningMean", tolerance=0.0)])
    with toy_study(gate=gate) as one:
        RandomSearch().search(one)
    assert {(trial.status, trial.failure) for trial in one.trials} == {
        ("failed", "refused"),
        ("stopped", None),
        ("done", None),
    }


def test_a_reward_may_name_a_cost(toy_study) -> None:
    reward = dict(type="MnasNet", metric="score", cost="params", target=LIMIT)
    with toy_study(reward=reward) as one:
        RandomSearch().search(one)
    for trial in one.trials:
        score, params = trial.stages[-1].metrics["score"], trial.measures["params"]
        assert trial.reward == pytest.approx(score * (params / LIMIT) ** -0.07)


def test_objectives_are_told_and_recorded(toy_study, tmp_path: Path) -> None:
    objectives = dict(names=["score", "params"], goals=["max", "min"])
    for _ in range(2):  # the second time from the record
        with toy_study(tmp_path, objectives=objectives, gate=None) as one:
            assert one.objectives == ("score", "params")
            RandomSearch().search(one)
        for trial in one.trials:
            assert trial.objectives == (trial.stages[-1].metrics["score"], -trial.measures["params"])


def test_a_cost_that_nobody_knows_is_left_out_of_an_answer(toy_config, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(ToyTask, "measure", lambda self, model, names: {"params": math.nan, "madds": 7.0})
    config = {"benchmark": {**toy_config, "budget": dict(trials=2)}, "strategy": dict(type="RandomSearch")}
    one = Run(config, "one", 0, tmp_path, "cpu")
    one.play()
    (answer,) = json.loads((one.folder / "study.json").read_text())["answers"]
    assert answer["final"].keys() == {"metrics", "madds"}
    assert "params" not in Leaderboard.of([tmp_path]).rows[0]
