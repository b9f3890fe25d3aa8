"""A depth network from images to metres, as it is taken home."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from tasks.decoding.deployment import Pixels
from tasks.depth.scores import depth_of


class Depths(nn.Module):
    """(N, 3, H, W) RGB images, 0 to 255, in; depths (N, 1, H, W) in metres out."""

    def __init__(self, network: Any, nearest: float, farthest: float):
        super().__init__()
        self.pixels, self.nearest, self.farthest = Pixels(network), nearest, farthest

    def forward(self, image: Tensor) -> Tensor:
        return depth_of(self.pixels(image), self.nearest, self.farthest)
