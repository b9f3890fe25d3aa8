"""All decoders of `DecoderCells` at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.architecture import Choice, Choices
from search_spaces.decoder_cells.network import Block, Decoder
from search_spaces.decoder_cells.space import BLOCKS, DECISIONS, LAYERS, OPERATIONS, TAPS, Swaps, canonical_swaps
from search_spaces.mixing import applied, loose, mixed
from search_spaces.ops import Style, largest, operation, resize
from search_spaces.supernet import ChoiceSupernet, Shares

SIDES = [f"cell.layer{layer}.{side}" for layer in range(1, LAYERS + 1) for side in "ab"]
OUTPUTS = range(1, 3 * LAYERS + 2, 3)  # places of the first output of a cell and of its layers' sums


class MixedCell(nn.Module):
    """A `Cell` of all operations, each of which runs once, on the mixture of its inputs."""

    def __init__(self, channels: int, style: Style):
        super().__init__()
        self.ops = nn.ModuleDict(
            {
                f"{place}_{name}": operation(name, channels, style)
                for place in range(1 + len(SIDES))
                for name in OPERATIONS
            }
        )

    def forward(self, x: Tensor, shares: Mapping[str, Shares]) -> Tensor:
        pool = [x, self._run(0, x, shares["cell.op0"])]
        for place, side in enumerate(SIDES, start=1):
            pool.append(self._run(place, mixed(pool, shares[f"{side}.input"]), shares[f"{side}.op"]))
            if side.endswith("b"):
                pool.append(pool[-2] + pool[-1])
        return mixed(pool, loose(OUTPUTS, [shares[f"{side}.input"] for side in SIDES]))

    def _run(self, place: int, x: Tensor, shares: Shares) -> Tensor:
        return applied({name: self.ops[f"{place}_{name}"] for name in shares}, shares, x)


class DecoderSupernet(Decoder, ChoiceSupernet):
    """One softmax for every decision of `DecoderCells`, shared by all cells as the cell is; the weights are not.

    The inputs of a side are mixed first and every operation runs once on the mixture, so that time and memory grow with the
    operations, not with inputs times operations. Maps of several sizes are mixed at that of the largest. What weighs nothing
    is not run.

    A cell sums those outputs that none of its inputs is taken from, and the decoder joins such blocks. Here every output
    counts there by the probability that none is: the product, over all inputs, of 1 minus its share. A block without a share
    gives zeros to the convolution that joins them.

    So, with all weight on one answer, this is that answer's network. No BN is affine. `aux` is "conv" or None: cells that
    only supervise would be mixed as well, and cost half as much again.
    """

    def __init__(self, in_channels: Sequence[int], repeats: int = 1, aux: str | None = None, **settings: Any):
        style = Style(affine=False, repeats=repeats)
        super().__init__(style, in_channels, **settings)
        cell = partial(MixedCell, self.channels, style)
        self.blocks = nn.ModuleList(Block(cell, self.channels, style) for _ in range(BLOCKS))
        self.merge = style.conv(self.channels * BLOCKS, self.channels)
        self.conv_seg = self.classifier()
        self.aux = nn.ModuleList(nn.Sequential(nn.Identity(), self.classifier()) for _ in range(BLOCKS if aux else 0))
        self.offer(DECISIONS)

    def decode(self, taps: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        shares, pool, picks = self.shares(), list(taps), []
        for number, block in enumerate(self.blocks):
            sides = [shares[f"block{number}.{side}"] for side in "ab"]
            pool.append(block(*(mixed(pool, side) for side in sides), shares=shares))
            picks += sides
        ends = loose(range(TAPS, len(pool)), picks)
        size = largest([pool[place] for place in ends])
        joined = [resize(ends.get(place, 0.0) * pool[place], size) for place in range(TAPS, len(pool))]
        return self.merge(F.relu(torch.cat(joined, 1))), pool[TAPS:]

    def derive(self, choices: Choices) -> dict[str, Tensor]:
        swaps = canonical_swaps(choices)
        ops = [choices["cell.op0"], *(choices[f"{side}.op"] for side in SIDES)]
        picked = {choices[f"block{block}.{side}"] for block in range(BLOCKS) for side in "ab"}
        ends = [block for block in range(BLOCKS) if TAPS + block not in picked]
        weights = self.state_dict()
        weights["merge.conv.weight"] = weights["merge.conv.weight"].unflatten(1, (BLOCKS, -1))[:, ends].flatten(1, 2)
        names = {name: _name_there(name, ops, *swaps) for name in weights if not name.startswith("alphas.")}
        return {there: weights[name] for name, there in names.items() if there is not None}


def _name_there(name: str, ops: Sequence[Choice], layers: Swaps, blocks: Swaps) -> str | None:
    """What a weight is called in the decoder of `ops` with sides of layers and blocks exchanged; None: it is not there."""
    match = re.fullmatch(r"blocks\.(\d)\.sides\.(\d)(?:\.0\.ops\.(\d)_(\w+))?\.(.+)", name)
    if match is None:
        return name
    block, side, place, op, rest = match.groups()
    there = f"blocks.{block}.sides.{int(side) ^ blocks[int(block)]}"
    if place is None:
        return f"{there}.{rest}"
    if op != ops[int(place)]:
        return None
    layer, second = divmod(int(place) - 1, 2)  # the first operation, of place 0, is of no layer
    at = 0 if place == "0" else 1 + 2 * layer + (second ^ layers[layer])
    return f"{there}.0.ops.{at}.{rest}"
