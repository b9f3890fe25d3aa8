"""Training in bfloat16: networks of every task and space, supernets too, compute in it; losses, weights and scores do not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import read_protocol
from benchmarks.running.job import build_task
from search_spaces.deform import DeformConv
from search_spaces.supernet import supernet_in
from tasks import Stage
from tasks.convolutions import quicken
from tasks.trainable import Trainable
from tasks.training import train_mode

SMALL: dict[str, Any] = {"benchmark.stages.0.view.share": 0.05, "benchmark.stages.0.recipe.epochs": 1}
PLAIN: dict[str, Any] = {"benchmark.task.encoder.pretrain_epochs": 0, "benchmark.stages.0.options.cached": False}
ALIKE = 0.3  # cosine of gradients; untrained norms of few images amplify rounding: rounded weights alone give 0.6 to 1
KINDS: dict[str, dict[str, Any]] = {
    "scenes-segmentation-v3": {**PLAIN, "benchmark.stages.0.recipe.encoder_lr": 1e-3},
    "scenes-detection-v3": PLAIN,
    "scenes-ssdlite-v3": {"benchmark.task.encoder.pretrain_epochs": 0},
    "scenes-denoise-v2": {},
    "scenes-irnas-v1": {},
}


def opened(name: str, cache: Path) -> tuple[Benchmark, Trainable, list[Stage]]:
    """A benchmark's search in small: its task, and its first stage in float32 and in bfloat16."""
    benchmark = Benchmark(read_protocol(name, {**SMALL, **KINDS[name]})["benchmark"])
    task: Any = build_task(json.dumps({**benchmark.proxy, "cache": str(cache), "device": "cpu"}))
    stage = benchmark.stages[0]
    return benchmark, task, [stage, replace(stage, recipe=replace(stage.recipe, bfloat16=True))]


def gradient(task: Trainable, stage: Stage, model: Any, seen: set[torch.dtype]) -> tuple[Tensor, Tensor]:
    """A batch's loss and the gradient of all weights in a row; in `seen`, the types of the convolutions' results."""
    network = task.begin(model, stage, seed=0)
    train_mode(network, task.groups(network, stage)[2])
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda module, inputs, made: seen.add(made.dtype))
    loss = task.batch_loss(network, stage, next(task.batches(stage, 0, 0)))
    loss.backward()
    assert all(weight.grad is None or weight.grad.dtype == torch.float32 for weight in network.parameters())
    return loss.detach(), torch.cat([w.grad.flatten() for w in network.parameters() if w.grad is not None])


@pytest.mark.parametrize("name", KINDS)
def test_networks_of_every_kind_train_in_it(name: str, cache: Path, tmp_path: Path) -> None:
    benchmark, task, stages = opened(name, cache)
    task.prepare(stages)
    model, seen = benchmark.space.model(benchmark.space.sample(Random(0))), [set(), set()]
    full, short = (gradient(task, stage, model, types) for stage, types in zip(stages, seen, strict=True))
    assert seen[0] == {torch.float32}
    assert torch.bfloat16 in seen[1]
    assert short[0].dtype == full[0].dtype != torch.bfloat16
    assert float(short[0]) == pytest.approx(float(full[0]), rel=0.03)
    assert short[0] != full[0]
    assert torch.cosine_similarity(short[1], full[1], dim=0) > ALIKE
    kept = str(tmp_path / "w.pth")
    metrics = [task.fit(model, stage, seed=0, keep=kept).metrics["loss"] for stage in stages]
    assert metrics[1] == pytest.approx(metrics[0], rel=0.1)
    assert all(value.dtype != torch.bfloat16 for value in torch.load(kept, weights_only=True).values())


@pytest.mark.parametrize(
    "name", ["scenes-segmentation-v3", "scenes-detection-v3", "scenes-denoise-v2", "scenes-irnas-v1"]
)
def test_supernets_train_in_it(name: str, cache: Path) -> None:
    benchmark, task, stages = opened(name, cache)
    model, seen = benchmark.space.supernet(), [set(), set()]
    full, short = (gradient(task, stage, model, types) for stage, types in zip(stages, seen, strict=True))
    assert torch.bfloat16 in seen[1]
    assert float(short[0]) == pytest.approx(float(full[0]), rel=0.05)
    assert torch.cosine_similarity(short[1], full[1], dim=0) > ALIKE
    network = task.begin(model, stages[1], seed=0).train()
    with supernet_in(network).held(benchmark.space.sample(Random(1)).as_dict()):
        assert task.batch_loss(network, stages[1], next(task.batches(stages[1], 0, 0))).isfinite()


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize(
    "settings",
    [
        *(dict(kernel_size=1, groups=groups, bias=bias) for groups in (1, 4) for bias in (True, False)),
        dict(kernel_size=3, padding=6, dilation=6),
    ],
    ids=str,
)
def test_the_quicker_convolutions_give_what_plain_ones_give(settings: dict, layout: torch.memory_format) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        plain, quick = nn.Conv2d(8, 8, **settings), nn.Conv2d(8, 8, **settings)
    quick.load_state_dict(plain.state_dict())
    quicken(quick)
    x = torch.linspace(-2, 2, 2 * 8 * 5 * 4).reshape(2, 8, 5, 4).sin().contiguous(memory_format=layout)
    with torch.autocast("cpu", torch.bfloat16):
        one, other = plain(x), quick(x)
    assert one.dtype == other.dtype == torch.bfloat16
    torch.testing.assert_close(one, other, rtol=2e-2, atol=2e-2)


def test_a_deformable_one_looks_at_exact_places() -> None:
    """Places beyond 256 pixels are none of bfloat16's numbers."""
    module, generator = DeformConv(2, groups=1), torch.Generator().manual_seed(0)
    for weight in module.parameters():
        torch.nn.init.normal_(weight, generator=generator)
    x = torch.randn(1, 2, 2, 300, generator=generator)
    with torch.autocast("cpu", torch.bfloat16):
        made = module(x)
    assert torch.equal(made, module(x))
