"""Networks whose batches do not fit into a GPU's memory, as they say, and a space of them."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from benchmarks.torture.batches import PARTS
from search_spaces.space import FiniteSpace


class Bounds(FiniteSpace):
    """How many images a network can learn from at a time."""

    def __init__(self) -> None:
        self.decisions = {"most": tuple(PARTS)}

    def parts(self, choices: Any) -> dict[str, Any]:
        return {"network": {"type": "Bounded", **choices}}


@MODELS.register_module()
class Bounded(nn.Sequential):
    """A convolution that runs out of memory with more than `most` images."""

    def __init__(self, most: int):
        super().__init__(nn.Conv2d(1, 1, 3, padding=1))
        self.most = most

    def forward(self, input: Tensor) -> Tensor:
        if self.training and len(input) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory: this network was made to say so")
        return super().forward(input)
