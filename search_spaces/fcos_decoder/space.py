"""FPN and head of FCOS, searched together or one after the other (NAS-FCOS, Wang et al., CVPR 2020)."""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.architecture import Choice
from search_spaces.fpn_cells.space import FPNCells, Genotype, Variant
from search_spaces.head_cells.space import HeadCells
from search_spaces.joint import Joint


class FCOSDecoder(Joint):
    """`FPNCells` (decisions "fpn. ...") and `HeadCells` ("head. ..."); see there for the settings.

    `channels` is the FPN's width, `head_channels` the head's: the same (None), or twice as much ("@128-256").
    """

    def __init__(
        self,
        channels: int = 256,
        blocks: int = 7,
        layers: int = 6,
        variant: Variant = "official",
        head_channels: int | None = None,
    ):
        self.fpn = FPNCells(channels, blocks, variant, head_channels)
        self.head = HeadCells(self.fpn.head_channels, layers)
        self.notation = f"({self.fpn.notation}, index of sharing, {layers} operations 0 to 5)"
        super().__init__(self.fpn, self.head)

    def choices(self, genotype: tuple[Genotype, int, Sequence[int]]) -> dict[str, Choice]:
        fpn, split, ops = genotype
        return {**self.fpn.choices(fpn), **self.head.choices((split, ops))}
