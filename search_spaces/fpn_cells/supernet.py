"""All feature pyramids of `FPNCells` at once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.architecture import Choice, Choices
from search_spaces.fpn_cells.network import FPN, Concat, Sum, coarser
from search_spaces.fpn_cells.space import OPERATIONS, OUTPUTS, TAPS, FPNCells, exchanged
from search_spaces.mixing import applied, loose, mixed
from search_spaces.ops import Style, operation, resize
from search_spaces.supernet import ChoiceSupernet, Shares


class FPNSupernet(FPN, ChoiceSupernet):
    """One softmax for every decision of `FPNCells`, weights of its own for every operation and join of a block's sides.

    The inputs of a side are mixed first, at the size of the largest that has a share, and every operation runs once on the
    mixture; what weighs nothing is not run.

    P5, P4 and P3 are the last three outputs that no block uses. Here each is the sum of all outputs by the probability that
    they would be there: that no input is taken from them (the product over all inputs of 1 minus its share), and that as many
    later ones are unused as there must be, as if these were independent. By the probability that at least three are, an output
    is added to all three levels. So, with all weight on one answer, this is that answer's network. Where fewer than three
    outputs would be left, a level has less of all.

    `discretise` gives the most probable of the answers that leave three. No BN is affine.
    """

    def __init__(self, blocks: int, in_channels: Sequence[int], out_channels: int, variant: str, channels: int):
        super().__init__(out_channels, variant, channels)
        style = Style(affine=False)
        self.blocks = [f"fpn.block{block}" for block in range(blocks)]
        self.adapters = nn.ModuleList(style.conv(inputs, self.width) for inputs in in_channels)
        self.ops = nn.ModuleList(
            nn.ModuleList(
                nn.ModuleDict({name: operation(name, self.width, style) for name in OPERATIONS}) for _ in "ab"
            )
            for _ in self.blocks
        )
        self.joins = nn.ModuleList(
            nn.ModuleDict({"sum": Sum(self.width), "concat": Concat(self.width, affine=False)}) for _ in self.blocks
        )
        self.p6, self.p7 = (coarser(out_channels) for _ in range(2))
        self.offer(FPNCells(channels, blocks).decisions)

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """As in `CellFPN`."""
        shares, picks = self.shares(), list[Shares]()
        pool = [adapter(x) for adapter, x in zip(self.adapters, inputs, strict=True)]
        for block, ops, joins in zip(self.blocks, self.ops, self.joins, strict=True):
            sides: list[Any] = []
            for side, operations in zip("ab", ops, strict=True):  # type: ignore[arg-type]
                picks.append(shares[f"{block}.{side}.input"])
                sides.append(applied(operations, shares[f"{block}.{side}.op"], mixed(pool, picks[-1])))
            pool.append(applied(joins, shares[f"{block}.join"], *self.enlarge(*sides)))  # type: ignore[arg-type]
        *outputs, added = ends(loose(range(TAPS, len(pool)), picks), len(pool))
        sums = []
        for tap, output in zip(inputs[:0:-1], outputs, strict=True):
            own = mixed(pool, output) if output else torch.zeros_like(pool[0][..., : tap.shape[-2], : tap.shape[-1]])
            more = (share * resize(pool[place], own.shape[-2:]) for place, share in added.items())
            sums.append((own, sum(more, own)))
        return self.levels(inputs, sums)

    def discretise(self) -> dict[str, Choice]:
        """The most probable of all legal answers; of equal ones the first.

        Three blocks have to be left: of every way to say which others may be used, each side takes its most probable input.
        """
        choices, known = super().discretise(), self.probabilities()
        names = [f"{block}.{side}.input" for block in self.blocks for side in "ab"]
        answers: list[dict[str, Choice]] = []
        for used in itertools.combinations(range(TAPS, TAPS + len(self.blocks) - 1), len(self.blocks) - OUTPUTS):
            allowed = {*range(TAPS), *used}
            answers.append(
                {name: max(filter(allowed.__contains__, known[name]), key=known[name].__getitem__) for name in names}
            )
        return choices | max(answers, key=lambda one: math.prod(known[name][place] for name, place in one.items()))

    def derive(self, choices: Choices) -> dict[str, Tensor]:
        weights: dict[str, Tensor] = {}
        used = {choices[f"{block}.{side}.input"] for block in self.blocks for side in "ab"}
        for name, value in self.state_dict().items():
            part, *rest = name.split(".")
            if part in ("p6", "p7") or (part == "adapters" and not (self.port and int(rest[0]) not in used)):
                weights[name] = value
            elif part in ("ops", "joins"):
                block, swap = int(rest[0]), exchanged(choices, int(rest[0]))
                if part == "ops":
                    side = int(rest[1])
                    if choices[f"fpn.block{block}.{'ab'[side]}.op"] == rest[2]:
                        weights[".".join([part, rest[0], str(side ^ swap), *rest[3:]])] = value
                elif choices[f"fpn.block{block}.join"] == rest[1]:
                    last = {"a": "b", "b": "a"}.get(rest[2], rest[2]) if swap else rest[2]
                    weights[".".join([part, rest[0], last, *rest[3:]])] = value
        return weights


def ends(chances: Shares, places: int) -> list[dict[int, Any]]:
    """By how much each place becomes P5, P4 and P3, and by how much it is added to them, given its chance to be unused.

    The last unused place becomes P3, the one before P4, then P5; from the fourth last on they are added.
    """
    levels: list[dict[int, Any]] = [{} for _ in range(OUTPUTS + 1)]
    later: list[Any] = [1.0] + [0.0] * OUTPUTS  # the probabilities that 0, 1, 2, and more later places are unused
    for place in reversed(range(TAPS, places)):
        chance = chances.get(place, 0.0)
        for level, share in zip((*range(OUTPUTS)[::-1], OUTPUTS), later, strict=True):
            levels[level][place] = chance * share
        before = [0.0, *later]
        later = [(1 - chance) * one + chance * less for one, less in zip(later, before, strict=False)]
        later[-1] = later[-1] + chance * before[-1]
    return [{place: share for place, share in level.items() if share} for level in levels]
