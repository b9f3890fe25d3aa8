"""Images with how far away every pixel is, and the embedded data set as such."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from tasks import rooms
from tasks.data import Data, EmbeddedData


def counting(depth: Any, nearest: float, farthest: float) -> Any:
    """Which pixels of depths, an array or a tensor, count."""
    return (depth >= nearest) & (depth <= farthest)


class DepthData(Data):
    """Splits of (image, depth). Depths are metres; what is not from `nearest` to `farthest`, as a 0, does not count."""

    nearest: float
    farthest: float

    @abstractmethod
    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) RGB, uint8, and (H, W) float32."""

    def counts(self, depth: np.ndarray) -> np.ndarray:
        """Which pixels of a depth map do."""
        return counting(depth, self.nearest, self.farthest)

    def unscorable(self, split: str) -> Iterator[str]:
        if not any(self.counts(self.read(split, index)[1]).any() for index in range(self.size(split))):
            yield f"split {split!r} has no depth from {self.nearest:g} to {self.farthest:g} m, which scores refer to: add some"


def checked(metres: tuple[float, float]) -> tuple[float, float]:
    """(nearest, farthest). Raises ValueError."""
    nearest, farthest = metres
    if not 0 < nearest < farthest:
        raise ValueError(f"metres must be two rising positive numbers, not {list(metres)}")
    return nearest, farthest


class ScenesDepth(EmbeddedData, DepthData):
    """The embedded rooms-v1, splits "train", "val" and "test"."""

    called = "rooms-v1"
    nearest, farthest = rooms.NEAREST, rooms.FARTHEST

    def size(self, split: str) -> int:
        return rooms.COUNTS[split]

    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        room = rooms.rooms(split)[index]
        return room.image, room.depth

    def fingerprint(self, *others: str) -> str:
        return f"{self.called} {rooms.fingerprint()}"
