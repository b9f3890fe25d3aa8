"""Compound scaling: a grid of what costs twice as much, and its best to ever higher powers."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from search_spaces import Architecture, SearchSpace
from search_spaces.mbconv.scaled import ScaledMBConv
from search_spaces.toy.space import ToySpace
from strategies import StageResult, Trial
from strategies.compound_scaling import CompoundScaling
from tasks import Cost

WIDTH = {"layer0.width": 1.0}
SPACE = ScaledMBConv(genotype=[["k3e6"] * 10] * 6, most=3.0, step=0.1)


def play(search: CompoundScaling, worth: Callable[[Architecture], float | None]) -> list[Trial]:
    """Until it proposes no more; what is worth None fails."""
    trials: list[Trial] = []
    search.start(SPACE, 0)
    while (proposal := search.ask(Random(0))) is not None:
        score = worth(proposal.arch)
        stages = (StageResult("one", {}, Cost()),)
        ended: Any = ("failed", None, "broken", "error", 0) if score is None else ("done", score, None, None, 1)
        trials.append(Trial(len(trials), proposal, stages, *ended))
        search.tell(trials[-1])
    return trials


def cost(arch: Architecture) -> float:
    depth, width, resolution = (float(arch[name]) for name in ("depth", "width", "resolution"))
    return depth * width**2 * resolution**2


def balanced(arch: Architecture) -> float:
    """As accuracy: every dimension helps less and less."""
    return sum(math.log(float(arch[name])) - 0.6 * math.log(float(arch[name])) ** 2 for name in arch.as_dict())


def test_first_the_network_then_all_that_cost_twice_then_powers_of_the_best() -> None:
    search = CompoundScaling(phis=3)
    trials = play(search, balanced)
    itself, *grid = [trial for trial in trials if trial.note["phi"] < 2]
    larger = [trial for trial in trials if trial.note["phi"] >= 2]
    assert set(itself.arch.as_dict().values()) == {1.0}
    assert len({trial.arch for trial in grid}) == len(grid) == 20
    assert all(abs(cost(trial.arch) / 2 - 1) <= 0.05 for trial in grid)
    best = max(grid, key=lambda trial: trial.score)
    assert [trial.note["phi"] for trial in larger] == [2, 3]
    for trial in larger:
        for name, choice in best.arch.as_dict().items():
            wanted = min(float(choice) ** trial.note["phi"], 3.0)
            assert abs(float(trial.arch[name]) - wanted) <= 0.05 + 1e-9
    answers = [answer.trial for answer in search.answers(trials)]
    assert set(answers) == {itself.id, best.id, *(trial.id for trial in larger)}
    assert answers[0] == max(trials, key=lambda trial: trial.score).id
    assert CompoundScaling(phis=3).prepare(study(SPACE)).trials == len(trials)


def test_where_all_fail_the_first_is_scaled_and_nothing_is_answered() -> None:
    search = CompoundScaling(phis=2)
    trials = play(search, lambda arch: None)
    assert trials[-1].note["factors"] == trials[1].note["factors"]
    with pytest.raises(RuntimeError, match=f"all {len(trials)} trials failed"):
        search.answers(trials)


def test_what_is_not_scaled_is_where_start_says() -> None:
    search = CompoundScaling(powers=WIDTH, start={"layer1.width": 8, "layer2.act": "tanh"})
    search.prepare(study(ToySpace()))
    for proposal in search.waiting:
        assert (proposal.arch["layer1.width"], proposal.arch["layer2.act"]) == (8, "tanh")


def study(space: SearchSpace) -> Any:
    return SimpleNamespace(space=space, seed=0)


@pytest.mark.parametrize(
    ("settings", "space", "sentence"),
    [
        (dict(phis=0), SPACE, "phis=0 must be at least 1"),
        (dict(growth=1.0), SPACE, "growth=1.0 above 1"),
        ({}, ToySpace(), "scales 'depth', which is no decision between positive numbers in the space ToySpace"),
        (dict(powers={"layer0.act": 1}), ToySpace(), "'layer0.act', which is no decision between positive numbers"),
        (dict(powers={}), SPACE, "powers is empty: name the decisions that are scaled"),
        (
            dict(powers=WIDTH, start={"layer1.widht": 8}),
            ToySpace(),
            "unknown decision outside of powers in start 'layer1.widht': did you mean 'layer1.width'",
        ),
        (dict(start={"depth": 1.1}), SPACE, "unknown decision outside of powers in start 'depth': there is none"),
        (
            dict(powers=WIDTH, start={"layer1.width": 5}),
            ToySpace(),
            r"start\['layer1.width'\] cannot be 5: give one of",
        ),
        (dict(growth=999.0), SPACE, "999.0 times as costly: allow more slack"),
    ],
)
def test_what_cannot_be_scaled(settings: dict[str, Any], space: SearchSpace, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        CompoundScaling(**settings).prepare(study(space))
