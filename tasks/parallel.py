"""One training by several processes of torch.distributed, one a device; without a process group, all of it is idle.

Each process takes its share of every batch, and gradients are averaged, weighed by the shares, so that a step is that of one
process with the whole batch. The loss must be a mean over images for that; see docs/scaling.md for those that are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from tasks.batch import Batch


def size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of them this one is; 0 is the one that writes, scores and goes on alone."""
    return dist.get_rank() if size() > 1 else 0


def share(chosen: np.ndarray) -> np.ndarray:
    """What of a batch this process takes."""
    return chosen[rank() :: size()]


def total(count: int) -> int:
    """The sum of what each process counts."""
    if size() == 1:
        return count
    counts = torch.tensor(count)
    dist.all_reduce(counts)
    return int(counts)


@contextmanager
def first_before_others() -> Iterator[None]:
    """The first process does what stands within before all others do."""
    if rank():
        dist.barrier()
    yield
    if size() > 1 and not rank():
        dist.barrier()


class Loss(nn.Module):
    """A network whose output is its training loss, as DistributedDataParallel wants it."""

    def __init__(self, network: nn.Module, loss: Callable[[Batch], Tensor]):
        super().__init__()
        self.network, self.loss = network, loss

    def forward(self, batch: Batch) -> Tensor:
        return self.loss(batch)


def together(network: nn.Module, device: str, loss: Callable[[Batch], Tensor]) -> Callable[[Batch], Tensor]:
    """The loss of the whole batch, given this process' share; its gradient is the whole batch's as well.

    `network` is in training mode where it learns. Batch norms take the statistics of the whole batch, which torch does on GPUs
    alone. Raises ValueError for others.
    """
    if size() == 1:
        return loss
    if any(isinstance(module, _BatchNorm) and module.training for module in network.modules()):
        if "cuda" not in device:
            raise ValueError("batch norms of several processes agree on GPUs alone: train this network on one device")
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
    parallel: Any = DistributedDataParallel(Loss(network, loss), find_unused_parameters=True)

    def whole(batch: Batch) -> Tensor:
        own = len(batch.truth)
        part = parallel(batch) * (own * size() / total(own))
        mean = part.detach().clone()
        dist.all_reduce(mean)
        return part + (mean / size() - part.detach())

    return whole


def leave() -> None:
    """End all processes but the first, which goes on alone."""
    if size() > 1:
        other = rank() > 0
        dist.barrier()
        dist.destroy_process_group()
        if other:
            raise SystemExit(0)
