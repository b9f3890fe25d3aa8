"""Rewards and objectives, by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from core import build
from tasks import REWARDS
from tasks.rewards import GeometricMean, Metric, MnasNet, NegativeSum, Objectives, Smallest


def test_geometric_mean() -> None:
    metrics = {"mIoU": 20.0, "fwIoU": 50.0, "mAcc": 64.0, "aAcc": 1.0}
    assert GeometricMean(["mIoU", "fwIoU", "mAcc"])(metrics) == pytest.approx(40.0)


def test_a_product_of_a_negative_metric_cannot_be_computed() -> None:
    for reward in (GeometricMean(["mAP", "mAP_s"]), MnasNet("mAP_s", "params", 1e6)):
        with pytest.raises(ValueError, match=r"mAP_s is -1\.0: it must not be negative"):
            reward({"mAP": 30.0, "mAP_s": -1.0, "params": 1e6})


def test_a_metric_and_its_negative() -> None:
    assert Metric("loss")({"loss": 2.5}) == 2.5
    assert Metric("loss", sign=-1.0)({"loss": 2.5}) == -2.5


def test_negative_sum_of_losses() -> None:
    reward = build(REWARDS, dict(type="NegativeSum", names=["loss_cls", "loss_bbox"]))
    assert isinstance(reward, NegativeSum)
    assert reward.names == ("loss_cls", "loss_bbox")
    assert reward({"loss_cls": 0.5, "loss_bbox": 1.25, "AP": 30.0}) == -1.75


def test_the_soft_target_is_worth_twice_the_latency_for_five_percent() -> None:
    """a 1.05 (2 t)^w = a t^w, so that w = log2(1 / 1.05) = -0.0704, which is published as -0.07."""
    w = math.log2(1 / 1.05)
    assert w == pytest.approx(-0.0704, abs=5e-5)
    assert round(w, 2) == -0.07
    reward = MnasNet("aAcc", "latency_ms", target=80.0)
    assert reward.names == ("aAcc", "latency_ms")
    for latency in (20.0, 50.0, 160.0):  # on either side of the target, and across it
        fast, slow = ({"aAcc": accuracy, "latency_ms": ms} for accuracy, ms in ((70, latency), (73.5, 2 * latency)))
        assert reward(slow) / reward(fast) == pytest.approx(1.0003, abs=5e-5)
    assert reward({"aAcc": 70.0, "latency_ms": 80.0}) == 70.0


def test_the_hard_target_is_a_cliff() -> None:
    reward = MnasNet("aAcc", "latency_ms", target=80.0, alpha=0.0, beta=-1.0)
    assert [reward({"aAcc": 70.0, "latency_ms": ms}) for ms in (1.0, 80.0, 160.0)] == [70.0, 70.0, 35.0]


def test_of_two_that_are_good_enough_the_smaller_one_is_better() -> None:
    reward = Smallest("top1", "params", at_least=80.0, margin=0.5)
    assert reward.names == ("top1", "params")
    assert reward({"top1": 80.0, "params": 512}) - reward({"top1": 99.0, "params": 1024}) == 1
    assert reward({"top1": 79.5, "params": 512}) == reward(
        {"top1": 80.0, "params": 1024}
    )  # a margin is worth a doubling
    assert reward({"top1": 78.0, "params": 512}) < reward({"top1": 80.0, "params": 4096})


def test_objectives_are_maximised() -> None:
    objectives = Objectives(["mIoU", "params"], ["max", "min"])
    assert objectives.names == ("mIoU", "params")
    assert objectives({"mIoU": 60.0, "params": 2e6, "aAcc": 90.0}) == (60.0, -2e6)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (dict(type="GeometricMean", names=[]), "names must be at least one"),
        (dict(type="NegativeSum", names=["loss", "loss"]), "each once, not .'loss', 'loss'"),
        (dict(type="MnasNet", metric="mAP", cost="params", target=0), "target must be positive, not 0"),
        (dict(type="MnasNet", metric="params", cost="params", target=1), "each once"),
        (
            dict(type="Smallest", metric="top1", cost="params", at_least=1.0, margin=0.0),
            r"margin must be positive, not 0\.0",
        ),
        (dict(type="tasks.rewards.Objectives", names=["a", "b"], goals=["max"]), "for each of a, b, not .'max'"),
        (dict(type="tasks.rewards.Objectives", names=["a"], goals=["less"]), "must be one of 'max', 'min', not 'less'"),
        (dict(type="GeometricMeen", names=["a"]), "did you mean 'GeometricMean'"),
    ],
)
def test_what_means_nothing_is_refused(config: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        build(REWARDS, config)


@pytest.mark.parametrize(
    "reward", [Metric("loss"), GeometricMean(["loss"]), NegativeSum(["loss"]), MnasNet("score", "loss", 1.0)]
)
def test_what_was_not_measured_cannot_be_rewarded(reward: Any) -> None:
    with pytest.raises(ValueError, match="reads loss, which was not measured: there are score"):
        reward({"score": 1.0})


def test_a_cost_of_nothing_cannot_be_rewarded() -> None:
    with pytest.raises(ValueError, match="divides by params, which is 0"):
        MnasNet("score", "params", 1.0)({"score": 1.0, "params": 0.0})
    with pytest.raises(ValueError, match="a logarithm of params, which is 0"):
        Smallest("score", "params", 1.0)({"score": 1.0, "params": 0.0})
