"""A classifier from images to scores of classes, as it is taken home."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from tasks.deployment import Normalised


class Labels(nn.Module):
    """(N, 3, H, W) RGB images, 0 to 255, in; scores (N, classes) out, whose softmax are probabilities."""

    def __init__(self, network: Any):
        super().__init__()
        self.normalised, self.network = Normalised(), network

    def forward(self, image: Tensor) -> Tensor:
        return self.network.scores(self.network.backbone(self.normalised(image)))
