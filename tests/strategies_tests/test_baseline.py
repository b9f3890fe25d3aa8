"""A network that nobody searched is an answer without a search."""

from __future__ import annotations

from random import Random
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


def test_a_published_genotype_is_the_spaces_network(toy_study) -> None:
    with toy_study() as study:
        arch = study.space.sample(Random(3))
        strategy = Baseline(genotype=[[name, choice] for name, choice in arch.as_dict().items()])
        strategy.prepare(study)
        (answer,) = strategy.search(study)
        assert answer.arch is not None
        assert answer.arch.as_dict() == arch.as_dict()
        with pytest.raises(ValueError, match=r"\[1, 2\] is not a genotype of ToySpace"):
            Baseline(genotype=[1, 2]).prepare(study)
        again = Baseline(choices=arch.as_dict())
        again.prepare(study)
        assert again.search(study) == [answer]
        with pytest.raises(ValueError, match=r"decision .* has no choice"):
            Baseline(choices={}).prepare(study)
    with pytest.raises(ValueError, match="weights must be a file, and of a genotype or choices"):
        Baseline(choices={}, weights="nowhere.pth")
    with pytest.raises(ValueError, match="give either a model"):
        Baseline()
    with pytest.raises(ValueError, match="give either a model"):
        Baseline({}, genotype=[])


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
