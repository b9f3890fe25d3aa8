"""Rewards, by hand."""

from __future__ import annotations

import pytest

from tasks.rewards import GeometricMean, Metric


def test_geometric_mean() -> None:
    metrics = {"mIoU": 20.0, "fwIoU": 50.0, "mAcc": 64.0, "aAcc": 1.0}
    assert GeometricMean(["mIoU", "fwIoU", "mAcc"])(metrics) == pytest.approx(40.0)


def test_a_metric_and_its_negative() -> None:
    assert Metric("loss")({"loss": 2.5}) == 2.5
    assert Metric("loss", sign=-1.0)({"loss": 2.5}) == -2.5
