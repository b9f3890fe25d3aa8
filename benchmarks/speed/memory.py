"""What a step of a supernet's training takes of the memory: foreseen, and measured."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.utils._pytree import tree_leaves

from search_spaces import SearchSpace
from strategies.supernet.darts import DARTS
from strategies.supernet.live_tensors import Live
from strategies.supernet.memory import RESERVE, foresee
from tasks import Stage
from tasks.batch import Batch
from tasks.trainable import Trainable
from tasks.training import train_mode

MIB = 1 << 20


def step_memory(task: Trainable, stage: Stage, space: SearchSpace) -> dict[str, float]:
    """MiB of tensors that all answers mixed make in a step on a batch of the stage.

    "kept" is what a pass keeps for its way back, "peak" the most that is alive at once, on the way back; gradients of weights
    are not counted. The peak is foreseen from a pass of two images, as a search does before it begins; what that search asks
    for as a whole ("needs") has the weights, their gradients and moments, the process and the holes between tensors as well.
    """
    strategy, model = DARTS(), space.supernet()
    stage = strategy.stages(stage)[0]
    need = foresee(task, model, stage, strategy.copies, math.inf)
    network = task.begin(model, stage, seed=0)
    train_mode(network, task.groups(network, stage)[2])
    kept, peak = passed(task, stage, network, next(task.batches(stage, 0, 0)))
    return {
        "batch": need.batch,
        "kept MiB": kept,
        "peak MiB": peak,
        "foreseen MiB": need.image * need.batch / RESERVE["cpu"] / MIB,
        "needs MiB": need.peak / MIB,
    }


def passed(task: Trainable, stage: Stage, network: Any, batch: Batch) -> tuple[float, float]:
    """MiB of tensors that a pass keeps for its way back, and takes at its peak, without the gradients of weights."""
    there = [*network.state_dict().values(), *tree_leaves(vars(batch))]
    for weight in network.parameters():
        weight.grad = torch.zeros_like(weight)  # there before, so that it is not counted
        there.append(weight.grad)
    with Live([tensor for tensor in there if tensor is not None]) as live:
        loss = task.batch_loss(network, stage, batch)
        kept = live.now
        loss.backward()
    return kept / MIB, live.peak / MIB
