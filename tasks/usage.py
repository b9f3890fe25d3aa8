"""How a network that was taken home is fed and read: what of its `model.json` is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tasks.augment import fit_size


@dataclass(frozen=True, kw_only=True)
class AnyUsage:
    """What all networks have: the (channels, height, width) of an `input`, and the (height, width) that images are brought to.

    Without a `size` images keep their own; those above `tile` squared pixels go through in tiles.
    """

    transparent: ClassVar[bool] = True  # whether pictures may be

    input: tuple[int, int, int]
    size: tuple[int, int] | None
    tile: int | None = None

    def __post_init__(self) -> None:
        if min(*self.input, *(self.size or ()), self.tile or 1) < 1:
            raise ValueError(f"input {self.input}, size {self.size} and tile {self.tile} must be at least 1")

    def fitted(self, image: np.ndarray) -> np.ndarray:
        """An image (H, W, 3) RGB as the network wants it."""
        return fit_size(image, self.size) if self.size else image


@dataclass(frozen=True, kw_only=True)
class ClassUsage(AnyUsage):
    """And the classes that it tells apart."""

    classes: tuple[str, ...]


def check_count(outputs: int, names: Sequence[str]) -> None:
    """Raise ValueError where a network gives another number of outputs than there are names for."""
    if outputs != len(names):
        raise ValueError(f"the network gives {outputs} outputs, and model.json has {len(names)} names: export it again")
