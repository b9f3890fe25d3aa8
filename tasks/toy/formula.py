"""What a toy network scores and costs, in closed form."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Layer = Mapping[str, Any]  # its width, kernel and act

# What the choices of `ToySpace` are worth, at most 1: a kernel of even and of odd layers by how close it comes to the receptive
# field that the depth asks for, and what is left of a layer with the kernel of the one before.
FIT = [{kernel: 1.0 - abs(kernel - wanted) / 4 for kernel in (1, 3, 5)} for wanted in (3, 5)]
SIZE = {width: math.sqrt(width / 16) for width in (4, 8, 12, 16)}
ACT = {"relu": 1.0, "tanh": 0.6, "none": 0.2}
TWIN = 0.8
TABLES: dict[str, Any] = {"fit": FIT, "size": SIZE, "act": ACT, "twin": TWIN}  # what a `ToySupernet` is built with


def score(layers: Sequence[Layer], gains: Sequence[float]) -> float:
    """The noise-free score in 0 to 100; the sigmoid of a layer's gain is how much of its worth it has learnt."""
    total = 0.0
    for depth, (layer, gain) in enumerate(zip(layers, gains, strict=True)):
        twin = depth > 0 and layer["kernel"] == layers[depth - 1]["kernel"]
        worth = FIT[depth % 2][layer["kernel"]] * SIZE[layer["width"]] * ACT[layer["act"]] * (TWIN if twin else 1.0)
        total += worth / (1 + math.exp(-gain))
    return 100.0 * total / len(layers)


def costs(layers: Sequence[Layer], shape: tuple[int, int, int]) -> dict[str, float]:
    """`params` and `madds` for one image of `shape` = (channels, height, width)."""
    widths = [shape[0], *(layer["width"] for layer in layers)]
    weights = sum(before * layer["width"] * layer["kernel"] ** 2 for before, layer in zip(widths, layers, strict=False))
    return {"params": weights + sum(widths[1:]), "madds": weights * shape[1] * shape[2]}
