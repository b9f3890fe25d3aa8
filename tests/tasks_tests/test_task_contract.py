"""What every task promises. A new task is covered by being registered and having an embedded benchmark."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from benchmarks.benchmark import DEFAULTS, Benchmark, read_config, strategy_files
from benchmarks.job import build_task
from tasks import TASKS, Task

TASKS.import_from_location()
EMBEDDED = {}
for name in DEFAULTS:
    config = read_config(next(strategy_files(name))).to_dict()["benchmark"]
    EMBEDDED[config["task"]["type"].rsplit(".", 1)[-1]] = config


@pytest.fixture(params=TASKS.module_dict, ids=str)
def played(request: pytest.FixtureRequest, cache: Path) -> tuple[Task, Benchmark]:
    assert request.param in EMBEDDED, "give the task an embedded benchmark and list it in DEFAULTS"
    benchmark = Benchmark.of(EMBEDDED[request.param])
    task = build_task(json.dumps({**benchmark.task, "cache": str(cache), "device": "cpu"}))
    task.prepare(benchmark.stages)
    return task, benchmark


def test_names_its_metrics(played: tuple[Task, Benchmark]) -> None:
    task, benchmark = played
    assert task.primary in task.metrics
    assert set(benchmark.reward.names) <= set(task.metrics)


def test_fits_repeatably_and_counts_what_it_saw(played: tuple[Task, Benchmark]) -> None:
    task, benchmark = played
    stage = replace(benchmark.stages[0], epochs=1, share=0.1)
    task.prepare([stage])
    model = benchmark.space.model(benchmark.space.sample(Random(1)))
    first, second = (task.fit(model, stage, seed=4) for _ in range(2))
    assert first.metrics == second.metrics
    assert set(first.metrics) == set(task.metrics)
    assert all(math.isfinite(value) for value in first.metrics.values())
    assert (first.cost.images, first.cost.pixels) == (second.cost.images, second.cost.pixels)
    assert first.cost.images > 0
    assert first.cost.seconds > 0


def test_preparing_again_costs_what_it_cost(played: tuple[Task, Benchmark]) -> None:
    task, benchmark = played
    assert task.prepare(benchmark.stages) == task.prepare(benchmark.stages)


def test_the_fingerprint_is_stable(played: tuple[Task, Benchmark]) -> None:
    assert played[0].fingerprint() == played[0].fingerprint()


def test_its_networks_take_its_input(played: tuple[Task, Benchmark]) -> None:
    import torch
    from torch.utils._pytree import tree_leaves

    task, benchmark = played
    network = task.network(benchmark.space.model(benchmark.space.sample(Random(0))))
    assert not network.training
    with torch.no_grad():
        assert all(torch.isfinite(output).all() for output in tree_leaves(network(torch.zeros(1, *task.input_shape))))
