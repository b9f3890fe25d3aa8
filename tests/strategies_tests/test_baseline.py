"""A network that nobody searched is an answer without a search."""

from __future__ import annotations

from typing import Any

import pytest

from strategies import Answer, Plan
from strategies.baseline import Baseline

MODEL: dict[str, Any] = {"layers": [dict(width=4, kernel=3, act="relu")]}


@pytest.mark.parametrize("task", [None, dict(noise=1.0)])
def test_it_makes_no_trial_and_answers_with_its_model(toy_study, task: dict[str, Any] | None) -> None:
    strategy = Baseline(MODEL, task)
    with toy_study() as study:
        assert strategy.prepare(study) == Plan(trials=0)
        assert strategy.search(study) == [Answer(model=MODEL, task=task)]
        assert not study.trials


@pytest.mark.parametrize(
    ("model", "task", "sentence"),
    [
        ({"layers": [dict(width=4, kernel=3, act="rely")]}, None, "cannot be built: KeyError: 'rely'"),
        ({}, None, "cannot be built: KeyError: 'layers'"),
        (MODEL, dict(nois=1.0), "cannot be built: ValueError: unknown setting of task 'ToyTask' 'nois'"),
    ],
)
def test_what_cannot_be_built_is_refused(
    toy_study, model: dict[str, Any], task: dict[str, Any] | None, sentence: str
) -> None:
    with toy_study() as study, pytest.raises(ValueError, match=sentence):
        Baseline(model, task).prepare(study)
