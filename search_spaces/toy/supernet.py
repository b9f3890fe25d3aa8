"""All networks of `ToySpace` at once, in closed form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.architecture import Choices
from search_spaces.supernet import ChoiceSupernet, Shares
from search_spaces.toy.space import ToySpace

Worths = Mapping[Any, float]  # by choice, at most 1


class ToySupernet(ChoiceSupernet):
    """The expected score of all answers: exact for one that is held, where its layers have learnt all that they can.

    A layer is worth the product of what its kernel (`fit`, for even and odd layers), width (`size`) and activation (`act`) are
    worth, times `twin` where the layer before has the same kernel. What it has learnt of that, its gain from 0 to 1, is the
    sigmoid of a weight that serves all its choices.
    """

    def __init__(self, layers: int, fit: Sequence[Worths], size: Worths, act: Worths, twin: float):
        super().__init__()
        self.fit, self.size, self.act, self.twin = fit, size, act, twin
        self.gains = nn.Parameter(torch.zeros(layers))
        self.offer(ToySpace(layers).decisions)

    def forward(self) -> Tensor:
        """The score, 0 to 100."""
        shares = self.shares()
        total: Any = sum(gain * self._worth(layer, shares) for layer, gain in enumerate(self.gains.sigmoid()))
        return 100 * total / len(self.gains)

    def _worth(self, layer: int, shares: Mapping[str, Shares]) -> Any:
        """What a layer is expected to be worth; its decisions and those of the layer before are independent."""
        before = shares.get(f"layer{layer - 1}.kernel", {})
        fit = {
            kernel: worth * (1 - (1 - self.twin) * before.get(kernel, 0.0))
            for kernel, worth in self.fit[layer % 2].items()
        }
        kernel, width, act = (shares[f"layer{layer}.{name}"] for name in ("kernel", "width", "act"))
        return _expected(kernel, fit) * _expected(width, self.size) * _expected(act, self.act)

    def derive(self, choices: Choices) -> dict[str, Tensor]:
        return {"gains": self.gains.detach()}


def _expected(shares: Shares, worths: Mapping[Any, Any]) -> Any:
    return sum(share * worths[choice] for choice, share in shares.items())
