"""Rewards, by hand."""

from __future__ import annotations

import pytest

from search_spaces import build
from tasks import REWARDS
from tasks.rewards import GeometricMean, Metric, NegativeSum


def test_geometric_mean() -> None:
    metrics = {"mIoU": 20.0, "fwIoU": 50.0, "mAcc": 64.0, "aAcc": 1.0}
    assert GeometricMean(["mIoU", "fwIoU", "mAcc"])(metrics) == pytest.approx(40.0)


def test_a_metric_and_its_negative() -> None:
    assert Metric("loss")({"loss": 2.5}) == 2.5
    assert Metric("loss", sign=-1.0)({"loss": 2.5}) == -2.5


def test_negative_sum_of_losses() -> None:
    reward = build(REWARDS, dict(type="NegativeSum", names=["loss_cls", "loss_bbox"]))
    assert isinstance(reward, NegativeSum)
    assert reward.names == ("loss_cls", "loss_bbox")
    assert reward({"loss_cls": 0.5, "loss_bbox": 1.25, "AP": 30.0}) == -1.75
    with pytest.raises(ValueError, match="names is empty"):
        NegativeSum([])
