"""What a toy network scores and costs, in closed form."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Layer = Mapping[str, Any]  # its width, kernel and act

WANTED = (3, 5)  # the kernels of even and of odd layers with the receptive field that the depth asks for
WIDEST = 16
ACT = {"relu": 1.0, "tanh": 0.6, "none": 0.2}
TWIN = 0.8  # what is left of a layer with the kernel of the one before


def fit(depth: int, kernel: int) -> float:
    """What a kernel is worth at a depth, at most 1."""
    return 1.0 - abs(kernel - WANTED[depth % 2]) / 4


def size(width: int) -> float:
    """What a width is worth, at most 1."""
    return math.sqrt(width / WIDEST)


def score(layers: Sequence[Layer], gains: Sequence[float]) -> float:
    """The noise-free score in 0 to 100; the sigmoid of a layer's gain is how much of its worth it has learnt."""
    total = 0.0
    for depth, (layer, gain) in enumerate(zip(layers, gains, strict=True)):
        twin = depth > 0 and layer["kernel"] == layers[depth - 1]["kernel"]
        worth = fit(depth, layer["kernel"]) * size(layer["width"]) * ACT[layer["act"]] * (TWIN if twin else 1.0)
        total += worth / (1 + math.exp(-gain))
    return 100.0 * total / len(layers)


def tables() -> dict[str, Any]:
    """The formula as numbers, for the choices of `ToySpace`: what a `ToySupernet` is built with."""
    return {
        "fit": [{kernel: fit(depth, kernel) for kernel in (1, 3, 5)} for depth in (0, 1)],
        "size": {width: size(width) for width in (4, 8, 12, 16)},
        "act": ACT,
        "twin": TWIN,
    }


def costs(layers: Sequence[Layer], shape: tuple[int, int, int]) -> dict[str, float]:
    """`params` and `madds` for one image of `shape` = (channels, height, width)."""
    widths = [shape[0], *(layer["width"] for layer in layers)]
    weights = sum(before * layer["width"] * layer["kernel"] ** 2 for before, layer in zip(widths, layers, strict=False))
    return {"params": weights + sum(widths[1:]), "madds": weights * shape[1] * shape[2]}
