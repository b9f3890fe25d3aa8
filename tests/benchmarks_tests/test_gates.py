"""Gates: the running mean against the published rule written out, constraints, and both together."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from benchmarks.gates import GATES, AllOf, Constraint, RunningMean, saved_images
from core import build
from search_spaces.toy.space import ToySpace
from strategies import Proposal, StageResult, Trial
from tasks import Cost

SMALL: dict[str, dict[str, Any]] = {
    "Constraint": dict(name="score", at_least=20.0),
    "AllOf": dict(gates=[dict(type="RunningMean"), dict(type="Constraint", name="params", at_most=50)]),
}


def admits(gate: RunningMean, stage: str, reward: float, seed: int = 0) -> bool:
    return gate.stop(stage, {"score": reward}, reward, Random(seed)) is None


@pytest.mark.parametrize("name", GATES.names())
def test_a_replay_restores_a_gate(name: str) -> None:
    first, second = (build(GATES, {"type": name, **SMALL.get(name, {})}) for _ in range(2))
    said = set()
    for k in range(60):
        reward = Random(k).uniform(10, 50)
        shown: tuple[Any, ...] = ("s", {"score": reward, "params": 40}, reward)
        if first.before and k % 2:
            shown = (None, {"params": reward}, None)
        reasons = [gate.stop(*shown, Random(k)) for gate in (first, second)]
        assert reasons[0] == reasons[1]
        said.add(reasons[0] is None)
    assert said == {True, False}


def test_the_mean_takes_the_new_reward_first_and_is_corrected_for_its_start() -> None:
    gate = RunningMean(decay=0.9, tolerance=0.0)
    assert admits(gate, "s", 10.0)
    assert gate.mean("s") == pytest.approx(10.0)
    assert gate.stop("s", {}, 5.0, Random(0)) == "the reward 5 is too far below the running mean 7.36842 of stage 's'"
    assert gate.mean("s") == pytest.approx((0.9 * 10 + 5) / 1.9)
    assert admits(gate, "s", 8.0)
    assert admits(gate, "other", 0.1)  # every stage has a mean of its own


def test_the_tolerance_shrinks_as_published() -> None:
    gate = RunningMean()
    assert [round(gate.delta(count), 4) for count in (1, 99, 100, 200, 300, 400, 5000)] == [
        0.9, 0.9, 0.81, 0.648, 0.4536, 0.2722, 0.2722,
    ]  # fmt: skip


def test_a_reward_below_the_mean_passes_as_often_as_the_draw_tolerates() -> None:
    """reward = 0.7 mean passes where u > 0.3, u uniform in [0, 0.9): two thirds of the time."""
    passed = 0
    for seed in range(3000):
        gate = RunningMean(decay=0.99, tolerance=0.9)
        gate.sums["s"], gate.counts["s"] = 100.0, 10_000  # a mean that one reward does not move (1 / decay**n has gone)
        gate.delta = lambda count: 0.9
        mean = 0.99 * 100 + 0.01 * 69.3
        passed += admits(gate, "s", 0.7 * mean, seed)
    assert passed / 3000 == pytest.approx(2 / 3, abs=0.03)


def test_a_cost_is_constrained_before_anything_is_trained() -> None:
    gate = Constraint("params", at_most=1e6)
    assert gate.before
    assert gate.names == ("params",)
    assert gate.stop(None, {"params": 2e6}, None, Random(0)) == "params is 2e+06, above 1e+06"
    assert gate.stop(None, {"params": 1e6}, None, Random(0)) is None
    assert gate.stop("s", {"params": 2e6}, 1.0, Random(0)) is None  # it was asked before


def test_a_metric_is_constrained_after_a_stage() -> None:
    gate = Constraint("mAcc", at_least=20.0, at_most=90.0)
    assert not gate.before
    assert gate.stop(None, {"params": 1}, None, Random(0)) is None
    said = [gate.stop("s", {"mAcc": value}, 1.0, Random(0)) for value in (19.5, 20.0, 90.0, 91.0)]
    assert said == ["mAcc is 19.5, below 20", None, None, "mAcc is 91, above 90"]
    assert gate.stop("s", {}, 1.0, Random(0)) == "mAcc was not measured"


def test_all_of_several_gates_let_a_trial_on() -> None:
    constraint = dict(type="Constraint", name="params", at_most=10)
    gate = AllOf([dict(type="RunningMean", tolerance=0.0), constraint, dict(type="Constraint", name="a", at_most=1)])
    assert gate.before
    assert gate.names == ("params", "a")
    assert gate.stop(None, {"params": 11}, None, Random(0)) == "params is 11, above 10"
    assert gate.stop(None, {"params": 9}, None, Random(0)) is None
    assert gate.stop("s", {"params": 9, "a": 2.0}, 10.0, Random(0)) == "a is 2, above 1"
    reason = gate.stop("s", {"params": 9, "a": 2.0}, 1.0, Random(0))
    assert reason is not None
    assert reason.startswith("the reward 1 is too far below the running mean 5.4")  # it remembers whom another stopped
    assert reason.endswith("; a is 2, above 1")


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (dict(type="Constraint", name="params"), "needs at_most, at_least or both"),
        (dict(type="Constraint", name="params", at_most=1, at_least=2), "not 1 and 2"),
        (dict(type="AllOf", gates=[]), "gates is empty"),
        (dict(type="AllOf", gates=[dict(type="Constrain")]), "did you mean 'Constraint'"),
    ],
)
def test_gates_that_mean_nothing_are_refused(config: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        build(GATES, config)


def test_what_a_gate_saved() -> None:
    proposal = Proposal(ToySpace().sample(Random(0)))
    short, long = StageResult("short", {}, Cost(10)), StageResult("long", {}, Cost(100))
    trials = [
        Trial(0, proposal, (short, long), "done", 1.0, depth=2),
        Trial(1, proposal, (short,), "stopped", 0.5, depth=1),
        Trial(2, proposal, (), "failed"),
        Trial(3, proposal, (short,), "stopped", 0.5, depth=1),
        Trial(4, proposal, (StageResult("short", {}, Cost()),), "stopped", 0.5, depth=1),  # as trial 3: for nothing
    ]
    assert saved_images(trials, ["short", "long"]) == 200
    refused = Trial(5, proposal, (), "stopped")  # for its cost, before the first stage
    assert saved_images([*trials, refused], ["short", "long"]) == 310
