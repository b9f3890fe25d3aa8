"""A network from images to scores of every pixel, as it is taken home."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from tasks.deployment import Normalised


class Pixels(nn.Module):
    """(N, 3, H, W) RGB images, 0 to 255, in; scores (N, outputs, H, W) out."""

    def __init__(self, network: Any):
        super().__init__()
        self.normalised, self.network = Normalised(), network

    def forward(self, image: Tensor) -> Tensor:
        network = self.network
        scores = network.decode_head(network.backbone(self.normalised(image)))
        return F.interpolate(scores, image.shape[-2:], mode="bilinear", align_corners=False)
