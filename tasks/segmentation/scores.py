"""What decode heads say of pixels, and the loss of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tasks.segmentation.metrics import IGNORE


def scores_of(output: Any) -> Sequence[Tensor]:
    """A decode head's own scores (N, classes, H, W), and those of its auxiliary classifiers. Raises ValueError."""
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


def resize(scores: Tensor, size: torch.Size) -> Tensor:
    """Bilinear, corners not aligned, and nothing to do where the size is right."""
    if scores.shape[-2:] == size:
        return scores
    return F.interpolate(scores, size, mode="bilinear", align_corners=False)


def cross_entropy(scores: Tensor, labels: Tensor) -> Tensor:
    """The mean over the pixels that count, labels at the scores' size; 0 where none counts."""
    labels = F.interpolate(labels[:, None], scores.shape[-2:], mode="nearest")[:, 0].long()
    if (labels == IGNORE).all():
        return scores.sum() * 0.0
    return F.cross_entropy(scores.contiguous(), labels, ignore_index=IGNORE)
