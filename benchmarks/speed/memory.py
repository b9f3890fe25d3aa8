"""What a step of a supernet's training takes of the memory: foreseen, and measured."""

from __future__ import annotations

import math

import torch

from search_spaces import SearchSpace
from strategies.supernet.darts import DARTS
from strategies.supernet.live_tensors import Live
from strategies.supernet.memory import RESERVE, foresee
from tasks import Stage
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
    batch = next(task.batches(stage, 0, 0))
    there = [*network.state_dict().values(), batch.inputs, batch.truth]
    for weight in network.parameters():
        weight.grad = torch.zeros_like(weight)  # there before, so that it is not counted
        there.append(weight.grad)
    with Live(there) as live:
        loss = task.batch_loss(network, stage, batch)
        kept = live.now
        loss.backward()
    return {
        "batch": need.batch,
        "kept MiB": kept / MIB,
        "peak MiB": live.peak / MIB,
        "foreseen MiB": need.image * need.batch / RESERVE["cpu"] / MIB,
        "needs MiB": need.peak / MIB,
    }
