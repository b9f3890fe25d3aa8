"""How the time of a training grows: the lines are fitted right, and what is said to grow does."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import read_protocol
from benchmarks.running.job import build_task
from benchmarks.speed import growth
from benchmarks.speed.study import study_growth
from tasks.restoration.task import RestorationTask

LIGHT = {"benchmark.task.encoder.pretrain_epochs": 0, "benchmark.stages.0.view.share": 0.2}


def test_a_power_is_found_with_its_spread() -> None:
    exact = growth.row("images", (2, 4, 8, 16), [0.5 * amount**1.5 for amount in (2, 4, 8, 16)])
    assert (exact["from"], exact["to"]) == (2, 16)
    assert exact["slope"] == pytest.approx(1.5)
    assert exact["spread"] == pytest.approx(0, abs=1e-6)
    off = growth.row("images", (1, 2, 4, 8), [1.0, 2.5, 4.0, 8.0])
    assert off["spread"] > 0.01


def test_images_pixels_crops_and_classes_grow_each_alone(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = Benchmark(read_protocol("scenes-segmentation-v3", LIGHT)["benchmark"])
    task: Any = build_task(json.dumps({**benchmark.proxy, "cache": str(cache), "device": "cpu"}))
    classes = task.data.classes

    def epoch(task: Any, stage: Any, model: Any) -> float:
        crops = len(task.samples(stage).order) * stage.view.copies
        return float(crops * np.prod(stage.view.size) ** 2 * len(task.data.classes) ** 0.5)

    monkeypatch.setattr(growth, "epoch", epoch)
    rows = growth.growth(task, benchmark.stages[0], {}, repeat=1)
    slopes = {row["grows"]: row["slope"] for row in rows}
    expected = {"images": 1, "pixels of an image": 2, "crops of an image": 1, "classes": 0.5}
    assert slopes == pytest.approx(expected, abs=0.05)
    assert [row["to"] / row["from"] for row in rows] == pytest.approx([8, 9, 8, 8], rel=0.2)
    assert task.data.classes == classes


def test_an_epoch_is_timed_on_images(cache: Path) -> None:
    benchmark = Benchmark(read_protocol("scenes-denoise-v2")["benchmark"])
    task = build_task(json.dumps({**benchmark.proxy, "cache": str(cache), "device": "cpu"}))
    assert isinstance(task, RestorationTask)
    stage = growth.seen(benchmark.stages[0], share=0.05, size=(16, 16))
    model = benchmark.space.model(benchmark.space.sample(Random(0)))
    spent = task.meter.measure()
    (seconds,) = growth.epochs(task, [stage], model, repeat=1)
    assert seconds > 0
    assert spent.cost.images == 2 * len(task.samples(stage).order)
    with pytest.raises(ValueError, match="an eighth of the images of stage 'short' is one: raise"):
        growth.growth(task, growth.seen(stage, share=0.01), model, repeat=1)


def test_what_a_study_costs_and_to_go_on_from_it(tmp_path: Path) -> None:
    figures = study_growth({"type": "RandomSearch"}, 1001, tmp_path)
    assert figures["ms a trial, read and played back"] > 0
    assert len((tmp_path / "trials.jsonl").read_text().splitlines()) == figures["trials"] == 1001
    with pytest.raises(ValueError, match="more trials than 1000"):
        study_growth({"type": "RandomSearch"}, 1000, None)
