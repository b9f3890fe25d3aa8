"""Batches that worker processes make ahead of time, so that a training does not wait for its data."""

from __future__ import annotations

import shutil
import signal
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from core import end_with_parent
from tasks.samples import Sample

MOST = 8  # worker processes that nobody has asked for
PREFETCH = 2  # batches that wait for each of them
SHARED = "/dev/shm"  # where they lie, and may take half of the room
STOPS = (signal.SIGINT, signal.SIGTERM)
Arrays = tuple[np.ndarray, ...]


def stacked(samples: Sequence[Sample]) -> Arrays:
    """Images (B, H, W, C) and truths (B, ...) of samples of one size."""
    images, truths = zip(*samples, strict=True)
    return np.stack(images), np.stack(truths)


def read_ahead(
    make: Callable[[Any], Arrays], requests: Iterable[Any], workers: int, pin: bool = False
) -> Generator[Sequence[Tensor]]:
    """What `make` makes of each request, in their order, as tensors; pinned ones for a GPU.

    The first is made in this process, the others by `workers` processes (0: also here), which end with this iterator. What
    `make` raises is raised here; requests must be picklable.

    The processes are forked: they start in milliseconds with all that is in memory, where fresh ones import torch and
    OpenMMLab for seconds, more than a short stage takes. Torch's threads do not survive a fork, and nothing here needs them:
    `make` works with numpy and OpenCV, which is held to one thread, and never touches a GPU.
    """
    requests = iter(requests)
    size = 0
    for request in islice(requests, 1):
        arrays = make(request)
        size = sum(array.nbytes for array in arrays)
        yield tuple(map(torch.from_numpy, arrays))
    if workers := _that_fit(workers, size):
        yield from _from_workers(make, requests, workers, pin)
    else:
        for request in requests:
            yield tuple(map(torch.from_numpy, make(request)))


def _that_fit(workers: int, size: int) -> int:
    """As many workers as have room for their batches of `size` bytes in the shared memory, which containers may limit."""
    if not workers or not Path(SHARED).is_dir():  # as on other systems than Linux
        return workers
    room = shutil.disk_usage(SHARED).free // (2 * PREFETCH * max(1, size))
    if room < workers:
        few = f"{SHARED} has room for the batches of {room} of {workers} processes that read data"
        warnings.warn(f"{few}: make it larger (--shm-size of docker)", stacklevel=2)
    return min(workers, room)


class _Made(Dataset):
    """What `make` makes of a request, or the error that it raises, which DataLoader would bury in a traceback."""

    def __init__(self, make: Callable[[Any], Arrays]):
        self.make = make

    def __getitem__(self, request: Any) -> Arrays | Exception:
        try:
            return self.make(request)
        except Exception as error:
            return error


def _from_workers(
    make: Callable[[Any], Arrays], requests: Iterator[Any], workers: int, pin: bool
) -> Iterator[Sequence[Tensor]]:
    loader = DataLoader(
        _Made(make),
        batch_size=None,
        sampler=requests,
        num_workers=workers,
        prefetch_factor=PREFETCH,
        pin_memory=pin,
        worker_init_fn=_begin,
        multiprocessing_context="fork",
        generator=torch.Generator(),  # else it draws from the global one, and dropout would be another one
    )
    cv2.setNumThreads(1)  # its pool of threads would be missing in the processes
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # until a process knows that it is none of the tool's
    try:
        batches = iter(loader)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        for made in batches:
            if isinstance(made, Exception):
                raise made
            yield made
    finally:
        del batches  # which ends the processes, also where a traceback holds on to this


def _begin(worker: int) -> None:
    """What a worker does first: leave interrupts to its parent, and end when that has ended, however it died."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    end_with_parent()
