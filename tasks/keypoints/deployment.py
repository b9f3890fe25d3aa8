"""A network from images to heat maps of joints, as it is taken home."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from tasks.deployment import Normalised
from tasks.keypoints.heatmaps import map_size


class HeatMaps(nn.Module):
    """(N, 3, H, W) RGB images, 0 to 255, in; heat maps (N, joints, H / 4, W / 4) out, about 1 where a joint is."""

    def __init__(self, network: Any):
        super().__init__()
        self.normalised, self.network = Normalised(), network

    def forward(self, image: Tensor) -> Tensor:
        network = self.network
        maps = network.decode_head(network.backbone(self.normalised(image)))
        return F.interpolate(maps, map_size((image.shape[-2], image.shape[-1])), mode="bilinear", align_corners=False)
