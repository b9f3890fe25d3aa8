"""The head of `HeadCells` as a dense head of MMDetection."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from mmdet.models.dense_heads import FCOSHead
from torch import Tensor, nn

from search_spaces.deform import DeformConv
from search_spaces.ops import Style, operation

LEVELS = 5


def group_norm(channels: int, affine: bool) -> nn.GroupNorm:
    """32 groups, fewer where they would be of less than four channels."""
    return nn.GroupNorm(math.gcd(32, channels // 4), channels, affine=affine)


STYLE = Style(norm=group_norm, names=None)


class SearchedHead(FCOSHead):
    """An FCOS head with two towers that `tower` makes, each of which `through` takes a level's map through."""

    @abstractmethod
    def tower(self) -> nn.ModuleList:
        """New layers."""

    @abstractmethod
    def through(self, tower: Any, x: Tensor, level: int) -> Tensor:
        """A level's map (B, C, H, W) at the end of a tower."""

    def _init_cls_convs(self) -> None:
        self.cls_convs = self.tower()

    def _init_reg_convs(self) -> None:
        self.reg_convs = self.tower()

    def init_weights(self) -> None:
        super().init_weights()
        for module in self.modules():
            if isinstance(module, DeformConv):  # offsets start at zero, which the rule for convolutions does not know
                module.init_weights()

    def forward(self, x: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Scores, distances to the boxes' sides in pixels, and centerness, a list over the levels each."""
        outputs = [self._level(features, level) for level, features in enumerate(x)]
        scores, boxes, centerness = (list(maps) for maps in zip(*outputs, strict=True))
        return scores, boxes, centerness

    def _level(self, x: Tensor, level: int) -> tuple[Tensor, Tensor, Tensor]:
        classes, boxes = (self.through(tower, x, level) for tower in (self.cls_convs, self.reg_convs))
        centerness = self.conv_centerness(boxes if self.centerness_on_reg else classes)
        sides = self.scales[level](self.conv_reg(boxes)).float()
        if not self.norm_on_bbox:
            return self.conv_cls(classes), sides.exp(), centerness
        sides = sides.clamp(min=0)
        return self.conv_cls(classes), sides if self.training else sides * self.strides[level], centerness


class CellFCOSHead(SearchedHead):
    """An FCOS head whose two towers are made of `ops`; the first `split` layers have weights for each level."""

    def __init__(self, ops: Sequence[str], split: int, **settings: Any):
        self.ops, self.split = tuple(ops), split
        super().__init__(**settings)

    def tower(self) -> nn.ModuleList:
        return nn.ModuleList(
            nn.ModuleList(
                operation(name, self.feat_channels, STYLE) for _ in range(LEVELS if depth < self.split else 1)
            )
            for depth, name in enumerate(self.ops)
        )

    def through(self, tower: Any, x: Tensor, level: int) -> Tensor:
        for copies in tower:
            x = copies[min(level, len(copies) - 1)](x)
        return x
