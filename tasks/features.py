"""A frozen encoder's outputs on disk: computed once, read by every trial."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tasks.batch import Batch
from tasks.cost import Meter
from tasks.samples import Sample, Samples

Places = Sequence[int] | np.ndarray
BATCH = 16  # images that go through the encoder together, the same for all stages: another number may round differently
TOLERANCE = {"float32": 1e-4, "float16": 1e-2}  # between stored and live features, relative to the largest


class Features:
    """Memory-mapped arrays, one a tap, with the truth and, where there is a teacher, its scores, in a fixed order."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.taps = [np.load(path, mmap_mode="r") for path in sorted(folder.glob("tap*.npy"))]
        self.truth = np.load(folder / "truth.npy", mmap_mode="r")
        teacher = folder / "teacher.npy"
        self.teacher = np.load(teacher, mmap_mode="r") if teacher.is_file() else None

    def __len__(self) -> int:
        return len(self.truth)

    def batch(self, chosen: Places, device: str) -> Batch:
        """The rows `chosen`, in that order, taps as float32 and channels last in memory."""
        taps = [_tensor(tap, chosen, device).float().permute(0, 3, 1, 2) for tap in self.taps]
        truth = _tensor(self.truth, chosen, device)
        return Batch(taps, truth, None if self.teacher is None else _tensor(self.teacher, chosen, device).float())


def _tensor(array: np.ndarray, chosen: Places, device: str) -> Tensor:
    return torch.from_numpy(array[np.asarray(chosen)]).to(device)


def _reserved(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
    """A new array in a file, mapped once the disk has reserved all of it: writing to a map for which it is full ends a process.

    Raises OSError, naming the file, where there is no room.
    """
    header = dict(descr=np.lib.format.dtype_to_descr(dtype), fortran_order=False, shape=shape)
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.flush()
        try:
            os.posix_fallocate(file.fileno(), 0, file.tell() + math.prod(shape) * dtype.itemsize)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from None
    return np.load(path, mmap_mode="r+")


@dataclass(frozen=True)
class Source:
    """What features are made of: crops or scored images of a stage, of one size, an encoder, perhaps a teacher.

    `batch` makes one of samples.
    """

    samples: Samples
    training: bool
    batch: Callable[[Sequence[Sample]], Batch]
    encoder: nn.Module
    teacher: nn.Module | None
    dtype: str
    meter: Meter

    @torch.no_grad()
    def compute(self, folder: Path) -> None:
        """Leave in a folder what `Features` reads."""
        count = self.samples.train_size if self.training else self.samples.eval_size
        arrays: dict[str, np.ndarray] = {}
        place = 0
        for batch in self._batches(BATCH):
            rows = {"truth": batch.truth.cpu().numpy()}
            for number, tap in enumerate(self._seen(self.encoder, batch.inputs)):
                rows[f"tap{number}"] = tap.permute(0, 2, 3, 1).cpu().numpy().astype(self.dtype)
            if self.teacher is not None:
                rows["teacher"] = self._seen(self.teacher, batch.inputs).cpu().numpy().astype(self.dtype)
            for name, row in rows.items():
                if name not in arrays:
                    shape, path = (count, *row.shape[1:]), folder / f"{name}.npy"
                    arrays[name] = _reserved(path, row.dtype, shape)
                arrays[name][place : place + len(row)] = row
            place += len(batch.truth)
        for array in arrays.values():
            array.flush()  # type: ignore[attr-defined]

    def _batches(self, size: int) -> Iterator[Batch]:
        views = self.samples.crops() if self.training else self.samples.all_scored()
        while chosen := list(islice(views, size)):
            yield self.batch(chosen)

    def _seen(self, network: nn.Module, x: Tensor) -> Any:
        self.meter.count(len(x), x.shape[2:])
        return network(x)

    @torch.no_grad()
    def flaw(self, folder: Path) -> str | None:
        """What is wrong with stored features, if anything: the first two images are put through the live encoder again."""
        batch = next(self._batches(2))
        live = self.encoder(batch.inputs)
        try:
            kept = Features(folder).batch(range(len(batch.truth)), "cpu").inputs
        except (OSError, ValueError, IndexError, EOFError) as error:
            return f"cannot be read ({error})"
        if [x.shape for x in live] != [x.shape for x in kept]:
            return "holds features of other shapes than the encoder's"
        for number, (now, then) in enumerate(zip(live, kept, strict=True)):
            gap = (now.cpu() - then).abs().max() / now.abs().max().clamp_min(1e-12).cpu()
            if not gap <= TOLERANCE[self.dtype]:
                return f"no longer holds what the encoder computes (tap {number} is off by {gap:.1%})"
        return None
