"""What the one score of a pixel says of its depth, and the loss of it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from tasks.depth.data import counting

THRESHOLD = 0.2  # of the largest error of a batch


def depth_of(scores: Tensor, nearest: float, farthest: float) -> Tensor:
    """Metres: `nearest` to `farthest` on a logarithmic scale, as scores go from -inf to inf."""
    return nearest * (farthest / nearest) ** scores.sigmoid()


def reverse_huber(scores: Tensor, depth: Tensor, nearest: float, farthest: float) -> Tensor:
    """berHu (Laina et al., 3DV 2016, equation 1) of scores (N, 1, h, w) by depths (N, H, W), brought to the scores' size.

    The mean, over the pixels that count, of errors as they are up to a threshold, a fifth of the largest one, and beyond
    it of (error^2 + threshold^2) / (2 threshold); 0 where none counts.
    """
    depth = F.interpolate(depth[:, None], scores.shape[-2:], mode="nearest")
    counts = counting(depth, nearest, farthest)
    if not counts.any():
        return scores.sum() * 0.0
    errors = (depth_of(scores, nearest, farthest) - depth)[counts].abs()
    threshold = (THRESHOLD * errors.max()).detach().clamp_min(1e-6)
    return torch.where(errors <= threshold, errors, (errors**2 + threshold**2) / (2 * threshold)).mean()
