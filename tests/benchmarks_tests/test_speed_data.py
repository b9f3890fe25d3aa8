"""What is measured of reading data and of scoring: the numbers agree, and nothing is left changed."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from benchmarks.speed.data import data_wait, data_waits
from benchmarks.speed.evaluation import coco_evaluation, ssim
from core import build
from tasks import TASKS, Stage


def test_scores_are_those_of_the_libraries_that_they_are_timed_beside() -> None:
    found = coco_evaluation(images=20, repeat=2)
    assert (found["objects"], found["detections"]) == (144, 2000)
    assert found["difference"] < 1e-9
    assert 0 < found["least"] <= found["gain"] <= found["most"]
    assert ssim(height=40, width=50, repeat=1)["difference"] < 1e-9


def test_waiting_is_measured_step_by_step(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    for index in range(5):
        Image.fromarray(skimage.data.camera()[40 * index :][:40, 200:250]).save(tmp_path / f"train/{index}.png")
    task = build(
        TASKS,
        dict(type="RestorationTask", data=dict(type="FolderImages", root=str(tmp_path))),
        degradation=dict(type="Noise", sigma=40), cache="", workers=3,
    )  # fmt: skip
    stage = Stage.of(dict(name="only", view=dict(size=[24, 24]), recipe=dict(epochs=1, batch=2)))
    model = dict(network=dict(type="densebench.DnCNN", channels=1, width=4, depth=3))
    for workers in (0, 2):
        found = data_wait(task, stage, model, workers, steps=7)
        assert 0 < found["waits for data"] < 1
        assert found["ms waited"] == pytest.approx(found["waits for data"] * found["ms a step"])
        assert (found["workers"], task.workers) == (workers, 3)
        assert not multiprocessing.active_children()
    rows = data_waits(task, stage, model, (0, 1), repeat=2)
    assert [row["workers"] for row in rows] == [0, 1]
    assert all(row["least"] <= row["waits for data"] <= row["most"] for row in rows)
    with pytest.raises(ValueError, match="steps must be at least 1, not 0"):
        data_wait(task, stage, model, 0, steps=0)
