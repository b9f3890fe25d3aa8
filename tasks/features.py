"""A frozen encoder's outputs on disk: computed once, read by every trial."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tasks.cache import cached
from tasks.pictures import Picture
from tasks.stage import Cost

Places = Sequence[int] | np.ndarray


@dataclass(frozen=True)
class Batch:
    """What one step sees: images (B, 3, H, W) or, from the cache, the encoder's taps; the truth; a teacher's scores."""

    inputs: Tensor | list[Tensor]
    truth: Tensor
    teacher: Tensor | None = None


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


def compute_features(
    root: Path,
    identity: dict[str, Any],
    encoder: nn.Module,
    teacher: nn.Module | None,
    pictures: Callable[[], Iterator[Picture]],
    count: int,
    normalise: Callable[[list[np.ndarray]], Tensor],
    batch: int,
    dtype: str = "float32",
) -> tuple[Features, Cost]:
    """The outputs of `encoder` for `count` pictures of one size, from `root` if they are there, else computed.

    They go through in batches of `batch`, the stage's own: another size may round differently. `identity` says what they
    are made from (weights, data, transform, taps, dtype): a change makes a new folder. Before the first use, the first
    pictures are put through the live encoder again. Raises RuntimeError where they differ.
    """

    def make(folder: Path) -> Cost:
        started, pixels, place = time.perf_counter(), 0, 0
        arrays: dict[str, np.ndarray] = {}
        for images, truths in _batches(pictures(), batch):
            x = normalise(images)
            rows: dict[str, np.ndarray] = {"truth": np.stack(truths)}
            for number, tap in enumerate(encoder(x)):
                rows[f"tap{number}"] = tap.permute(0, 2, 3, 1).cpu().numpy().astype(dtype)
            if teacher is not None:
                rows["teacher"] = teacher(x).cpu().numpy().astype(dtype)
            for name, row in rows.items():
                if name not in arrays:
                    shape, path = (count, *row.shape[1:]), folder / f"{name}.npy"
                    arrays[name] = np.lib.format.open_memmap(path, mode="w+", dtype=row.dtype, shape=shape)
                arrays[name][place : place + len(row)] = row
            place += len(images)
            pixels += x.shape[0] * x.shape[2] * x.shape[3]
        for array in arrays.values():
            array.flush()  # type: ignore[attr-defined]
        return Cost(place, pixels, time.perf_counter() - started)

    with torch.no_grad():
        encoder.eval()
        folder, cost = cached(root, "features", identity, make)
        features = Features(folder)
        images, _ = next(_batches(pictures(), 2))
        live, kept = encoder(normalise(images)), features.batch(range(len(images)), "cpu").inputs
        tolerance = 1e-4 if dtype == "float32" else 1e-2
        for number, (now, then) in enumerate(zip(live, kept, strict=True)):
            gap = (now.cpu() - then).abs().max() / now.abs().max().clamp_min(1e-12).cpu()
            if gap > tolerance:
                raise RuntimeError(
                    f"{folder} no longer holds what the encoder computes (tap {number} is off by {gap:.1%})"
                )
    return features, cost


def _batches(pictures: Iterator[Picture], size: int) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
    images, truths = [], []
    for image, truth in pictures:
        images.append(image)
        truths.append(truth)
        if len(images) == size:
            yield images, truths
            images, truths = [], []
    if images:
        yield images, truths
