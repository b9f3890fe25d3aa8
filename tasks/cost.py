"""What an evaluation costs, counted where it is spent, and what comes of it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

BATCH_PARTS = "batch_parts"  # a metric of trainings that went through each batch in so many parts, for want of memory


@dataclass(frozen=True)
class Cost:
    """Images and pixels that went through a network (deterministic), and seconds (measured)."""

    images: int = 0
    pixels: int = 0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.images + other.images, self.pixels + other.pixels, self.seconds + other.seconds)

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.images - other.images, self.pixels - other.pixels, self.seconds - other.seconds)


class Spent:
    """What a meter has counted since this was made."""

    def __init__(self, meter: Meter):
        self._meter, self._before = meter, meter.reading()

    @property
    def cost(self) -> Cost:
        return self._meter.reading() - self._before


class Meter(threading.local):
    """Counts every pass of an image through a network, forward alone or there and back, in this thread."""

    def __init__(self) -> None:
        self.images = self.pixels = 0
        self._carried = 0.0

    def count(self, images: int, size: tuple[int, ...]) -> None:
        """`images` of (height, width) went through."""
        self.images += images
        self.pixels += images * size[0] * size[1]

    def carry(self, cost: Cost) -> None:
        """What an earlier process spent on the same work, before it was killed."""
        self.images += cost.images
        self.pixels += cost.pixels
        self._carried += cost.seconds

    def reading(self) -> Cost:
        """All that was spent until now; seconds are those of a clock, with those of earlier processes."""
        return Cost(self.images, self.pixels, time.perf_counter() + self._carried)

    def measure(self) -> Spent:
        """What is spent from now on."""
        return Spent(self)


@dataclass(frozen=True)
class Inherited:
    """How many of a network's tensors were copied, changed or new when it took over weights.

    Of those that were changed, some were `padded`, and some `cropped`, which may have been padded at another side.
    """

    copied: int
    changed: int
    new: int
    padded: int = 0
    cropped: int = 0


@dataclass(frozen=True)
class Outcome:
    """What came of one stage: metrics by name on the field's scale, the cost, and a report of inherited weights."""

    metrics: dict[str, float]
    cost: Cost
    inherited: Inherited | None = None
