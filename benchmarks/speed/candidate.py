"""What a candidate of a first stage costs: in the suite, in a bare loop, and in the way of the published search codes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from statistics import median
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from tasks import Stage
from tasks.batch import Batch
from tasks.convolutions import Depthwise, Dilated, Pointwise
from tasks.trainable import Trainable

Parts = Mapping[str, Any]


def candidate(task: Trainable, stage: Stage, model: Parts, repeat: int, threads: int) -> dict[str, Any]:
    """Seconds for one candidate, trained and scored, in turns (medians of `repeat`), and how many times the suite's.

    "suite" is `task.fit`, and "bare" a loop that only does what must be done, well: batches in memory, a fused optimiser,
    averages of all weights at once. "reference" is the way of the published codes (Nekrasov et al., CVPR 2019): training
    features are computed once, maps lie channels first, the optimiser goes from weight to weight, and images to score go
    through the encoder. These three run on one thread; the reference, which trains one candidate at a time, then on
    `threads` as well. Raises ValueError where the stage learns in another way than these loops, AdamW at a constant rate.
    """
    check(stage)
    steps = [list(task.batches(stage, 0, epoch)) for epoch in range(stage.recipe.epochs)]
    first = [[channels_first(batch) for batch in epoch] for epoch in steps]
    ways = {
        "suite": lambda: task.fit(model, stage, seed=0),
        "bare": lambda: bare(task, stage, model, steps),
        "reference": lambda: reference(task, stage, live(stage), model, first),
    }
    # In turns, there and back, of which the first warms up; more threads come behind, as they are still awake.
    alone = [name for number in range(repeat + 1) for name in (reversed(ways) if number % 2 else ways)]
    taken: dict[str, list[float]] = {name: [] for name in (*ways, "threaded")}
    before = torch.get_num_threads()
    try:
        for name in (*alone, *["threaded"] * (repeat + 1)):
            torch.set_num_threads(threads if name == "threaded" else 1)
            started = time.perf_counter()
            ways["reference" if name == "threaded" else name]()
            taken[name].append(time.perf_counter() - started)
    finally:
        torch.set_num_threads(before)

    def ratio(name: str, other: str) -> float:
        return median(a / b for a, b in zip(taken[name][1:], taken[other][1:], strict=True))

    return {
        "suite s": median(taken["suite"][1:]),
        "suite / bare": ratio("suite", "bare"),
        "reference / suite": ratio("reference", "suite"),
        f"reference on {threads} threads / suite on 1": ratio("threaded", "suite"),
    }


def check(stage: Stage) -> None:
    """Raise ValueError where a stage learns in another way than the loops here."""
    recipe = stage.recipe
    if recipe.names_classes or recipe.trains_encoder or recipe.schedule != "constant" or recipe.bfloat16:
        other = "has an optimizer, schedule, average, encoder or type of numbers of its own"
        raise ValueError(f"stage {stage.name!r} {other}, which the loops beside it do not know: name another benchmark")


def live(stage: Stage) -> Stage:
    """The stage without cached features."""
    return replace(stage, options=tuple((name, value) for name, value in stage.options if name != "cached"))


def bare(task: Trainable, stage: Stage, model: Parts, steps: list[list[Batch]]) -> dict[str, float]:
    network = task.begin(model, stage, seed=0)
    weights = weights_of(task, stage, network)
    optimizer = torch.optim.AdamW(weights, lr=stage.recipe.lr, weight_decay=stage.recipe.weight_decay, fused=True)
    means = [weight.detach().clone() for weight in weights]
    for number, batch in enumerate((batch for epoch in steps for batch in epoch), start=1):
        step(task, stage, network, batch, weights, optimizer, foreach=True)
        get_ema_multi_avg_fn(decay(stage, number))(means, list(weights), number)
    if stage.recipe.polyak:
        place(weights, means)
        with torch.no_grad():
            task.renew(network, stage, 0, stage.recipe.epochs)
    with torch.no_grad():
        return task.score(network.eval(), stage)


def reference(
    task: Trainable, stage: Stage, live: Stage, model: Parts, steps: list[list[Batch]], seed: int = 0
) -> dict[str, float]:
    network = task.begin(model, stage, seed).to(memory_format=torch.contiguous_format)
    modules: list[Any] = list(network.modules())
    for module in modules:
        if type(module) in (Pointwise, Depthwise, Dilated):
            module.__class__ = nn.Conv2d
    weights = weights_of(task, stage, network)
    settings: dict[str, Any] = dict(lr=stage.recipe.lr, weight_decay=stage.recipe.weight_decay)
    optimizer = torch.optim.AdamW(weights, **settings, foreach=False, fused=False)
    means = [weight.detach().clone() for weight in weights]
    for number, batch in enumerate((batch for epoch in steps for batch in epoch), start=1):
        step(task, stage, network, batch, weights, optimizer, foreach=False)
        with torch.no_grad():
            for mean, weight in zip(means, weights, strict=True):
                mean.mul_(decay(stage, number)).add_(weight, alpha=1 - decay(stage, number))
    if stage.recipe.polyak:
        place(weights, means)
    with torch.no_grad():
        return task.score(network.eval(), live)


def weights_of(task: Trainable, stage: Stage, network: Any) -> list[nn.Parameter]:
    """Those that learn; the rest is put in eval mode."""
    searched, encoder, frozen = task.groups(network, stage)
    network.train()
    if frozen is not None:
        frozen.eval()
    return [*searched, *encoder]


def step(
    task: Trainable,
    stage: Stage,
    network: Any,
    batch: Batch,
    weights: list[nn.Parameter],
    optimizer: torch.optim.Optimizer,
    foreach: bool,
) -> None:
    optimizer.zero_grad()
    task.batch_loss(network, stage, batch).backward()
    if stage.recipe.clip is not None:
        nn.utils.clip_grad_norm_(weights, stage.recipe.clip, foreach=foreach)
    optimizer.step()


def decay(stage: Stage, step: int) -> float:
    """As in `Polyak`."""
    return min(stage.recipe.polyak, (1 + step) / (10 + step))


@torch.no_grad()
def place(weights: list[nn.Parameter], means: list[torch.Tensor]) -> None:
    for weight, mean in zip(weights, means, strict=True):
        weight.copy_(mean)


def channels_first(batch: Batch) -> Batch:
    inputs = batch.inputs
    maps = [x.contiguous() for x in inputs] if isinstance(inputs, list) else inputs.contiguous()
    return replace(batch, inputs=maps)
