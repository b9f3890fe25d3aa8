"""Joints as heat maps, and heat maps as joints."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

STRIDE = 4  # pixels of an image to one of its heat maps


def map_size(size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of the heat maps of images of (height, width)."""
    return -(-size[0] // STRIDE), -(-size[1] // STRIDE)


def gaussians(joints: Tensor, size: tuple[int, int], sigma: float) -> Tensor:
    """Heat maps (N, K, height, width) of joints (N, K, 2 or 3), x and y in an image's pixels: 1 at the joint, not rounded.

    `sigma` is in pixels of the maps.
    """
    places = (joints[..., :2] + 0.5) / STRIDE - 0.5
    columns, rows = (torch.arange(side, device=joints.device) for side in size[::-1])
    x, y = (torch.exp(-((axis - places[..., k, None]) ** 2) / (2 * sigma**2)) for k, axis in enumerate((columns, rows)))
    return y[..., :, None] * x[..., None, :]


def distance(maps: Tensor, joints: Tensor, sigma: float) -> Tensor:
    """The mean squared error of heat maps (N, K, h, w) over the joints (N, K, 3) that are labelled; 0 where none is.

    It is told in parts of what a map of zeros would have, whose squared error is that of the Gaussian, pi * sigma^2: so it does
    not depend on how large the maps are.
    """
    height, width = maps.shape[-2:]
    errors = ((maps - gaussians(joints, (height, width), sigma)) ** 2).sum((-2, -1)) / (math.pi * sigma**2)
    counts = (joints[..., 2] > 0).to(maps.dtype)
    return (errors * counts).sum() / counts.sum().clamp(min=1)


def decoded(maps: np.ndarray) -> np.ndarray:
    """(N, K, 3): x and y in the image's pixels, and the height of the peak, of heat maps (N, K, h, w).

    A joint is at the largest value, moved by a quarter of a map's pixel towards the larger neighbour on each axis (Newell
    et al., ECCV 2016, section 3; Xiao et al., ECCV 2018), unless it is at the border.
    """
    peaks = maps.reshape(*maps.shape[:2], -1).argmax(2)
    rows, columns = np.divmod(peaks, maps.shape[3])
    persons, joints = np.ogrid[: maps.shape[0], : maps.shape[1]]
    padded = np.pad(maps, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect")  # so that none is larger across a border

    def at(down: int, right: int) -> np.ndarray:
        return padded[persons, joints, rows + 1 + down, columns + 1 + right]

    y = rows + 0.25 * np.sign(at(1, 0) - at(-1, 0))
    x = columns + 0.25 * np.sign(at(0, 1) - at(0, -1))
    return np.stack([(x + 0.5) * STRIDE - 0.5, (y + 0.5) * STRIDE - 0.5, at(0, 0)], -1).astype(np.float64)
