"""What the training of a supernet takes of the memory, foreseen before it begins."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor, UntypedStorage
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from search_spaces.supernet import supernet_in
from tasks.features import Batch
from tasks.stage import Stage
from tasks.trainable import Trainable, build_network
from tasks.training import train_mode

FEW = 2  # images of the pass that is measured, as many as batch norms need
# What an allocator takes for tensors that come and go, holes included: on CPUs 1.3 to 2 was measured, for GPUs it is a guess.
RESERVE = {"cpu": 1.6, "cuda": 1.2}
START = 150 << 20  # bytes that a process takes beside its tensors when it first trains; measured on a CPU


@dataclass(frozen=True)
class Need:
    """Bytes that a training takes at its peak: `fixed`, and `image` for each of the `batch` images of a step."""

    fixed: int
    image: int
    batch: int

    @property
    def peak(self) -> int:
        return self.fixed + self.image * self.batch


class Live(TorchDispatchMode):
    """Counts the bytes of all tensors that are made while it lasts: `now` those that are alive, `peak` the most at once.

    `known` were there before, so that views of them are not counted. Raises MemoryError where more than `limit` are alive.
    """

    def __init__(self, known: Iterable[Tensor] = (), limit: float = math.inf):
        super().__init__()
        self.places = {tensor.untyped_storage().data_ptr() for tensor in known}
        self.limit, self.now, self.peak = limit, 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._count(tensor.untyped_storage())
        return result

    def _count(self, storage: UntypedStorage) -> None:
        place, size = storage.data_ptr(), storage.nbytes()
        if place in self.places:
            return
        self.places.add(place)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, place, size)
        if self.now > self.limit:
            raise MemoryError(f"{self.now} bytes of tensors are alive")

    def _forget(self, place: int, size: int) -> None:
        self.places.discard(place)
        self.now -= size


def check_memory(task: Trainable, model: dict[str, Any], stage: Stage, copies: int) -> str:
    """A sentence with what training the supernet in `model` will take.

    `copies` says how many tensors as large as a trained weight there are beside it: its gradient, the optimiser's moments.
    Raises ValueError, with a batch that fits, where more is needed than is free.
    """
    free = free_memory(task.device)
    try:
        need = foresee(task, model, stage, copies, free)
    except (MemoryError, torch.OutOfMemoryError):
        need = None
    fits = int((free - need.fixed) // need.image) if need else 0
    if need is None or fits < min(FEW, need.batch):
        raise ValueError(
            f"the supernet does not fit into the {_shown(free)} that are free, not even for batches of {FEW}: "
            "give the space narrower channels, or the stage smaller crops (benchmark.stages.0.size)"
        )
    needs = f"the supernet needs {_shown(need.peak)} for batches of {need.batch}, and {_shown(free)} are free"
    if need.peak > free:
        raise ValueError(f"{needs}: set benchmark.stages.0.batch={fits}")
    return needs


def foresee(task: Trainable, model: dict[str, Any], stage: Stage, copies: int, free: float) -> Need:
    """What training the supernet in `model` takes at its peak, which is a step of the architecture.

    Weights are counted before they are allocated. What a step makes is measured: the pass of a few images there and back,
    which is proportional to the batch, as the architecture's gradient leaves those of the weights aside. Scoring is not
    counted: it keeps nothing for a way back. Raises MemoryError as soon as more than `free` bytes would be taken.
    """
    with torch.device("meta"):
        ghost = build_network(task.config(model), 0, "meta")
    if _bytes(ghost.state_dict().values()) > free:
        raise MemoryError
    network = task.begin(model, stage, seed=0)
    searched, encoder, frozen = task.parts(network, stage)
    train_mode(network, frozen)
    own = list(network.state_dict().values())
    fixed = START + _bytes(own) + copies * _bytes([*searched, *encoder])
    batch = next(task.batches(stage, 0, 0))
    few = _first(batch)
    inputs = [tensor for tensor in tree_leaves(vars(few)) if tensor is not None]
    reserve = RESERVE[torch.device(task.device).type]
    live = Live([*own, *inputs], (free - fixed) / reserve)
    with torch.random.fork_rng(), live:
        loss = task.loss(network, stage, few)
        torch.autograd.grad(loss, supernet_in(network).architecture_parameters(), allow_unused=True)
    made = reserve * live.peak + 2 * _bytes(inputs)  # a step has a batch of each half at hand
    return Need(fixed, math.ceil(made / len(few.truth)), len(batch.truth))


def _first(batch: Batch) -> Batch:
    """The first few images of a batch."""
    inputs = batch.inputs[:FEW] if isinstance(batch.inputs, Tensor) else [tap[:FEW] for tap in batch.inputs]
    return Batch(inputs, batch.truth[:FEW], None if batch.teacher is None else batch.teacher[:FEW])


def free_memory(device: str) -> int:
    """Bytes that this process can still have on a device."""
    if torch.device(device).type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused
    return min([psutil.virtual_memory().available, *left_by_groups(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))])


def left_by_groups(table: Path, mount: Path) -> list[int]:
    """Bytes that the memory limits of this process's control groups leave, where there are any (a container's, say).

    `table` lists the groups, which lie below `mount`, in version 1 or 2 of Linux' control groups. A limit holds for all groups
    below; a container may see its own group as the root. Files in the page cache count as free.
    """
    left = []
    for line in table.read_text().splitlines() if table.is_file() else []:
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            limit, usage, total = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"
        elif not controllers:
            limit, usage, total = "memory.max", "memory.current", ""
        else:
            continue
        root = mount / controllers
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            bound = folder / limit
            if folder.is_relative_to(root) and bound.is_file() and bound.read_text().strip() != "max":
                stat = dict(entry.split() for entry in (folder / "memory.stat").read_text().splitlines())
                cache = int(stat[f"{total}active_file"]) + int(stat[f"{total}inactive_file"])
                left.append(int(bound.read_text()) - int((folder / usage).read_text()) + cache)
    return left


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)


def _shown(size: float) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
