"""Inference on images that are too large to go through a network at once."""

from __future__ import annotations

from itertools import pairwise, product

import torch
from torch import Tensor, nn


def tiled(network: nn.Module, images: Tensor, tile: int, overlap: int) -> Tensor:
    """What `network` makes of (N, C, H, W) images, computed in tiles of at most `tile` pixels a side.

    Of every tile, `overlap` pixels at the sides towards its neighbours are thrown away. The result is that of the whole
    image where `overlap`, less than half a tile, is at least how far an output pixel looks.
    """
    restored = torch.empty_like(images)
    for rows, columns in product(*(_spans(side, tile - 2 * overlap) for side in images.shape[-2:])):
        top, left = max(0, rows[0] - overlap), max(0, columns[0] - overlap)
        part = network(images[..., top : rows[1] + overlap, left : columns[1] + overlap])
        inner = part[..., rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left]
        restored[..., slice(*rows), slice(*columns)] = inner
    return restored


def _spans(side: int, step: int) -> list[tuple[int, int]]:
    """`side` pixels in equal pieces of at most `step`, as (first, one behind the last)."""
    count = -(-side // step)
    return list(pairwise(side * place // count for place in range(count + 1)))
