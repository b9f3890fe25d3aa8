"""All heads of `HeadCells` at once."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.architecture import Choices
from search_spaces.head_cells.network import LEVELS, STYLE, SearchedHead
from search_spaces.head_cells.space import OPERATIONS, HeadCells
from search_spaces.ops import operation
from search_spaces.supernet import ChoiceSupernet

SHARED = LEVELS  # the copy of a layer's weights that all levels use, after those that they have to themselves


class HeadSupernet(SearchedHead, ChoiceSupernet):
    """One softmax for the operation of every layer, the same in both towers, and one for where sharing begins.

    Every layer has every operation with weights that all levels share, and with weights for each level. A level's map is the
    sum of both, by the probabilities that sharing has begun there and that it has not, and by the operations' shares. So, with
    all weight on one answer, this is that answer's network. What weighs nothing is not run. No norm is affine.
    """

    def __init__(self, layers: int, **settings: Any):
        self.layers = layers
        super().__init__(**settings)
        self.offer(HeadCells(self.feat_channels, layers).decisions)

    def tower(self) -> nn.ModuleList:
        style = replace(STYLE, affine=False)
        return nn.ModuleList(
            nn.ModuleDict(
                {
                    name: nn.ModuleList(operation(name, self.feat_channels, style) for _ in range(LEVELS + 1))
                    for name in OPERATIONS
                }
            )
            for _ in range(self.layers)
        )

    def through(self, tower: Any, x: Tensor, level: int) -> Tensor:
        shares = self.shares()
        for depth, layer in enumerate(tower):
            splits = shares["head.split"].items()
            copies = {
                level: sum(share for split, share in splits if split > depth),
                SHARED: sum(share for split, share in splits if split <= depth),
            }
            terms = [
                share * part * layer[name][copy](x)
                for name, share in shares[f"head.layer{depth}"].items()
                for copy, part in copies.items()
                if part
            ]
            x = reduce(torch.add, terms)
        return x

    def derive(self, choices: Choices) -> dict[str, Tensor]:
        kept = [depth for depth in range(self.layers) if choices[f"head.layer{depth}"] != "skip"]
        weights: dict[str, Tensor] = {}
        for name, value in self.state_dict().items():
            part, *rest = name.split(".")
            if part not in ("cls_convs", "reg_convs"):
                if part != "alphas":
                    weights[name] = value
                continue
            depth, operation, copy = int(rest[0]), rest[1], int(rest[2])
            own = depth < int(choices["head.split"])
            if choices[f"head.layer{depth}"] == operation and (copy != SHARED) == own:
                there = [part, str(kept.index(depth)), str(copy if own else 0), *rest[3:]]
                weights[".".join(there)] = value
        return weights
