"""The running-mean gate, against the published rule written out."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.gates import GATES, RunningMean, saved_images
from search_spaces.toy import ToySpace
from strategies import Proposal, StageResult, Trial
from tasks import Cost

GATES.import_from_location()


@pytest.mark.parametrize("name", GATES.module_dict)
def test_a_replay_restores_a_gate(name: str) -> None:
    rewards = [Random(k).uniform(10, 50) for k in range(30)]
    first, second = GATES.module_dict[name](), GATES.module_dict[name]()
    for k, reward in enumerate(rewards):
        assert first.admit("s", reward, Random(k)) == second.admit("s", reward, Random(k))


def test_the_mean_takes_the_new_reward_first_and_is_corrected_for_its_start() -> None:
    gate = RunningMean(decay=0.9, tolerance=0.0)
    assert gate.admit("s", 10.0, Random(0))
    assert gate.mean("s") == pytest.approx(10.0)
    assert not gate.admit("s", 5.0, Random(0))
    assert gate.mean("s") == pytest.approx((0.9 * 10 + 5) / 1.9)
    assert gate.admit("s", 8.0, Random(0))
    assert gate.admit("other", 0.1, Random(0))  # every stage has a mean of its own


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
        passed += gate.admit("s", 0.7 * mean, Random(seed))
    assert passed / 3000 == pytest.approx(2 / 3, abs=0.03)


def test_what_a_gate_saved() -> None:
    proposal = Proposal(ToySpace().sample(Random(0)))
    short, long = StageResult("short", {}, Cost(10)), StageResult("long", {}, Cost(100))
    trials = [
        Trial(0, proposal, (short, long), "done", 1.0),
        Trial(1, proposal, (short,), "stopped", 0.5),
        Trial(2, proposal, (), "failed"),
        Trial(3, proposal, (short,), "stopped", 0.5),
    ]
    assert saved_images(trials, ["short", "long"]) == 200
