"""Several workers against one: what is counted."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import read_protocol
from benchmarks.running.job import Job
from benchmarks.speed.workers import comparable, published, suite, worker_gain


def test_several_workers_are_compared_with_one(toy_config: dict[str, Any]) -> None:
    benchmark = Benchmark(toy_config)
    two, one = worker_gain(benchmark, json.dumps(benchmark.proxy), candidates=3, repeat=2)
    assert (one["workers"], two["workers"]) == (1, 2)
    assert two["several / this"] == 1
    for row in (one, two):
        assert 0 < row["least"] <= row["candidates / h"] <= row["most"]
        assert row["CPU s a candidate"] > 0
    assert one["score"] == two["score"]  # the same networks and seeds
    assert one["seeds"] == two["seeds"] > 0


def test_the_published_way_stands_beside_where_a_stage_learns_so(toy_config: dict[str, Any]) -> None:
    short = {
        "benchmark.stages.0.view.share": 0.1,
        "benchmark.stages.0.recipe.epochs": 1,
        "benchmark.stages.0.recipe.polyak": 0,
    }
    benchmark = Benchmark(read_protocol("scenes-denoise-v2", short)["benchmark"])
    task, (stage, *_) = json.dumps({**benchmark.proxy, "cache": "", "device": "cpu"}), benchmark.stages
    assert comparable(task, stage)
    assert not comparable(task, replace(stage, recipe=replace(stage.recipe, schedule="poly")))
    toy = Benchmark(toy_config)
    assert not comparable(json.dumps(toy.proxy), toy.stages[0])
    model = benchmark.space.model(benchmark.space.sample(Random(1)))
    jobs = [Job(task, json.dumps(benchmark.space_config), model, None, stage, seed) for seed in (0, 1)]
    theirs, ours, other = published(jobs[0]), suite(jobs[0]), suite(jobs[1])
    assert theirs.score == pytest.approx(ours.score, rel=1e-3)
    assert theirs.score != pytest.approx(other.score, rel=1e-4)
    assert min(theirs.wall, theirs.cpu) > 0


def test_a_network_that_fails_is_no_figure(toy_config: dict[str, Any]) -> None:
    broken = {**toy_config, "task": {**toy_config["task"], "broken": "relu"}, "space": dict(type="ToySpace", layers=40)}
    benchmark = Benchmark(broken)
    with pytest.raises(RuntimeError, match="relu"):
        worker_gain(benchmark, json.dumps(benchmark.proxy), candidates=2)


def test_workers_without_work(toy_config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not 2 and 1"):
        worker_gain(Benchmark(toy_config), "{}", candidates=1)
