"""Segmentation decoders of blocks that share one cell (Nekrasov et al., CVPR 2019, section 3.2)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal

from search_spaces.architecture import Choice, Choices
from search_spaces.graph import Graph
from search_spaces.space import FiniteSpace

# In the order of the published ids 0 to 10.
OPERATIONS = (
    "conv1", "conv3", "sep3", "sep5", "gap", "conv3_dil3", "conv3_dil12", "sep3_dil3", "sep5_dil6", "skip", "zero",
)  # fmt: skip
TAPS = 4
BLOCKS = 3
LAYERS = 3  # of two operations each, after the first layer of one

Genotype = Sequence[Any]
Swaps = Sequence[bool]


def _decisions() -> dict[str, tuple[Choice, ...]]:
    decisions: dict[str, tuple[Choice, ...]] = {"cell.op0": OPERATIONS}
    for layer in range(1, LAYERS + 1):
        for side in "ab":
            decisions[f"cell.layer{layer}.{side}.input"] = tuple(range(3 * layer - 1))
            decisions[f"cell.layer{layer}.{side}.op"] = OPERATIONS
    for block in range(BLOCKS):
        for side in "ab":
            decisions[f"block{block}.{side}"] = tuple(range(TAPS + block))
    return decisions


DECISIONS = _decisions()


class DecoderCells(FiniteSpace):
    """Which maps three blocks join, and the four-layer cell that all of them apply to their inputs.

    A block picks two maps from a pool that starts with the encoder's four taps (0: the finest) and grows by each block's
    output. The cell's first layer is one operation; each later layer sums two operations on positions of a pool that
    starts with the cell's input and the first output and grows by three (both operations' outputs and their sum).

    `channels` is the width of all maps and `repeats` the depth of a separable convolution: 48 and 1 in the published
    search, 64 and 2 in the published networks. `aux` is what supervises every block's output during training: "cell" (a
    copy of the cell and a classifier), "conv" (a classifier) or None.
    """

    notation = "[[op, [in, in, op, op] x 3], [[a, b] x 3]] with operations 0 to 10"

    def __init__(self, channels: int = 48, repeats: int = 1, aux: Literal["cell", "conv"] | None = "cell"):
        if channels < 1 or repeats < 1:
            raise ValueError(f"channels and repeats must be at least 1, not {channels} and {repeats}")
        self.channels, self.repeats, self.aux = channels, repeats, aux
        self.decisions = DECISIONS

    def parts(self, choices: Choices) -> dict[str, Any]:
        decoder = dict(type="densebench.CellDecoder", genotype=self.write(choices), channels=self.channels)
        return {"decoder": {**decoder, "repeats": self.repeats, "aux": self.aux}}

    def supernet(self) -> dict[str, Any]:
        """Where a decoder has auxiliary cells, the supernet has plain classifiers: it takes no cells that only supervise."""
        decoder = dict(type="densebench.DecoderSupernet", channels=self.channels, repeats=self.repeats)
        return {"decoder": {**decoder, "aux": self.aux and "conv"}}

    def choices(self, genotype: Genotype) -> dict[str, Choice]:
        named = dict(enumerate(OPERATIONS))  # unlike the tuple, without negative places
        (first, *layers), blocks = genotype
        choices: dict[str, Choice] = {"cell.op0": named[first]}
        for layer, (in_a, in_b, op_a, op_b) in enumerate(layers, start=1):
            choices[f"cell.layer{layer}.a.input"], choices[f"cell.layer{layer}.a.op"] = in_a, named[op_a]
            choices[f"cell.layer{layer}.b.input"], choices[f"cell.layer{layer}.b.op"] = in_b, named[op_b]
        for block, (a, b) in enumerate(blocks):
            choices[f"block{block}.a"], choices[f"block{block}.b"] = a, b
        return choices

    def write(self, choices: Choices) -> list[Any]:
        """The published notation."""
        cell: list[Any] = [OPERATIONS.index(str(choices["cell.op0"]))]
        for layer in range(1, LAYERS + 1):
            sides = [f"cell.layer{layer}.{side}" for side in "ab"]
            inputs = [choices[f"{side}.input"] for side in sides]
            cell.append(inputs + [OPERATIONS.index(str(choices[f"{side}.op"])) for side in sides])
        return [cell, [[choices[f"block{block}.{side}"] for side in "ab"] for block in range(BLOCKS)]]

    def canonical(self, choices: Choices) -> Choices:
        """Sums do not mind the order of their terms: of all spellings with sides swapped, the smallest."""
        return swapped(choices, *canonical_swaps(choices))

    def wiring(self, choices: Choices) -> Graph:
        return wiring(choices)


def wiring(choices: Choices) -> Graph:
    """The blocks, and the cell that each applies to both of its inputs."""
    graph, group = Graph(), "decoder"
    pairs = [[int(choices[f"block{block}.{side}"]) for side in "ab"] for block in range(BLOCKS)]
    used = {place for pair in pairs for place in pair}
    taps = [f"tap{place}" for place in range(TAPS)]
    for place in sorted(used & set(range(TAPS))):
        graph.add(taps[place], f"1/{4 * 2**place} size", group, kind="map")
    pool = [*taps, *(f"block{block}" for block in range(BLOCKS))]
    for block, pair in enumerate(pairs):
        graph.add(f"block{block}", f"block {block}", group, [pool[place] for place in pair], "join")
    graph.add(
        "scores", "scores", group, [name for place, name in enumerate(pool[TAPS:], TAPS) if place not in used], "map"
    )

    group, inputs = "cell of every block", list[int]()
    pool = [graph.add("cell.input", "input", group, kind="map")]
    pool.append(graph.add("cell.op0", str(choices["cell.op0"]), group, pool))
    for layer in (f"cell.layer{layer}" for layer in range(1, LAYERS + 1)):
        sources = [int(choices[f"{layer}.{side}.input"]) for side in "ab"]
        sides = [
            graph.add(f"{layer}.{side}", str(choices[f"{layer}.{side}.op"]), group, [pool[source]])
            for side, source in zip("ab", sources, strict=True)
        ]
        pool += [*sides, graph.add(layer, "sum", group, sides, "join")]
        inputs += sources
    outputs = [1, *range(4, len(pool), 3)]
    graph.add("cell.output", "output", group, [pool[place] for place in outputs if place not in inputs], "map")
    return graph


def canonical_swaps(choices: Choices) -> tuple[Swaps, Swaps]:
    """Of which layers of the cell, and of which blocks, the canonical form has the sides exchanged."""
    blocks = [int(choices[f"block{k}.a"]) > int(choices[f"block{k}.b"]) for k in range(BLOCKS)]
    spellings = {layers: swapped(choices, layers, blocks) for layers in itertools.product((False, True), repeat=LAYERS)}
    return min(spellings, key=lambda layers: [str(spellings[layers][name]) for name in DECISIONS]), blocks


def swapped(choices: Choices, layers: Swaps, blocks: Swaps) -> dict[str, Choice]:
    """The same decoder with the sides of these layers and blocks exchanged.

    Swapping the sides of a cell's layer also swaps the two pool positions that later layers know them by.
    """
    result = dict(choices)
    renamed: dict[Choice, Choice] = {}
    for layer, swap in enumerate(layers, start=1):
        for side, other in ("ab", "ba"):
            source = f"cell.layer{layer}.{other if swap else side}"
            position = choices[f"{source}.input"]
            result[f"cell.layer{layer}.{side}.input"] = renamed.get(position, position)
            result[f"cell.layer{layer}.{side}.op"] = choices[f"{source}.op"]
        if swap:
            a = 3 * layer - 1
            renamed |= {a: a + 1, a + 1: a}
    for block, swap in enumerate(blocks):
        if swap:
            result |= {f"block{block}.a": choices[f"block{block}.b"], f"block{block}.b": choices[f"block{block}.a"]}
    return result
