"""Inference on images that are too large to go through a network at once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

Span = tuple[int, int]  # the first, and one behind the last
GRID = 8  # tiles begin at its multiples, as networks that fold pixels, 2 x 2 or 4 x 4, depend on where they begin


def tiled(network: Callable[[Tensor], Tensor], images: Tensor, tile: int, overlap: int) -> Tensor:
    """What `network` makes of (N, C, H, W) images, computed in tiles of at most `tile` pixels a side, 3 * GRID or more.

    Of every tile, `overlap` pixels at the sides towards its neighbours are thrown away, at most a quarter of it; above and to
    the left up to GRID - 1 more, so that it begins at a multiple of GRID. The result is that of the whole image where `overlap`
    is at least how far an output pixel looks. The network may enlarge the images by a whole factor, and change their channels.
    """
    before = -(-overlap // GRID) * GRID
    step = max(GRID, (tile - before - overlap) // GRID * GRID)

    def restored(rows: Span, columns: Span) -> Tensor:
        top, left = max(0, rows[0] - before), max(0, columns[0] - before)
        seen = images[..., top : rows[1] + overlap, left : columns[1] + overlap]
        part = network(seen)
        scale = part.shape[-1] // seen.shape[-1]
        high, wide = ([scale * (end - first) for end in span] for span, first in ((rows, top), (columns, left)))
        return part[..., slice(*high), slice(*wide)]

    rows, columns = (_spans(side, step) for side in images.shape[-2:])
    return torch.cat([torch.cat([restored(row, column) for column in columns], -1) for row in rows], -2)


def _spans(side: int, step: int) -> list[Span]:
    """`side` pixels in nearly equal pieces of at most `step`, which begin at multiples of GRID."""
    count, cells = -(-side // step), -(-side // GRID)
    return list(pairwise(min(side, cells * place // count * GRID) for place in range(count + 1)))
