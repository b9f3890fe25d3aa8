"""Scores of depths, over all pixels that count."""

from __future__ import annotations

import torch
from torch import Tensor

NAMES = ("RMSE", "RMSE_log", "abs_rel", "sqr_rel", "delta1", "delta2", "delta3")


class Errors:
    """Sums over the pixels of all images (Eigen et al., NeurIPS 2014, section 4.2), of which each weighs the same.

    MMSegmentation's `DepthMetric` takes these means of each image, and then the mean of the images.
    """

    def __init__(self) -> None:
        self.sums = torch.zeros(len(NAMES), dtype=torch.float64)
        self.count = 0

    def add(self, depth: Tensor, found: Tensor) -> None:
        """Count positive depths of pixels, (n,) each."""
        depth, found = depth.double(), found.double()
        gap, ratio = found - depth, torch.maximum(found / depth, depth / found)
        logs = found.log() - depth.log()
        terms = [gap**2, logs**2, gap.abs() / depth, gap**2 / depth, *(ratio < 1.25**power for power in (1, 2, 3))]
        self.sums += torch.stack([term.double().sum() for term in terms]).cpu()
        self.count += len(depth)

    def metrics(self) -> dict[str, float]:
        """RMSE (metres), RMSE_log (natural logarithm), abs_rel, sqr_rel (metres), and deltas, shares from 0 to 1."""
        means = self.sums / self.count
        means[:2] = means[:2].sqrt()
        return dict(zip(NAMES, means.tolist(), strict=True))
