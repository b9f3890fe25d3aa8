"""NetAdapt: every round saves what it must, keeps the best trade, and hands its weights on."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from benchmarks.study import Study
from strategies import Answer, Trial
from strategies.netadapt import NetAdapt, Widths
from tasks.toy import ToyTask

WIDTH = {"type": "ToySpace", "layers": 3}


def played(toy_study: Any, folder: Path, strategy: NetAdapt, **protocol: Any) -> tuple[Study, list[Answer]]:
    with toy_study(folder, gate=None, **{"space": WIDTH, "budget": dict(trials=200), **protocol}) as study:
        strategy.prepare(study)
        return study, strategy.search(study)


def madds(study: Study, trial: Trial) -> float:
    return study.task.measure(study.space.model(trial.arch), ["madds"])["madds"]


def test_each_round_saves_enough_and_goes_on_from_the_best_trade(toy_study, tmp_path: Path) -> None:
    study, answers = played(toy_study, tmp_path, NetAdapt(target=0.3, delta=0.04, answers=100))
    trials = {trial.id: trial for trial in study.trials}
    path = [trials[answer.trial] for answer in reversed(answers) if answer.trial is not None]
    whole = madds(study, path[0])
    costs = [madds(study, trial) for trial in path]
    assert all(before - after >= 0.04 * whole for before, after in pairwise(costs))
    assert costs[-1] <= 0.3 * whole < costs[-2]
    assert path[0].arch.as_dict() == Widths(study, "madds").at(max).as_dict()
    for number, (parent, chosen) in enumerate(pairwise(path), start=1):
        round_ = [trial for trial in study.trials if trial.note.get("round") == number]
        assert len(round_) <= 3
        assert {trial.proposal.parent for trial in round_} == {parent.id}
        assert all(trial.inherited is not None for trial in round_)

        def trade(trial: Trial, parent: Trial = parent) -> float:
            return (trial.score - parent.score) / (madds(study, parent) - madds(study, trial))

        assert trade(chosen) == max(map(trade, round_))
        for trial in round_:
            differ = [name for name, choice in trial.arch.as_dict().items() if choice != parent.arch[name]]
            assert differ == [trial.note["width"]]
            assert madds(study, parent) - madds(study, trial) >= 0.04 * whole
    assert [answer.parent for answer in answers] == [answer.trial for answer in answers]


def test_a_round_that_the_budget_cuts_off_chooses_nothing(toy_study, tmp_path: Path) -> None:
    study, answers = played(toy_study, tmp_path, NetAdapt(target=0.3, delta=0.04), budget=dict(trials=3))
    assert (len(study.trials), [answer.trial for answer in answers]) == (3, [0])


def test_answers_are_spread_over_the_rounds_the_last_first(toy_study, tmp_path: Path) -> None:
    whole = played(toy_study, tmp_path / "all", NetAdapt(target=0.3, delta=0.04, answers=100))[1]
    three = played(toy_study, tmp_path / "three", NetAdapt(target=0.3, delta=0.04, answers=3))[1]
    assert [three[0], three[-1]] == [whole[0], whole[-1]]
    assert len(three) == 3 < len(whole)


def test_a_target_may_be_a_cost(toy_study, tmp_path: Path) -> None:
    study, answers = played(toy_study, tmp_path, NetAdapt(target=900, delta=0.04, cost="params"))
    last = study.trials[answers[0].trial or 0]
    assert ToyTask().measure(study.space.model(last.arch), ["params"])["params"] <= 900


@pytest.mark.parametrize(
    ("settings", "space", "sentence"),
    [
        (
            dict(target=1e-6),
            WIDTH,
            r"NetAdapt cannot come down to .* madds: the narrowest network has .*, so give it a larger target",
        ),
        ({}, {"type": "HeadCells"}, "NetAdapt narrows widths, and the space HeadCells decides none"),
        (
            dict(cost="latency_ms"),
            WIDTH,
            "cost must be 'params' or 'madds', which every measuring repeats, not 'latency_ms'",
        ),
        (dict(delta=0), WIDTH, "delta between 0 and 1 and answers at least 1, not 0.5, 0 and 5"),
    ],
)
def test_what_cannot_be_is_refused(toy_study, tmp_path: Path, settings: Any, space: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        played(toy_study, tmp_path, NetAdapt(**settings), space=space)
