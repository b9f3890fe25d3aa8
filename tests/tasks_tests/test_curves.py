"""Scores after every epoch of a training."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from core import build
from search_spaces import SPACES
from tasks import TASKS, Stage
from tasks.curves import curve

TASK: dict[str, Any] = dict(
    type="RestorationTask",
    data=dict(type="ScenesImages"),
    degradation=dict(type="Noise", sigma=30.0),
    input_size=[64, 64],
)
STAGE: dict[str, Any] = dict(
    name="short", view=dict(share=0.1, size=[32, 32], copies=1), recipe=dict(epochs=2, batch=8, schedule="poly")
)


def test_the_last_point_is_what_the_same_training_comes_to(tmp_path: Path) -> None:
    task, stage = build(TASKS, TASK, cache=str(tmp_path), device="cpu"), Stage.of(STAGE)
    space = build(SPACES, dict(type="RestorationCells", nodes=1, layers=1, channels=2, stem=4))
    model = space.model(space.sample(Random(0)))
    points = curve(task, model, stage, ["val", "test"], seed=3)
    alone = task.fit(model, stage, seed=3).metrics
    assert points[-1].metrics["val"] == {name: alone[name] for name in points[-1].metrics["val"]}
    assert points[0].metrics["val"] != points[1].metrics["val"] != points[1].metrics["test"]
    assert all(point.seconds > 0 for point in points)


@pytest.mark.parametrize("average", [{}, {"polyak": 0.9}, {"average": {"type": "EpochPolyak", "decay": 0.5}}])
def test_every_point_is_what_a_shorter_training_comes_to(average: dict[str, Any], tmp_path: Path) -> None:
    """Also of averaged weights, which take the place of those that train on only to be scored."""
    task = build(TASKS, TASK, cache=str(tmp_path), device="cpu")
    space = build(SPACES, dict(type="RestorationCells", nodes=1, layers=1, channels=2, stem=4))
    model = space.model(space.sample(Random(0)))

    def stage(epochs: int) -> Stage:
        return Stage.of({**STAGE, "recipe": dict(epochs=epochs, batch=8, **average)})

    points = curve(task, model, stage(3), ["val"], seed=3)
    for epochs, point in enumerate(points, start=1):
        alone = task.fit(model, stage(epochs), seed=3).metrics
        assert point.metrics["val"] == {name: alone[name] for name in point.metrics["val"]}
