"""Feature pyramids of searched merging blocks (NAS-FCOS, Wang et al., CVPR 2020, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from search_spaces.architecture import Choice, Choices
from search_spaces.graph import Graph
from search_spaces.space import FiniteSpace

OPERATIONS = ("sep3", "sep3_dil3", "sep5_dil6", "skip", "deform")  # in the order of the published ids 0 to 4
JOINS = ("sum", "concat")  # published ids 0 and 1
TAPS = 4
OUTPUTS = 3  # P3, P4 and P5

Genotype = Sequence[Sequence[int]]
Variant = Literal["official", "mmdet"]


class FPNCells(FiniteSpace):
    """How `blocks` blocks merge the backbone's four maps into P3 to P7.

    A block picks two maps from a pool that starts with C2 to C5 (0 to 3), applies an operation to each, brings the smaller
    one to the size of the larger and joins them; its output goes into the pool. The last three outputs that no block uses
    become P5, P4 and P3; earlier unused ones are added to all three, at the size of each, before it is brought to its
    stride. Choices that leave fewer than three are no network.

    `channels` is the width of all maps. Where `head_channels` is twice as much, P3 to P7 are that wide: what a block gives
    stands, as it is, in front of its sum with the earlier unused ones. `variant` "official" is the authors' network; "mmdet"
    is MMDetection's port: no adapter for a map that no block uses, and nearest instead of bilinear enlargement in blocks.
    """

    version = 2  # 1 brought earlier unused outputs to the stride before they were added

    def __init__(
        self, channels: int = 256, blocks: int = 7, variant: Variant = "official", head_channels: int | None = None
    ):
        if channels < 2 or channels % 2:
            raise ValueError(f"channels must be even (deformable convolutions have two groups), not {channels}")
        if blocks < OUTPUTS:
            raise ValueError(f"blocks must be at least {OUTPUTS}, one for each of P3, P4 and P5, not {blocks}")
        if head_channels not in (None, channels, 2 * channels):
            raise ValueError(f"head_channels must be channels, {channels}, or twice as many, not {head_channels}")
        self.channels, self.blocks, self.variant = channels, blocks, variant
        self.head_channels = head_channels or channels
        self.notation = f"{blocks} blocks [input, input, op, op, join] with operations 0 to 4 and joins 0 and 1"
        decisions: dict[str, tuple[Choice, ...]] = {}
        for block in range(blocks):
            for side in "ab":
                decisions[f"fpn.block{block}.{side}.input"] = tuple(range(TAPS + block))
                decisions[f"fpn.block{block}.{side}.op"] = OPERATIONS
            decisions[f"fpn.block{block}.join"] = JOINS
        self.decisions = decisions

    def flaw(self, choices: Choices) -> str | None:
        used = {choices[f"fpn.block{block}.{side}.input"] for block in range(self.blocks) for side in "ab"}
        loose = sum(TAPS + block not in used for block in range(self.blocks))
        return None if loose >= OUTPUTS else f"{loose} blocks are left over for the {OUTPUTS} outputs P3, P4 and P5"

    def parts(self, choices: Choices) -> dict[str, Any]:
        neck = dict(type="densebench.CellFPN", genotype=self.write(choices), out_channels=self.head_channels)
        inner = {} if self.head_channels == self.channels else {"channels": self.channels}
        return {"neck": {**neck, "variant": self.variant, **inner}}

    def supernet(self) -> dict[str, Any]:
        neck = dict(type="densebench.FPNSupernet", blocks=self.blocks, out_channels=self.head_channels)
        return {"neck": {**neck, "variant": self.variant, "channels": self.channels}}

    def choices(self, genotype: Genotype) -> dict[str, Choice]:
        choices: dict[str, Choice] = {}
        operations, joins = dict(enumerate(OPERATIONS)), dict(enumerate(JOINS))  # unlike tuples they know no -1
        for block, (in_a, in_b, op_a, op_b, join) in enumerate(genotype):
            for side, place, op in (("a", in_a, op_a), ("b", in_b, op_b)):
                choices[f"fpn.block{block}.{side}.input"] = place
                choices[f"fpn.block{block}.{side}.op"] = operations[op]
            choices[f"fpn.block{block}.join"] = joins[join]
        return choices

    def write(self, choices: Choices) -> list[list[int]]:
        """The published notation."""
        genotype = []
        for block in range(self.blocks):
            inputs = [int(choices[f"fpn.block{block}.{side}.input"]) for side in "ab"]
            ops = [OPERATIONS.index(str(choices[f"fpn.block{block}.{side}.op"])) for side in "ab"]
            genotype.append([*inputs, *ops, JOINS.index(str(choices[f"fpn.block{block}.join"]))])
        return genotype

    def canonical(self, choices: Choices) -> Choices:
        """A weighted sum does not mind the order of its terms; the grouped convolution after a concatenation does."""
        result = dict(choices)
        for block in range(self.blocks):
            if exchanged(choices, block):
                for part in ("input", "op"):
                    a, b = (f"fpn.block{block}.{side}.{part}" for side in "ab")
                    result |= {a: choices[b], b: choices[a]}
        return result

    def wiring(self, choices: Choices) -> Graph:
        graph, group = Graph(), "feature pyramid"
        blocks = [f"fpn.block{block}" for block in range(self.blocks)]
        pairs = [[int(choices[f"{block}.{side}.input"]) for side in "ab"] for block in blocks]
        used = {place for pair in pairs for place in pair}
        pool = [f"C{tap + 2}" for tap in range(TAPS)]
        for place in sorted(used & set(range(TAPS))):
            graph.add(pool[place], pool[place], group, kind="map")
        for block, pair in zip(blocks, pairs, strict=True):
            sides = [
                graph.add(f"{block}.{side}", str(choices[f"{block}.{side}.op"]), group, [pool[place]])
                for side, place in zip("ab", pair, strict=True)
            ]
            pool.append(graph.add(block, str(choices[f"{block}.join"]), group, sides, "join"))
        loose = [pool[place] for place in range(TAPS, len(pool)) if place not in used]
        for level, own in zip((5, 4, 3), loose[-OUTPUTS:], strict=True):
            graph.add(f"P{level}", f"P{level}", group, [own, *loose[:-OUTPUTS]], "map")
        graph.add("P6", "P6", group, ["P5"], "map")
        graph.add("P7", "P7", group, ["P6"], "map")
        return graph


def exchanged(choices: Choices, block: int) -> bool:
    """Are the sides of a block in the other order in the canonical form?"""
    a, b = ([choices[f"fpn.block{block}.{side}.{part}"] for part in ("input", "op")] for side in "ab")
    return choices[f"fpn.block{block}.join"] == "sum" and a > b  # type: ignore[operator]
