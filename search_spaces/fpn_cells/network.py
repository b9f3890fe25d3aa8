"""The feature pyramid of `FPNCells` as a neck of MMDetection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.fpn_cells.space import JOINS, OPERATIONS, OUTPUTS, TAPS, Genotype
from search_spaces.ops import PLAIN, operation, resize


class Sum(nn.Module):
    """a * x + b * y with a weight for each channel."""

    def __init__(self, channels: int):
        super().__init__()
        self.a, self.b = (nn.Parameter(torch.ones(1, channels, 1, 1)) for _ in "ab")

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.a * x + self.b * y


class Concat(nn.Module):
    """BN, ReLU and a 1x1 convolution in `channels` groups on [x, y].

    As in the authors' network a group does not pair x with y: the first half of the outputs sees two channels of x each, the
    second half two of y.
    """

    def __init__(self, channels: int, affine: bool = True):
        super().__init__()
        self.bn = nn.BatchNorm2d(2 * channels, affine=affine)
        self.conv = nn.Conv2d(2 * channels, channels, 1, groups=channels, bias=False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.conv(F.relu(self.bn(torch.cat([x, y], 1))))


class FPN(BaseModule):
    """What `CellFPN` and its supernet share: blocks see maps of `width` channels, P3 to P7 have `out_channels`."""

    p6: nn.Module
    p7: nn.Module

    def __init__(self, out_channels: int, variant: str, channels: int | None):
        super().__init__()
        self.width = channels or out_channels
        self.port, self.wide = variant == "mmdet", self.width != out_channels

    def enlarge(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Both sides of a block, the smaller one at the size of the larger."""
        size = max(x.shape[-2:], y.shape[-2:])
        return self._enlarge(x, size), self._enlarge(y, size)

    def _enlarge(self, x: Tensor, size: torch.Size) -> Tensor:
        return F.interpolate(x, size=size, mode="nearest") if self.port else resize(x, size)

    def levels(self, inputs: Sequence[Tensor], sums: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, ...]:
        """P3 to P7, of the output that becomes P5, P4 and P3 each and of its sum with the earlier unused ones."""
        outputs = []
        for tap, (own, total) in zip(inputs[:0:-1], sums, strict=True):  # P5 at the size of C5, then P4 and P3
            outputs.append(resize(torch.cat([own, total], 1) if self.wide else total, tap.shape[-2:]))
        p6 = self.p6(outputs[0])
        return (*outputs[::-1], p6, self.p7(F.relu(p6)))


def coarser(channels: int) -> nn.Conv2d:
    """What makes P6 of P5, and P7 of P6."""
    return nn.Conv2d(channels, channels, 3, stride=2, padding=1)


class CellFPN(FPN):
    """Maps of strides 4, 8, 16 and 32 in, P3 to P7 of `out_channels` channels out; see `FPNCells` for the wiring.

    `genotype` is a list of `[input, input, op, op, join]`, all numbers. `channels` is the width of all maps before P3 to P7;
    None: the same.
    """

    def __init__(
        self,
        genotype: Genotype,
        in_channels: Sequence[int],
        out_channels: int,
        variant: str = "official",
        channels: int | None = None,
    ):
        super().__init__(out_channels, variant, channels)
        self.wiring = [(block[0], block[1]) for block in genotype]
        used = {place for pair in self.wiring for place in pair}
        self.adapters = nn.ModuleList(
            nn.Identity() if self.port and place not in used else PLAIN.conv(inputs, self.width)
            for place, inputs in enumerate(in_channels)
        )
        self.ops = nn.ModuleList(
            nn.ModuleList(operation(OPERATIONS[op], self.width) for op in block[2:4]) for block in genotype
        )
        joins = {"sum": Sum, "concat": Concat}
        self.joins = nn.ModuleList(joins[JOINS[block[4]]](self.width) for block in genotype)
        loose = [place for place in range(TAPS, TAPS + len(genotype)) if place not in used]
        self.added, self.outputs = loose[:-OUTPUTS], loose[-OUTPUTS:]
        self.p6, self.p7 = (coarser(out_channels) for _ in range(2))

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        pool = [adapter(x) for adapter, x in zip(self.adapters, inputs, strict=True)]
        for (a, b), ops, join in zip(self.wiring, self.ops, self.joins, strict=True):
            x, y = (op(pool[place]) for op, place in zip(ops, (a, b), strict=True))  # type: ignore[arg-type]
            pool.append(join(*self.enlarge(x, y)))
        ends = [pool[place] for place in self.outputs]
        return self.levels(
            inputs, [(own, sum((resize(pool[k], own.shape[-2:]) for k in self.added), own)) for own in ends]
        )
