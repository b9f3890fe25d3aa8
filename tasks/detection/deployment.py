"""A detector from images to boxes with scores, as it is taken home."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from tasks.deployment import Normalised

RATIO = abs(math.log(16 / 1000))  # by which a box may differ from its anchor, in the logarithm of a side


class Boxes(nn.Module):
    """(N, 3, H, W) RGB images, 0 to 255, in; boxes (N, P, 4) and scores (N, P, classes), 0 to 1, out.

    Boxes are x1, y1, x2, y2 in pixels, one for every point or anchor, overlapping ones included. `network` is a detector of
    MMDetection with a head of FCOS' kind (a point, the distances to four sides, and a centerness that scores are multiplied
    with) or one with anchors (centres and sides relative to these).
    """

    def __init__(self, network: Any):
        super().__init__()
        self.normalised, self.network, self.head = Normalised(), network, network.bbox_head
        for level, anchors in enumerate(getattr(self.head.prior_generator, "base_anchors", [])):
            self.register_buffer(f"anchors_{level}", anchors)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        network = self.network
        scores, sides, *centerness = self.head(network.neck(network.backbone(self.normalised(image))))
        levels = [self._level(level, *maps) for level, maps in enumerate(zip(scores, sides, *centerness, strict=True))]
        boxes, scores = (torch.cat(parts, 1) for parts in zip(*levels, strict=True))
        height, width = image.shape[-2], image.shape[-1]
        x1, y1, x2, y2 = (boxes[..., side] for side in range(4))
        inside = [x1.clamp(0, width), y1.clamp(0, height), x2.clamp(0, width), y2.clamp(0, height)]
        return torch.stack(inside, -1), scores

    def _level(
        self, level: int, scores: Tensor, sides: Tensor, centerness: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        stride = self.head.prior_generator.strides[level]
        if centerness is None:
            x, y = _places(scores, stride, 0.0)
            return self._from_anchors(getattr(self, f"anchors_{level}"), x, y, _rows(sides, 4)), self._scores(scores)
        x, y = _places(scores, stride, self.head.prior_generator.offset)
        left, top, right, bottom = (sides.flatten(2)[:, side] for side in range(4))
        return torch.stack([x - left, y - top, x + right, y + bottom], -1), self._scores(scores) * _rows(
            centerness, 1
        ).sigmoid()

    def _scores(self, scores: Tensor) -> Tensor:
        rows = _rows(scores, self.head.cls_out_channels)
        return rows.sigmoid() if self.head.use_sigmoid_cls else rows.softmax(-1)[..., :-1]

    def _from_anchors(self, anchors: Tensor, x: Tensor, y: Tensor, deltas: Tensor) -> Tensor:
        """Boxes (N, P, 4) of MMDetection's `DeltaXYWHBBoxCoder` (R-CNN's parametrisation, Girshick et al., CVPR 2014)."""
        coder = self.head.bbox_coder
        by, to = coder.stds, coder.means
        deltas = torch.stack([deltas[..., side] * by[side] + to[side] for side in range(4)], -1)
        shifts = torch.stack([x, y, x, y], -1)
        placed = (shifts[:, :, None] + anchors).flatten(1, 2)
        low, high = placed[..., :2], placed[..., 2:]
        centre = (low + high) * 0.5 + (high - low) * deltas[..., :2]
        half = (high - low) * deltas[..., 2:].clamp(-RATIO, RATIO).exp() * 0.5
        return torch.cat([centre - half, centre + half], -1)


def _rows(maps: Tensor, channels: int) -> Tensor:
    """(N, A * channels, H, W) as (N, H * W * A, channels), the order of a head's anchors."""
    return maps.permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, channels))


def _places(maps: Tensor, stride: tuple[int, int], offset: float) -> tuple[Tensor, Tensor]:
    """x and y (1, H * W) of a map's positions in the image's pixels."""
    ones = torch.ones_like(maps[:1, :1])
    x, y = ((ones.cumsum(axis) - 1 + offset) * step for axis, step in ((3, stride[0]), (2, stride[1])))
    return x.flatten(1), y.flatten(1)
