"""All decoders of `DecoderCells` at once."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.architecture import Choice
from search_spaces.cell_decoder import CellDecoder, Decoder, largest
from search_spaces.decoder_cells import BLOCKS, LAYERS, OPERATIONS, TAPS, DecoderCells
from search_spaces.models import MODELS
from search_spaces.ops import conv_bn_relu, operation, resize
from search_spaces.supernet import Supernet

Shares = Mapping[Any, Tensor | float]  # by choice or by place in a pool; what weighs nothing is left out

SIDES = [f"cell.layer{layer}.{side}" for layer in range(1, LAYERS + 1) for side in "ab"]
OUTPUTS = range(1, 3 * LAYERS + 2, 3)  # places of the first output of a cell and of its layers' sums


def mixed(maps: Sequence[Tensor], shares: Shares) -> Tensor:
    """The sum of the maps by their shares, at the size of the largest that has one."""
    size = largest([maps[place] for place in shares])
    return reduce(torch.add, [resize(share * maps[place], size) for place, share in shares.items()])


def loose(places: Iterable[int], picks: Sequence[Shares]) -> Shares:
    """The probability that none of the picks, which are independent, falls on each of the places."""
    chances = {place: math.prod(1 - pick.get(place, 0.0) for pick in picks) for place in places}
    return {place: chance for place, chance in chances.items() if chance}


class MixedCell(nn.Module):
    """A `Cell` of all operations, each of which runs once, on the mixture of its inputs."""

    def __init__(self, channels: int, repeats: int):
        super().__init__()
        self.ops = nn.ModuleDict(
            {
                f"{place}_{name}": operation(name, channels, repeats)
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
        return reduce(torch.add, [share * self.ops[f"{place}_{name}"](x) for name, share in shares.items()])


class MixedBlock(nn.Module):
    """A `Block` of mixed cells."""

    def __init__(self, channels: int, repeats: int):
        super().__init__()
        self.sides = nn.ModuleList(
            nn.Sequential(MixedCell(channels, repeats), conv_bn_relu(channels, channels)) for _ in "ab"
        )

    def forward(self, a: Tensor, b: Tensor, shares: Mapping[str, Shares]) -> Tensor:
        outputs = []
        for side, x in zip(self.sides, (a, b), strict=True):
            cell, conv = side.children()
            outputs.append(conv(cell(x, shares)))
        return mixed(outputs, {0: 1.0, 1: 1.0})


@MODELS.register_module()
class DecoderSupernet(Decoder, Supernet):
    """One softmax for every decision of `DecoderCells` (the relaxation of DARTS, Liu et al., ICLR 2019, equation 2).

    `alphas` are shared by all cells as the cell is, the weights are not. The inputs of a side are mixed first and every
    operation runs once on the mixture, so that time and memory grow with the operations, not with inputs times operations.
    Maps of several sizes are mixed at that of the largest. What weighs nothing is not run.

    A cell sums those outputs that none of its inputs is taken from, and the decoder joins such blocks. Here every output
    counts there by the probability that none is: the product, over all inputs, of 1 minus its share. A block without a share
    gives zeros to the convolution that joins them.

    So, with all weight on one answer, this is that answer's network. No BN is affine. `aux` is "conv" or None: cells that
    only supervise would be mixed as well, and cost half as much again. Raises ValueError for another one.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: int,
        num_classes: int,
        repeats: int = 1,
        aux: str | None = None,
        **kwargs: Any,
    ):
        if aux not in ("conv", None):
            raise ValueError(f"aux of a supernet must be 'conv' or None, not {aux!r}")
        super().__init__(in_channels, channels, num_classes, **kwargs)
        self.space = DecoderCells(channels, repeats, aux)
        self.settings = dict(in_channels=in_channels, num_classes=num_classes, **kwargs)
        self.blocks = nn.ModuleList(MixedBlock(channels, repeats) for _ in range(BLOCKS))
        self.merge = conv_bn_relu(channels * BLOCKS, channels)
        self.conv_seg = nn.Conv2d(channels, self.out_channels, 3, padding=1)
        self.aux = nn.ModuleList(
            nn.Sequential(nn.Identity(), nn.Conv2d(channels, self.out_channels, 3, padding=1))
            for _ in range(BLOCKS if aux else 0)
        )
        for norm in self.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.affine = False
                norm.register_parameter("weight", None)
                norm.register_parameter("bias", None)
        self.alphas = nn.ParameterList(torch.zeros(len(options)) for options in self.space.decisions.values())
        self._held: dict[str, Shares] | None = None

    def architecture_parameters(self) -> list[nn.Parameter]:
        return list(self.alphas)

    def shares(self) -> dict[str, Shares]:
        """The softmax of every decision's alphas."""
        result: dict[str, Shares] = {}
        for (name, options), alpha in zip(self.space.decisions.items(), self.alphas, strict=True):
            softmax = alpha.softmax(0)
            present = zip(options, softmax, softmax.tolist(), strict=True)
            result[name] = {choice: share for choice, share, value in present if value}
        return result

    @contextmanager
    def held(self, choices: Mapping[str, Choice]) -> Iterator[None]:
        self._held = {name: {choice: 1.0} for name, choice in self.space.architecture(choices).choices}
        try:
            yield
        finally:
            self._held = None

    def decode(self, taps: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        shares, pool, picks = self._held or self.shares(), list(taps), []
        for number, block in enumerate(self.blocks):
            sides = [shares[f"block{number}.{side}"] for side in "ab"]
            pool.append(block(*(mixed(pool, side) for side in sides), shares))
            picks += sides
        ends = loose(range(TAPS, len(pool)), picks)
        size = largest([pool[place] for place in ends])
        joined = [resize(ends.get(place, 0.0) * pool[place], size) for place in range(TAPS, len(pool))]
        return self.merge(F.relu(torch.cat(joined, 1))), pool[TAPS:]

    def probabilities(self) -> dict[str, dict[Choice, float]]:
        """One distribution for each decision, by its name."""
        decisions = zip(self.space.decisions.items(), self.alphas, strict=True)
        return {
            name: dict(zip(options, alpha.softmax(0).tolist(), strict=True)) for (name, options), alpha in decisions
        }

    def discretise(self) -> dict[str, Choice]:
        """The most probable choice of every decision; of equal ones the first."""
        return {name: max(options, key=options.__getitem__) for name, options in self.probabilities().items()}

    def derive(self, choices: Mapping[str, Choice]) -> CellDecoder:
        """The decoder of `choices` with the weights that serve it here; its BNs' affine pairs are 1 and 0."""
        arch = self.space.architecture(choices)
        network: CellDecoder = MODELS.build({**self.space.model(arch)["decode_head"], **self.settings})
        ops = [arch["cell.op0"], *(arch[f"{side}.op"] for side in SIDES)]
        weights, ends = self.state_dict(), [place - TAPS for place in network.loose]
        weights["merge.conv.weight"] = weights["merge.conv.weight"].unflatten(1, (BLOCKS, -1))[:, ends].flatten(1, 2)
        origins = {
            name: re.sub(r"ops\.(\d+)", lambda place: f"{place[0]}_{ops[int(place[1])]}", name)
            for name in network.state_dict()
        }
        found = {name: weights[origin] for name, origin in origins.items() if origin in weights}
        network.load_state_dict(found, strict=False)  # what is missing are the affine pairs
        return network
