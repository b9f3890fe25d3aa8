"""What the training of a supernet takes of the memory, foreseen before it begins."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from search_spaces.architecture import Choices
from search_spaces.supernet import supernet_in
from strategies.supernet.free_memory import free_memory
from strategies.supernet.live_tensors import Live
from tasks.batch import Batch
from tasks.stage import Stage
from tasks.task import Parts
from tasks.trainable import Trainable, build_network
from tasks.training import train_mode

FEW = 2  # images of the pass that is measured, as many as batch norms need
# What an allocator takes for tensors that come and go, holes included: on CPUs 1.3 to 2 was measured, for GPUs it is a guess.
RESERVE = {"cpu": 1.6, "cuda": 1.2}
START = 150 << 20  # bytes that a process takes beside its tensors when it first trains; measured on a CPU
Paths = Sequence[Choices | None]


@dataclass(frozen=True)
class Need:
    """Bytes that a training takes at its peak: `fixed`, and `image` for each of the `batch` images of a step."""

    fixed: int
    image: int
    batch: int

    @property
    def peak(self) -> int:
        return self.fixed + self.image * self.batch


def check_memory(task: Trainable, model: Parts, stage: Stage, copies: int, paths: Paths = (None,)) -> str:
    """A sentence with what training the supernet in `model` will take.

    `copies` says how many tensors as large as a trained weight there are beside it: its gradient, the optimiser's moments. A
    step passes through one of `paths` (None: the mixture). Raises ValueError, with a batch that fits, where more is needed
    than is free.
    """
    free = free_memory(task.device)
    try:
        need = foresee(task, model, stage, copies, free, paths)
    except (MemoryError, torch.OutOfMemoryError):
        need = None
    fits = int((free - need.fixed) // need.image) if need else 0
    if need is None or fits < min(FEW, need.batch):
        raise ValueError(
            f"the supernet does not fit into the {_shown(free)} that are free, not even for batches of {FEW}: "
            "give the space narrower channels, or the stage smaller crops (benchmark.stages.0.view.size)"
        )
    needs = f"the supernet needs {_shown(need.peak)} for batches of {need.batch}, and {_shown(free)} are free"
    if need.peak > free:
        raise ValueError(f"{needs}: set benchmark.stages.0.recipe.batch={fits}")
    return needs


def foresee(task: Trainable, model: Parts, stage: Stage, copies: int, free: float, paths: Paths = (None,)) -> Need:
    """What training the supernet in `model` takes at its peak.

    Weights are counted before they are allocated. What a step makes is measured: the pass of a few images there and back,
    which is proportional to the batch, as gradients are let go as soon as they are there (`copies` counts them). Scoring is
    not counted: it keeps nothing for a way back. Raises MemoryError as soon as more than `free` bytes would be taken.
    """
    with torch.device("meta"):
        ghost = build_network(task.config(model), 0, "meta")
    if _bytes(ghost.state_dict().values()) > free:
        raise MemoryError
    network = task.begin(model, stage, seed=0)
    own, encoder, frozen = task.groups(network, stage)
    train_mode(network, frozen)
    there = list(network.state_dict().values())
    fixed = START + _bytes(there) + copies * _bytes([*own, *encoder])
    batch = next(task.batches(stage, 0, 0))
    few = _first(batch)
    inputs = [tensor for tensor in tree_leaves(vars(few)) if tensor is not None]
    for weight in network.parameters():
        if weight.requires_grad:
            weight.register_post_accumulate_grad_hook(_let_go)
    reserve = RESERVE[torch.device(task.device).type]
    supernet = supernet_in(network)
    with torch.random.fork_rng(), Live([*there, *inputs], (free - fixed) / reserve) as live:
        for path in paths:
            with nullcontext() if path is None else supernet.held(path):
                task.batch_loss(network, stage, few).backward()
    made = reserve * live.peak + 2 * _bytes(inputs)  # a step has a batch of each half at hand
    return Need(fixed, math.ceil(made / len(few.truth)), len(batch.truth))


def _let_go(weight: Tensor) -> None:
    weight.grad = None


def _first(batch: Batch) -> Batch:
    """The first few images of a batch."""
    inputs = batch.inputs[:FEW] if isinstance(batch.inputs, Tensor) else [tap[:FEW] for tap in batch.inputs]
    return Batch(inputs, batch.truth[:FEW], None if batch.teacher is None else batch.teacher[:FEW])


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)


def _shown(size: float) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
