"""Inference on images that are too large to go through a network at once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

Span = tuple[int, int]  # the first, and one behind the last


def tiled(network: Callable[[Tensor], Tensor], images: Tensor, tile: int, overlap: int) -> Tensor:
    """What `network` makes of (N, C, H, W) images, computed in tiles of at most `tile` pixels a side.

    Of every tile, `overlap` pixels at the sides towards its neighbours are thrown away. The result is that of the whole
    image where `overlap`, less than half a tile, is at least how far an output pixel looks. The network may enlarge the images
    by a whole factor, and change their channels.
    """

    def restored(rows: Span, columns: Span) -> Tensor:
        top, left = max(0, rows[0] - overlap), max(0, columns[0] - overlap)
        seen = images[..., top : rows[1] + overlap, left : columns[1] + overlap]
        part = network(seen)
        scale = part.shape[-1] // seen.shape[-1]
        high, wide = ([scale * (end - first) for end in span] for span, first in ((rows, top), (columns, left)))
        return part[..., slice(*high), slice(*wide)]

    rows, columns = (_spans(side, tile - 2 * overlap) for side in images.shape[-2:])
    return torch.cat([torch.cat([restored(row, column) for column in columns], -1) for row in rows], -2)


def _spans(side: int, step: int) -> list[Span]:
    """`side` pixels in equal pieces of at most `step`, as (first, one behind the last)."""
    count = -(-side // step)
    return list(pairwise(side * place // count for place in range(count + 1)))
