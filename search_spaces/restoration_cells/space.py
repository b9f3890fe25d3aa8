"""Cells and widths of networks that restore images (HiNAS, Zhang et al., CVPR 2020; IR-NAS in its first version)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from search_spaces.architecture import Choice, Choices
from search_spaces.graph import Graph
from search_spaces.space import FiniteSpace

# What each variant offers: operations (dilation always at rate 2), and widths in units of `channels`.
VARIANTS: Mapping[str, tuple[tuple[str, ...], tuple[float, ...]]] = {
    "slides": (("conv3", "sep3", "dil3", "deform", "skip", "none"), (1, 2, 4)),
    "code": (("conv3", "sep3", "sep5", "dil3", "dil5", "skip", "none"), (1, 1.5, 2)),
}

Genotype = Sequence[Any]


def reachable(layer: int, widths: int) -> range:
    """The widths that a layer can have, 0 the narrowest: paths start there before layer 0 and climb one width a layer."""
    return range(min(layer + 2, widths))


def early_layer(path: Sequence[int]) -> int | None:
    """The layer that the decoder reads beside the last: the last one of width 0; None (the stem) if that is the last."""
    narrow = [layer for layer, width in enumerate(path) if width == 0]
    return narrow[-1] if narrow and narrow[-1] < len(path) - 1 else None


class RestorationCells(FiniteSpace):
    """Cells of `nodes` nodes, one for each of `layers` layers or one for all (`shared`), and each layer's width.

    A node sums two operations on outputs of a pool that starts with the outputs of the layer before the last (0) and of the
    last one (1) and grows by each node; a cell puts out all nodes side by side. Widths of neighbouring layers differ by one
    step at most.

    `channels` is a node's width at the narrowest: 10 in the published search, 20 in the published training. `variant` "code" is
    the authors' public code, "slides" what they presented before it, there with shared cells. `aspp` puts atrous spatial
    pyramid pooling behind the last cell; `in_channels` is 1 for grey images; `stem` is the width of the two convolutions before
    the cells, which the decoder's widths follow, 64 as published. With `fold` 2 the network works at half the resolution, on
    blocks of 2x2 pixels as channels, for a quarter of the MAdds (FFDNet, Zhang et al., TIP 2018); published is 1. It enlarges
    images `scale` times. With `holes` it takes one channel more, 1 at lost pixels and 0 elsewhere, and changes these alone.

    A cell of the supernet goes once over the sum of all that reaches it, or, if `per_path`, over the output of each width on
    its own, and its results are summed (Auto-DeepLab, Liu et al., CVPR 2019, equation 6): about twice as much to keep for the
    way back.

    The published space, 3.0e8 cells a layer, lies inside: its nodes join two different inputs, and "none" only competes.
    """

    def __init__(
        self,
        variant: Literal["code", "slides"] = "code",
        nodes: int = 4,
        layers: int = 3,
        channels: int = 10,
        shared: bool = False,
        aspp: bool = False,
        in_channels: int = 1,
        stem: int = 64,
        fold: int = 1,
        scale: int = 1,
        holes: bool = False,
        per_path: bool = False,
    ):
        counts = dict(nodes=nodes, layers=layers, in_channels=in_channels, fold=fold, scale=scale)
        for name, value in counts.items():
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        if holes and scale > 1:
            raise ValueError(f"a network either fills holes or enlarges: leave holes out, or scale at 1, not {scale}")
        if channels < 2 or channels % 2:
            raise ValueError(f"channels must be even and at least 2, not {channels}: it is halved")
        if stem < 4 or stem % 4:
            raise ValueError(f"stem must be a multiple of 4, not {stem}: the decoder takes three quarters of it")
        self.frame: dict[str, Any] = dict(in_channels=in_channels, stem=stem, fold=fold, scale=scale, holes=holes)
        cells: dict[str, Any] = dict(variant=variant, nodes=nodes, layers=layers, channels=channels, shared=shared)
        self.settings = {**cells, **self.frame, "aspp": aspp, "per_path": per_path}
        self.operations, factors = VARIANTS[variant]
        self.widths = [int(channels * factor) for factor in factors]
        self.nodes, self.layers, self.shared = nodes, layers, shared
        self.cells = 1 if shared else layers  # that are searched
        self.aspp, self.per_path = aspp, per_path
        self.notation = f"[{self.cells} x [[op, input] x {2 * nodes}], {layers} widths]"
        decisions: dict[str, tuple[Choice, ...]] = {}
        for cell in range(self.cells):
            for node in range(nodes):
                for side in "ab":
                    decisions[f"cell{cell}.node{node}.{side}.input"] = tuple(range(2 + node))
                    decisions[f"cell{cell}.node{node}.{side}.op"] = self.operations
        for layer in range(layers):
            decisions[f"layer{layer}.width"] = tuple(reachable(layer, len(factors)))
        self.decisions = decisions

    def flaw(self, choices: Choices) -> str | None:
        path = [int(choices[f"layer{layer}.width"]) for layer in range(self.layers)]
        for layer in range(1, self.layers):
            if abs(path[layer] - path[layer - 1]) > 1:
                return f"from layer {layer - 1} to {layer} the width jumps from {path[layer - 1]} to {path[layer]}"
        return None

    def canonical(self, choices: Choices) -> Choices:
        """A sum does not mind the order of its terms, and "none" not where it looks."""
        result = dict(choices)
        for cell in range(self.cells):
            for node in range(self.nodes):
                sides = [f"cell{cell}.node{node}.{side}" for side in "ab"]
                terms = [(str(choices[f"{side}.op"]), int(choices[f"{side}.input"])) for side in sides]
                terms = sorted((op, 0 if op == "none" else source) for op, source in terms)
                for side, (op, source) in zip(sides, terms, strict=True):
                    result[f"{side}.op"], result[f"{side}.input"] = op, source
        return result

    def parts(self, choices: Choices) -> dict[str, Any]:
        genotype = dict(genotype=self.write(choices), widths=list(self.widths))
        return {"network": dict(type="densebench.RestorationNet", **genotype, **self.frame, aspp=self.aspp)}

    def choices(self, genotype: Genotype) -> dict[str, Choice]:
        choices: dict[str, Choice] = {}
        cells, path = genotype
        for cell, terms in enumerate(cells):
            for place, (op, source) in enumerate(terms):
                side = f"cell{cell}.node{place // 2}.{'ab'[place % 2]}"
                choices[f"{side}.input"], choices[f"{side}.op"] = source, op
        return choices | {f"layer{layer}.width": width for layer, width in enumerate(path)}

    def write(self, choices: Choices) -> list[Any]:
        """The notation that `read` takes: a cell lists `[op, input]` twice for each node."""
        sides = [f"node{node}.{side}" for node in range(self.nodes) for side in "ab"]
        cells = [
            [[choices[f"cell{cell}.{side}.op"], choices[f"cell{cell}.{side}.input"]] for side in sides]
            for cell in range(self.cells)
        ]
        return [cells, [choices[f"layer{layer}.width"] for layer in range(self.layers)]]

    def wiring(self, choices: Choices) -> Graph:
        graph = Graph()
        for cell in (f"cell{cell}" for cell in range(self.cells)):
            group = "cell of every layer" if self.shared else f"cell of layer {cell.removeprefix('cell')}"
            pool = [f"{cell}.before", f"{cell}.last"]
            for name, label in zip(pool, ("layer before the last", "last layer"), strict=True):
                graph.add(name, label, group, kind="map")
            for node in (f"{cell}.node{node}" for node in range(self.nodes)):
                sides = [f"{node}.{side}" for side in "ab" if choices[f"{node}.{side}.op"] != "none"]
                for side in sides:
                    graph.add(side, str(choices[f"{side}.op"]), group, [pool[int(choices[f"{side}.input"])]])
                pool.append(graph.add(node, "sum" if sides else "zeros", group, sides, "join"))
            graph.add(f"{cell}.output", "side by side", group, pool[2:], "map")
        path = [int(choices[f"layer{layer}.width"]) for layer in range(self.layers)]
        names = ["stem", *(f"layer{layer}" for layer in range(self.layers))]
        graph.add("stem", "stem", "layers", kind="map")
        for layer, width in enumerate(path):
            graph.add(
                names[layer + 1],
                f"{self.nodes} x {self.widths[width]} channels",
                "layers",
                names[max(layer - 1, 0) : layer + 1],
            )
        early = early_layer(path)
        sources = ["stem" if early is None else f"layer{early}", names[-1]]
        graph.add("decoder", "decoder", "layers", sources, "map")
        return graph

    def supernet(self) -> dict[str, Any]:
        return {"network": dict(type="densebench.RestorationSupernet", settings=self.settings)}
