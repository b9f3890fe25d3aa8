"""The training loop that short and long stages of all tasks share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tasks.optimization import Optimization
from tasks.stage import Cost, Stage


def train(
    network: nn.Module,
    frozen: nn.Module | None,
    optimization: Optimization,
    stage: Stage,
    epoch: Callable[[int], Iterable[Any]],
    loss: Callable[[Any], Tensor],
    checkpoint: str | None,
) -> tuple[float, Cost]:
    """Train for the stage's epochs; returns the mean loss of the last one, and the cost.

    `epoch` gives the batches of an epoch (their `truth` has as many rows as images), `loss` the loss of one; `frozen` is a
    part that stays in eval mode. Where the stage is resumable, `checkpoint` is written after every epoch, and a training
    that was killed goes on from it; the caller removes it when nothing can be lost any more. Averaged weights are put in
    place at the end, the statistics of norms are left as they were. Raises FloatingPointError where the loss is not finite.
    """
    resume = Path(checkpoint) if stage.resumable and checkpoint is not None else None
    done, value, images, before = _resume(network, optimization, resume)
    started = time.perf_counter() - before
    for number in range(done, stage.epochs):
        train_mode(network, frozen)
        losses = [(optimization.step(loss(batch)), len(batch.truth)) for batch in epoch(number)]
        seen = sum(count for _, count in losses)
        images += seen
        value = sum(one * count for one, count in losses) / seen
        if resume is not None:
            progress = [number + 1, value, images, time.perf_counter() - started]
            save(dict(progress=progress, network=network.state_dict(), optimization=optimization.state_dict()), resume)
    if stage.polyak:
        optimization.finish()
    return value, Cost(images, images * stage.size[0] * stage.size[1], time.perf_counter() - started)


def train_mode(network: nn.Module, frozen: nn.Module | None) -> None:
    """Training mode for all but a part that stays as it is."""
    network.train()
    if frozen is not None:
        frozen.eval()


def _resume(network: nn.Module, optimization: Optimization, path: Path | None) -> Sequence[Any]:
    """Where a training that was killed stood after its last epoch, or where a new one stands."""
    if path is None or not path.is_file():
        return [0, 0.0, 0, 0.0]
    state = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(state["network"])
    optimization.load_state_dict(state["optimization"])
    return state["progress"]


def save(state: dict[str, Any], path: str | Path) -> None:
    """Write a file of tensors whole or not at all."""
    torch.save(state, f"{path}.part")
    os.replace(f"{path}.part", path)


def load(network: nn.Module, path: str) -> None:
    """Take from a file of weights what matches by name and shape. Raises ValueError where nothing does."""
    take(network, torch.load(path, map_location="cpu", weights_only=True), path)


def take(network: nn.Module, state: dict[str, Tensor], source: str) -> None:
    """Take from `state` what matches by name and shape. Raises ValueError, naming `source`, where nothing does."""
    own = network.state_dict()
    matching = {name: value for name, value in state.items() if name in own and own[name].shape == value.shape}
    if not matching:
        raise ValueError(f"{source} does not fit: none of its {len(state)} tensors is in the network")
    network.load_state_dict({**own, **matching})
