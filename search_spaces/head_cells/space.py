"""Heads of FCOS with a searched design and a searched degree of sharing (NAS-FCOS, Wang et al., CVPR 2020, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.architecture import Choice, Choices
from search_spaces.graph import Graph, chain
from search_spaces.space import FiniteSpace

OPERATIONS = ("conv1", "conv3", "sep3", "sep3_dil3", "skip", "deform")  # in the order of the published ids 0 to 5


class HeadCells(FiniteSpace):
    """`layers` operations, the same for classification and regression, and from which layer on the levels share weights.

    Layers before `head.split` have weights of their own for each of P3 to P7, those from it on are shared; 0 shares all.
    `channels` is the width of all maps.
    """

    def __init__(self, channels: int = 256, layers: int = 6):
        if channels < 4 or channels % 4:
            raise ValueError(f"channels must be a multiple of 4 (norms have groups of at least four), not {channels}")
        if layers < 1:
            raise ValueError(f"layers must be at least 1, not {layers}")
        self.channels, self.layers = channels, layers
        self.notation = f"(index of sharing, {layers} operations 0 to 5)"
        decisions: dict[str, tuple[Choice, ...]] = {f"head.layer{k}": OPERATIONS for k in range(layers)}
        self.decisions = {**decisions, "head.split": tuple(range(layers + 1))}

    def parts(self, choices: Choices) -> dict[str, Any]:
        ops = [choices[f"head.layer{k}"] for k in range(self.layers)]
        head = dict(type="densebench.CellFCOSHead", ops=ops, split=choices["head.split"])
        return {"head": {**head, "in_channels": self.channels, "feat_channels": self.channels}}

    def supernet(self) -> dict[str, Any]:
        head = dict(type="densebench.HeadSupernet", layers=self.layers)
        return {"head": {**head, "in_channels": self.channels, "feat_channels": self.channels}}

    def choices(self, genotype: tuple[int, Sequence[int]]) -> dict[str, Choice]:
        split, ops = genotype
        operations = dict(enumerate(OPERATIONS))  # unlike a tuple it knows no -1
        return {**{f"head.layer{k}": operations[op] for k, op in enumerate(ops)}, "head.split": split}

    def canonical(self, choices: Choices) -> Choices:
        """A skip changes nothing: the others come first, and the split counts only them."""
        ops = [choices[f"head.layer{k}"] for k in range(self.layers)]
        kept = [op for op in ops if op != "skip"]
        own = sum(op != "skip" for op in ops[: int(choices["head.split"])])
        padded = [*kept, *["skip"] * (self.layers - len(kept))]
        return {**{f"head.layer{k}": op for k, op in enumerate(padded)}, "head.split": own}

    def wiring(self, choices: Choices) -> Graph:
        kept = [name for name in (f"head.layer{k}" for k in range(self.layers)) if choices[name] != "skip"]
        shares = ["own weights a level" if k < int(choices["head.split"]) else "shared" for k in range(len(kept))]
        layers = [(name, f"{choices[name]}, {share}") for name, share in zip(kept, shares, strict=True)]
        return chain([("head.levels", "P3 to P7"), *layers, ("head.output", "output")], "both towers of the head")
