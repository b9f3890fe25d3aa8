"""Backbones of two cells that repeat (NASNet, Zoph et al., CVPR 2018; so are AmoebaNet's and DARTS's)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from search_spaces.architecture import Choice, Choices
from search_spaces.graph import Graph
from search_spaces.space import FiniteSpace

# Operations, and what they are called in the genotypes of DARTS's authors, which lack some of them.
NAMES: Mapping[str, str] = {
    "skip": "skip_connect",
    "conv1x3": "conv_3x1_1x3",
    "conv1x7": "conv_7x1_1x7",
    "avg3": "avg_pool_3x3",
    "max3": "max_pool_3x3",
    "max5": "max_pool_5x5",
    "max7": "max_pool_7x7",
    "conv1": "conv_1x1",
    "conv3": "conv_3x3",
    "sep5": "sep_conv_5x5",
    "sep7": "sep_conv_7x7",
    "sep3": "sep_conv_3x3",
    "dil3": "dil_conv_3x3",
    "dil5": "dil_conv_5x5",
}
OPERATIONS = tuple(NAMES)[:11]  # of Raissi's lecture; some published cells have others
DARTS = ("max3", "avg3", "skip", "sep3", "sep5", "dil3", "dil5")
KINDS = ("normal", "reduce")

Genotype = Mapping[str, Sequence[Any]]


class NASNetCells(FiniteSpace):
    """A normal cell, which keeps the size of a map, and a reduction cell, which halves it.

    A cell has `blocks` blocks. Each sums two of the `operations` on maps of a pool that starts with the outputs of the cell
    before the last (0) and of the last one (1) and grows by each block. A cell puts out, side by side, the blocks that no
    other one reads, or, if `join` is "all", all of them, as DARTS's do.

    The backbone has four stages of `depth` normal cells, a reduction cell before each but the first; blocks are `channels` wide
    in the first stage, at a quarter of the image's size, and twice as wide after each reduction (see `CellBackbone`).

    There is a supernet where `join` is "all": else each answer has taps of other widths, and so what reads them.
    """

    notation = "DARTS's authors do: [op, input] for each side in normal and reduce, and normal_concat and reduce_concat"

    def __init__(
        self,
        operations: Sequence[str] = OPERATIONS,
        blocks: int = 5,
        depth: int = 2,
        channels: int = 16,
        join: Literal["unused", "all"] = "unused",
    ):
        if not operations or len(set(operations)) < len(operations) or not set(operations) <= NAMES.keys():
            raise ValueError(f"operations must be different ones of {', '.join(NAMES)}, not {tuple(operations)}")
        if blocks < 1 or depth < 1 or channels < 2:
            given = f"{blocks}, {depth} and {channels}"
            raise ValueError(f"blocks and depth must be at least 1 and channels at least 2, not {given}")
        if join not in ("unused", "all"):
            raise ValueError(f"join must be 'unused' or 'all', not {join!r}")
        self.operations, self.blocks, self.join = tuple(operations), blocks, join
        self.outer: dict[str, Any] = dict(channels=channels, depth=depth)
        decisions: dict[str, tuple[Choice, ...]] = {}
        for kind in KINDS:
            for block in range(blocks):
                for side in "ab":
                    decisions[f"{kind}.block{block}.{side}.input"] = tuple(range(2 + block))
                    decisions[f"{kind}.block{block}.{side}.op"] = self.operations
        self.decisions = decisions

    def parts(self, choices: Choices) -> dict[str, Any]:
        return {"backbone": dict(type="densebench.CellBackbone", genotype=self.write(choices), **self.outer)}

    def supernet(self) -> dict[str, Any]:
        if self.join != "all":
            raise TypeError(f"{self} has no supernet where cells join unused blocks: set join to 'all'")
        settings = dict(operations=list(self.operations), blocks=self.blocks, join=self.join, **self.outer)
        return {"backbone": dict(type="densebench.BackboneSupernet", settings=settings)}

    def canonical(self, choices: Choices) -> Choices:
        """A sum does not mind the order of its terms."""
        result = dict(choices)
        for node in (f"{kind}.block{block}" for kind in KINDS for block in range(self.blocks)):
            for side, origin in zip("ab", order(choices, node), strict=True):
                for what in ("input", "op"):
                    result[f"{node}.{side}.{what}"] = choices[f"{node}.{origin}.{what}"]
        return result

    def choices(self, genotype: Genotype | Sequence[Any]) -> dict[str, Choice]:
        if not isinstance(genotype, Mapping):  # the authors' named tuple
            genotype = dict(zip(("normal", "normal_concat", "reduce", "reduce_concat"), genotype, strict=True))
        named = {theirs: ours for ours, theirs in NAMES.items()}
        choices: dict[str, Choice] = {}
        for kind in KINDS:
            for place, (op, source) in enumerate(genotype[kind]):
                side = f"{kind}.block{place // 2}.{'ab'[place % 2]}"
                choices[f"{side}.input"], choices[f"{side}.op"] = source, named[op]
            if list(genotype[f"{kind}_concat"]) != self.concat(choices, kind):
                raise ValueError(f"the space joins other blocks than {genotype[f'{kind}_concat']}")
        return choices

    def write(self, choices: Choices) -> dict[str, list[Any]]:
        """The published notation."""
        genotype: dict[str, list[Any]] = {}
        for kind in KINDS:
            sides = [f"{kind}.block{block}.{side}" for block in range(self.blocks) for side in "ab"]
            genotype[kind] = [[NAMES[str(choices[f"{side}.op"])], choices[f"{side}.input"]] for side in sides]
            genotype[f"{kind}_concat"] = self.concat(choices, kind)
        return genotype

    def concat(self, choices: Choices, kind: str) -> list[int]:
        """The places in the pool of the blocks that a cell puts out."""
        read = {choices[f"{kind}.block{block}.{side}.input"] for block in range(self.blocks) for side in "ab"}
        return [place for place in range(2, 2 + self.blocks) if self.join == "all" or place not in read]

    def wiring(self, choices: Choices) -> Graph:
        graph = Graph()
        for kind, group in zip(KINDS, ("normal cell", "reduction cell"), strict=True):
            pool = [f"{kind}.before", f"{kind}.last"]
            for name, label in zip(pool, ("cell before the last", "last cell"), strict=True):
                graph.add(name, label, group, kind="map")
            for node in (f"{kind}.block{block}" for block in range(self.blocks)):
                sides = [f"{node}.{side}" for side in "ab"]
                for side in sides:
                    graph.add(side, str(choices[f"{side}.op"]), group, [pool[int(choices[f"{side}.input"])]])
                pool.append(graph.add(node, "sum", group, sides, "join"))
            ends = [pool[place] for place in self.concat(choices, kind)]
            graph.add(f"{kind}.output", "side by side", group, ends, "map")
        return graph


def order(choices: Choices, node: str) -> str:
    """The sides of a block in the order of the canonical form."""
    a, b = ((int(choices[f"{node}.{side}.input"]), str(choices[f"{node}.{side}.op"])) for side in "ab")
    return "ab" if a <= b else "ba"
