"""Backbones of meta-kernels: every layer is the sum of an operation on each of the two layers before it (E-DNAS, ICPR 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.architecture import Choice, Choices
from search_spaces.graph import Graph
from search_spaces.space import FiniteSpace

# The paper's slides name "pooling, dilated convolutions, etc.": the list is ours. What convolves comes first.
CONVOLUTIONS = ("meta", "sep3", "sep5", "sep7", "dil3")
OPERATIONS = (*CONVOLUTIONS, "max3", "avg3", "skip")
STAGES = 4

Genotype = Sequence[Sequence[str]]


class MetaKernels(FiniteSpace):
    """The operations of a chain of layers (E-DNAS: Lopez et al., ICPR 2020).

    First comes an 11x11 depthwise separable convolution on the image, with stride 2 (`MetaKernelNet`), then four stages of
    `depth` layers at strides 4 to 32, which are `channels`, two, four and eight times as many wide. A layer is the sum of two
    of the `operations`: one on the layer before it and one on the layer before that; the very first has the one alone.

    `meta` is a `MetaKernel` of 3x3, 5x5 and 7x7, `sep<k>` a depthwise k x k alone and `dil3` one of 3x3 at rate 2, each with a
    1x1 convolution behind; `max3` and `avg3` pool, `skip` changes no more than it must.
    """

    notation = "the operations of every layer, on the layer before and on the one before that"

    def __init__(self, operations: Sequence[str] = OPERATIONS, depth: int = 2, channels: int = 16):
        if not operations or len(set(operations)) < len(operations) or not set(operations) <= set(OPERATIONS):
            raise ValueError(f"operations must be different ones of {', '.join(OPERATIONS)}, not {tuple(operations)}")
        if depth < 1 or channels < 1:
            raise ValueError(f"depth and channels must be at least 1, not {depth} and {channels}")
        self.operations, self.depth = tuple(operations), depth
        self.outer: dict[str, Any] = dict(channels=channels, depth=depth)
        layers = [f"stage{stage}.layer{layer}" for stage in range(STAGES) for layer in range(depth)]
        self.layers = [[f"{layer}.last", f"{layer}.before"][: 1 if layer == layers[0] else 2] for layer in layers]
        decisions: dict[str, tuple[Choice, ...]] = {name: self.operations for names in self.layers for name in names}
        self.decisions = decisions

    def parts(self, choices: Choices) -> dict[str, Any]:
        return {"backbone": dict(type="densebench.MetaKernelNet", layers=self.write(choices), **self.outer)}

    def supernet(self) -> dict[str, Any]:
        settings = dict(operations=list(self.operations), **self.outer)
        return {"backbone": dict(type="densebench.MetaKernelSupernet", settings=settings)}

    def choices(self, genotype: Genotype) -> dict[str, Choice]:
        pairs = zip(self.layers, genotype, strict=True)
        return {name: op for names, ops in pairs for name, op in zip(names, ops, strict=True)}

    def write(self, choices: Choices) -> list[list[str]]:
        """The notation."""
        return [[str(choices[name]) for name in names] for names in self.layers]

    def everywhere(self, operation: str) -> list[list[str]]:
        """The genotype of the network that has only this operation."""
        return [[operation] * len(names) for names in self.layers]

    def wiring(self, choices: Choices) -> Graph:
        graph = Graph()
        maps = [graph.add("first", "11x11", "first step, stride 2", kind="map")]
        for place, names in enumerate(self.layers):
            stage, group = place // self.depth, f"stage {place // self.depth}, stride {4 * 2 ** (place // self.depth)}"
            pairs = zip(names, reversed(maps[-2:]), strict=True)
            ops = [graph.add(name, str(choices[name]), group, [source]) for name, source in pairs]
            maps.append(graph.add(f"stage{stage}.layer{place % self.depth}", "sum", group, ops, "join"))
        return graph
