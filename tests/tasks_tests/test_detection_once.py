"""What a detection task finds out once and not at every training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from mmengine.registry import MODELS

from core import build
from tasks import TASKS, Recipe, Stage, View
from tasks.detection.data import ScenesDetection


def test_backbones_are_not_built_at_every_config_and_objects_not_counted_at_every_epoch(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dict(
        type="DetectionTask", data=dict(type="ScenesDetection"), encoder=dict(width=0.25), input_size=(128, 128)
    )
    task = build(TASKS, config, cache=str(cache), template=dict(type="SSDLite"))
    stages = [["k3e6"] * 2, ["k3e6"] * 3, ["k3e6"] * 4, ["k3e6"] * 3, ["k3e6"] * 3, ["k3e6"]]
    model = dict(backbone=dict(type="densebench.MBConvNet", stages=stages, width=0.25))
    first = task.config(model)
    stage = Stage("short", View(size=(128, 128), eval_size=(128, 128), share=0.1), Recipe(epochs=1, batch=8))
    assert task.samples(stage).rows > 1

    def never(*arguments: object, **settings: object) -> None:
        raise AssertionError("done again")

    monkeypatch.setattr(MODELS, "build", never)
    monkeypatch.setattr(ScenesDetection, "annotated", never)
    assert task.config(model) == first
    assert task.samples(replace(stage, name="again")).rows > 1
