"""Tables as other libraries' objectives give what the tables hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest

from benchmarks.black_boxes.for_optuna import Objective
from core.table import FOLDER, table

optuna.logging.set_verbosity(optuna.logging.WARNING)


def played(objective: Any, trials: int, pruner: optuna.pruners.BasePruner | None = None) -> optuna.Study:
    sampler = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(direction=objective.direction, sampler=sampler, pruner=pruner)
    study.optimize(objective, n_trials=trials)
    return study


def test_an_optuna_trial_is_one_training() -> None:
    objective, source = Objective("micro-segmentation"), table("micro-segmentation")
    study = played(objective, 30, optuna.pruners.NopPruner())
    assert (objective.direction, objective.metric) == ("maximize", "mIoU")
    for trial in study.trials:
        row = source.row(trial.params)
        assert row is not None
        curve = [*trial.intermediate_values.values(), trial.value]
        assert curve in source.metric("val", "mIoU")[row].tolist()
        assert trial.user_attrs["test"] == pytest.approx(source.metric("test", "mIoU")[row, :, -1].mean())
    again = played(Objective("micro-segmentation"), 30, optuna.pruners.NopPruner())
    assert [trial.value for trial in again.trials] == [trial.value for trial in study.trials]


def test_pruners_and_choices_without_a_network() -> None:
    for place in ("micro-segmentation", "transnas-macro"):
        states = {trial.state for trial in played(Objective(place), 30).trials}
        assert states == {optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED}
    with pytest.raises(ValueError, match="unknown metric of the table nas-bench-macro 'accuracyy'"):
        Objective("nas-bench-macro", "accuracyy")


def test_a_problem_of_optunahub() -> None:
    pytest.importorskip("optunahub", reason="optunahub is not installed: it is no dependency")
    from benchmarks.black_boxes.for_optunahub import Problem

    problem, means = (
        Problem(str(FOLDER / "nas-bench-macro"), split="test"),
        table("nas-bench-macro").means("test", "accuracy"),
    )
    study = optuna.create_study(directions=problem.directions)
    study.optimize(problem, n_trials=20)
    assert all(np.isclose(trial.value, list(means.values())).any() for trial in study.trials)


def test_a_black_box_of_syne_tune() -> None:
    pytest.importorskip("syne_tune", reason="syne-tune is not installed: it is no dependency")
    from benchmarks.black_boxes.for_syne_tune import black_box

    source, box = table("micro-segmentation"), black_box("micro-segmentation")
    values = source.metric("val", "mIoU")
    for row in range(0, len(source), 50):
        for run, epoch in ((0, 6), (2, 3)):
            found = box.objective_function(source.choices(row), fidelity=epoch, seed=run)
            assert found["metric_mIoU"] == values[row, run, epoch - 1]
            assert found["elapsed_time"] > 0
