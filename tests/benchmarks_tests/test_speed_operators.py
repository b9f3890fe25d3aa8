"""Where a step's time goes: every operator once, and those on a slow path by name."""

from __future__ import annotations

import json
from random import Random

import pytest
import torch

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import read_protocol
from benchmarks.running.job import build_trainable
from benchmarks.speed.operators import is_slow, operators

SHORT = {"benchmark.stages.0.view.share": 0.1}


def test_operators_of_a_step() -> None:
    benchmark = Benchmark(read_protocol("scenes-denoise-v2", SHORT)["benchmark"])
    task = build_trainable(json.dumps({**benchmark.proxy, "cache": "", "device": "cpu"}))
    models = [benchmark.space.model(benchmark.space.sample(Random(number))) for number in (0, 1)]
    rows = operators(task, benchmark.stages[0], models, repeat=1)
    names = [row["operator"] for row in rows]
    assert len(set(names)) == len(names) >= 10
    assert "convolution_backward" in names or "mkldnn_convolution" in names
    assert sum(row["share"] for row in rows) <= 1 + 1e-9
    assert all(row["calls"] > 0 and row["ms"] > 0 for row in rows)
    assert {row["path"] for row in rows} <= {"", "slow"}


@pytest.mark.parametrize("fast", [True, False])
def test_a_convolution_without_onednn_is_told(fast: bool) -> None:
    images, convolution = torch.zeros(8, 16, 32, 32), torch.nn.Conv2d(16, 16, 3)
    with torch.backends.mkldnn.flags(enabled=fast), torch.profiler.profile() as seen:
        convolution(images)
    assert any(is_slow(one.key) for one in seen.key_averages()) != fast
