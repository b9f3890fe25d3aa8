"""Images with how far away every pixel is, and the embedded data set as such."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from tasks import rooms
from tasks.data import Data, EmbeddedData


class DepthData(Data):
    """Splits of (image, depth). Depths are metres; what is not from `nearest` to `farthest`, as a 0, does not count."""

    nearest: float
    farthest: float

    @abstractmethod
    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) RGB, uint8, and (H, W) float32."""


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

    def fingerprint(self) -> str:
        return f"{self.called} {rooms.fingerprint()}"
