"""Zero-cost scores against their definitions, written out, and on every embedded task."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import read_protocol
from benchmarks.running.job import build_task
from tasks.zero_cost import States, jacov, snip, zero_cost


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Conv2d(3, 2, 1), nn.LeakyReLU(0.2), nn.Flatten())


def test_snip_by_hand() -> None:
    """The derivative of (w x + b)^2 / 2 by w is (w x + b) x; of biases nothing counts."""
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[2.0, -1.0]]))
        layer.bias.fill_(0.5)
    loss = layer(torch.tensor([3.0, 1.0])).square().sum() / 2  # of 5.5
    assert snip(loss, list(layer.parameters())) == pytest.approx(2 * 5.5 * 3 + 1 * 5.5 * 1)
    assert not any(parameter.grad is not None for parameter in layer.parameters())


def test_states_are_those_that_hooks_see() -> None:
    network, images = small(), torch.randn(5, 1, 6, 6)
    seen: list[np.ndarray] = []
    for module in network:
        if isinstance(module, nn.ReLU | nn.LeakyReLU):
            module.register_forward_pre_hook(lambda _, inputs: seen.append((inputs[0] > 0).flatten(1).numpy()))
    with torch.no_grad(), States(5) as states:
        network(images)
    expected = np.zeros((5, 5))
    for codes in seen:
        for a in range(5):
            for b in range(5):
                expected[a, b] += (codes[a] == codes[b]).sum()
    assert len(seen) == 2
    assert states.score() == pytest.approx(np.linalg.slogdet(expected)[1])
    assert States(5).score() is None


def test_jacov_of_given_gradients() -> None:
    """Of a linear map whose gradients are chosen: alike for two images, or as good as unrelated."""
    rng = np.random.default_rng(0)
    gradients = torch.from_numpy(rng.normal(size=(4, 50)))
    inputs = torch.zeros(4, 50, dtype=torch.float64, requires_grad=True)
    found = jacov([inputs], [(inputs * gradients).sum(1), torch.ones(4)])
    values = np.linalg.eigvalsh(np.corrcoef(gradients)) + 1e-5
    assert found == pytest.approx(-(np.log(values) + 1 / values).sum())
    gradients[1] = gradients[0]
    assert jacov(inputs, (inputs * gradients).sum(1)) < found - 1000  # an eigenvalue of 0: 1 / k


def test_one_image_has_all_scores_but_jacov(denoising, stage) -> None:
    network = {"network": dict(type="DnCNN", width=4, depth=3)}
    scores = [zero_cost(denoising(), network, stage(batch=size), 0) for size in (1, 2)]
    assert set(scores[1]) - set(scores[0]) == {"jacov"}
    assert all(map(np.isfinite, scores[0].values()))


@pytest.mark.parametrize("name", ["scenes-segmentation-v3", "scenes-detection-v3", "scenes-denoise-v2"])
def test_every_task_has_them(name: str, cache: Path) -> None:
    benchmark = Benchmark(read_protocol(name, {})["benchmark"])
    task: Any = build_task(json.dumps({**benchmark.proxy, "cache": str(cache), "device": "cpu"}))
    task.prepare(benchmark.stages)
    before = torch.random.get_rng_state()
    first, second = (benchmark.space.model(benchmark.space.sample(Random(seed))) for seed in range(2))
    scores = zero_cost(task, first, benchmark.stages[-1], 0)
    assert set(scores) == {"params", "madds", "snip", "nwot", "jacov"}
    assert all(map(np.isfinite, scores.values()))
    assert zero_cost(task, first, benchmark.stages[-1], 0) == scores
    assert zero_cost(task, second, benchmark.stages[-1], 0) != scores
    assert torch.equal(torch.random.get_rng_state(), before)
