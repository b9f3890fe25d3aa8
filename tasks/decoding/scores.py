"""What decode heads say of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F


def scores_of(output: Any) -> Sequence[Tensor]:
    """A decode head's own scores (N, outputs, H, W), and those of its auxiliary classifiers. Raises ValueError."""
    scores = output if isinstance(output, list | tuple) else [output]
    if not all(isinstance(x, Tensor) and x.ndim == 4 for x in scores):
        raise ValueError("the decode head does not score pixels alone, and has losses of its own: take another one")
    return scores


class OwnScores(nn.Module):
    """A network without what its auxiliary classifiers say."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return scores_of(self.network(images))[0]


def resize(scores: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear, corners not aligned, and nothing to do where the size is right."""
    if tuple(scores.shape[-2:]) == tuple(size):
        return scores
    return F.interpolate(scores, tuple(size), mode="bilinear", align_corners=False)
