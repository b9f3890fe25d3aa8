"""All backbones of `NASNetCells` at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.architecture import Choices
from search_spaces.mixing import applied, total
from search_spaces.nasnet_cells.network import TAPS, Stages, quarter, stages_of
from search_spaces.nasnet_cells.operations import fit, operation
from search_spaces.nasnet_cells.space import NAMES, NASNetCells, order
from search_spaces.supernet import ChoiceSupernet, Shares


class MixedCell(nn.Module):
    """A `Cell` of all `operations`, with sides ("0a": of the first block) that read all inputs.

    The inputs of a side are mixed first and each operation runs once on the mixture. In a reduction cell, where the outputs of
    other cells are twice as large as its blocks, each of the two has a mixture, by whose share its operations count.
    """

    def __init__(
        self,
        operations: Sequence[str],
        blocks: int,
        kind: str,
        inputs: tuple[int, int],
        channels: int,
        larger: bool,
    ):
        super().__init__()
        self.sides = {f"{block}{side}": f"{kind}.block{block}.{side}" for block in range(blocks) for side in "ab"}
        self.halves, self.channels = kind == "reduce", blocks * channels
        self.fits = nn.ModuleList(
            fit(width, channels, larger and place == 0, affine=False) for place, width in enumerate(inputs)
        )
        self.ops = nn.ModuleDict(
            {
                f"{side}_{name}_{stride}": operation(NAMES[name], channels, channels, stride, affine=False)
                for side in self.sides
                for stride in self._strides(side)
                for name in operations
            }
        )

    def _strides(self, side: str) -> tuple[int, ...]:
        """Those of a side's operations: the first block has no other one to read."""
        if not self.halves:
            return (1,)
        return (2,) if side.startswith("0") else (2, 1)

    def forward(self, older: Tensor, old: Tensor, shares: Mapping[str, Shares]) -> Tensor:
        read = {place for side in self.sides.values() for place in shares[f"{side}.input"]}
        pool = [self.fits[place](x) if place in read else x for place, x in enumerate((older, old))]
        sides = list(self.sides)
        for pair in zip(sides[::2], sides[1::2], strict=True):
            pool.append(total([term for side in pair for term in self._terms(side, pool, shares)]))
        return torch.cat(pool[2:], 1)

    def _terms(self, side: str, pool: Sequence[Tensor], shares: Mapping[str, Shares]) -> Iterator[Tensor]:
        """What the operations of a side make of each of its mixtures."""
        inputs, ops = (shares[f"{self.sides[side]}.{what}"] for what in ("input", "op"))
        for stride in self._strides(side):
            places = [place for place in inputs if not self.halves or (place < 2) == (stride == 2)]
            if places:
                x = total([inputs[place] * pool[place] for place in places])
                if len(places) == len(inputs):
                    yield self._mixed(side, stride, ops, x)
                else:  # BN would lose the share of this mixture: it counts behind the operations
                    whole = sum(inputs[place] for place in places)
                    yield whole * self._mixed(side, stride, ops, x / whole)

    def _mixed(self, side: str, stride: int, ops: Shares, x: Tensor) -> Tensor:
        return applied({name: self.ops[f"{side}_{name}_{stride}"] for name in ops}, ops, x)


class BackboneSupernet(ChoiceSupernet):
    """One softmax for every decision of a `NASNetCells` with these `settings`, shared by all cells of a kind; weights are not.

    Time and memory grow with the operations, not with inputs times operations; what weighs nothing is not run. With all weight
    on one answer, this is that answer's network, except that no BN is affine.
    """

    def __init__(self, settings: Mapping[str, Any], taps: Sequence[str] = TAPS):
        super().__init__()
        self.space = space = NASNetCells(**settings)
        channels = space.outer["channels"]
        self.taps, self.stem = stages_of(taps), quarter(channels, affine=False)
        cell = partial(MixedCell, space.operations, space.blocks)
        self.stages = Stages(cell, (channels, channels), channels, space.outer["depth"], 1 + max(self.taps))
        self.offer(space.decisions)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Images (B, 3, H, W) in, the maps of the taps out, as in `CellBackbone`."""
        x = self.stem(x)
        maps = self.stages(x, x, shares=self.shares())
        return tuple(maps[number] for number in self.taps)

    def derive(self, choices: Choices) -> dict[str, Tensor]:
        origins = {"stem": "stem"}
        for number, cell in enumerate(self.stages.cells):
            here, kind = f"stages.cells.{number}", "reduce" if cell.halves else "normal"
            for block in range(self.space.blocks):
                node = f"{kind}.block{block}"
                for place, side in enumerate(order(choices, node), start=2 * block):
                    source, name = int(choices[f"{node}.{side}.input"]), choices[f"{node}.{side}.op"]
                    stride = 2 if cell.halves and source < 2 else 1
                    origins[f"{here}.ops.{place}"] = f"{here}.ops.{block}{side}_{name}_{stride}"
                    if source < 2:
                        origins[f"{here}.fits.{source}"] = f"{here}.fits.{source}"
        return self.renamed(origins)
