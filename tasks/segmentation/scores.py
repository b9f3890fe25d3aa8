"""The loss of scores of classes."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from tasks.segmentation.metrics import IGNORE


def cross_entropy(scores: Tensor, labels: Tensor) -> Tensor:
    """The mean over the pixels that count, labels at the scores' size; 0 where none counts."""
    labels = F.interpolate(labels[:, None], scores.shape[-2:], mode="nearest")[:, 0].long()
    if (labels == IGNORE).all():
        return scores.sum() * 0.0
    return F.cross_entropy(scores.contiguous(), labels, ignore_index=IGNORE)
