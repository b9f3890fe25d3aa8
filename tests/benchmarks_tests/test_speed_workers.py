"""Several workers against one: what is counted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.benchmark import Benchmark
from benchmarks.speed.workers import worker_gain


def test_several_workers_are_compared_with_one(toy_config: dict[str, Any]) -> None:
    benchmark = Benchmark(toy_config)
    one, two, ratio = worker_gain(benchmark, json.dumps(benchmark.proxy), candidates=3)
    assert (one["workers"], two["workers"], ratio["workers"]) == (1, 2, 2)
    for name in ("candidates / h", "CPU s a candidate"):
        assert one[name] > 0
        assert ratio[name] == two[name] / one[name]


def test_a_network_that_fails_is_no_figure(toy_config: dict[str, Any]) -> None:
    broken = {**toy_config, "task": {**toy_config["task"], "broken": "relu"}, "space": dict(type="ToySpace", layers=40)}
    benchmark = Benchmark(broken)
    with pytest.raises(RuntimeError, match="relu"):
        worker_gain(benchmark, json.dumps(benchmark.proxy), candidates=2)


def test_workers_without_work(toy_config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not 2 and 1"):
        worker_gain(Benchmark(toy_config), "{}", candidates=1)
