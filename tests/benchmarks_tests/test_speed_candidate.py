"""The loops that a candidate of the suite is compared with train and score the same network."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import read_protocol
from benchmarks.running.job import build_task
from benchmarks.speed.candidate import bare, candidate, channels_first, reference


@pytest.mark.exhaustive
def test_a_bare_loop_and_the_published_way_come_to_the_suites_scores(cache: Path) -> None:
    benchmark = Benchmark(read_protocol("scenes-denoise-v2")["benchmark"])
    task: Any = build_task(json.dumps({**benchmark.proxy, "cache": str(cache), "device": "cpu"}))
    stage = benchmark.stages[0]
    stage = replace(stage, view=replace(stage.view, share=0.1), recipe=replace(stage.recipe, epochs=1))
    model = benchmark.space.model(benchmark.space.sample(Random(1)))
    own = task.fit(model, stage, seed=0).metrics
    steps = [list(task.batches(stage, 0, 0))]
    assert bare(task, stage, model, steps)["PSNR"] == pytest.approx(own["PSNR"], rel=1e-3)
    plain = replace(
        stage, recipe=replace(stage.recipe, polyak=0.0)
    )  # statistics of averaged weights are not the codes'
    first = [[channels_first(batch) for batch in steps[0]]]
    own = task.fit(model, plain, seed=0).metrics
    assert reference(task, plain, plain, model, first)["PSNR"] == pytest.approx(own["PSNR"], rel=1e-3)
    row = candidate(task, stage, model, repeat=1, threads=1)
    assert set(row) == {"suite s", "suite / bare", "reference / suite", "reference on 1 threads / suite on 1"}
    with pytest.raises(ValueError, match=r"stage 'short' has an optimizer, .*: name another benchmark"):
        candidate(task, replace(stage, recipe=replace(stage.recipe, bfloat16=True)), model, repeat=1, threads=1)
