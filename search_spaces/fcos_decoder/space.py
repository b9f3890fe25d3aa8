"""FPN and head of FCOS, searched together or one after the other (NAS-FCOS, Wang et al., CVPR 2020)."""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.architecture import Architecture
from search_spaces.fpn_cells.space import FPNCells
from search_spaces.head_cells.space import HeadCells
from search_spaces.joint import Joint


class FCOSDecoder(Joint):
    """`FPNCells` (decisions "fpn. ...") and `HeadCells` ("head. ...") of one width; see there for the settings."""

    def __init__(self, channels: int = 256, blocks: int = 7, layers: int = 6, variant: str = "official"):
        self.fpn, self.head = FPNCells(channels, blocks, variant), HeadCells(channels, layers)
        super().__init__(self.fpn, self.head)

    def read(self, genotype: tuple[Sequence[Sequence[int]], int, Sequence[int]]) -> Architecture:
        """The architecture of a published genotype: FPN, index of sharing, operations of the head."""
        try:
            fpn, split, ops = genotype
        except (TypeError, ValueError):
            form = "(genotype of the FPN, index of sharing, operations of the head)"
            raise ValueError(f"{genotype} is not a genotype of FCOS: write it as {form}") from None
        return self.architecture({**self.fpn.read(fpn).as_dict(), **self.head.read(split, ops).as_dict()})
