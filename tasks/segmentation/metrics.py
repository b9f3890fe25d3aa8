"""Scores of a segmentation, all from one accumulated confusion matrix."""

from __future__ import annotations

import torch
from torch import Tensor

from tasks.segmentation.data import IGNORE

MEANS = ("mIoU", "mAcc", "fwIoU")


class Confusion:
    """Counts of (true class, predicted class) over all scored pixels.

    Pixels labelled IGNORE count nowhere: neither as misses nor, where they are predicted as some class, as false
    positives. A class that neither the labels nor the predictions hold is left out of mIoU, and one that the labels do not
    hold is left out of mAcc, as in MMSegmentation. All scores are on the 0-100 scale.
    """

    def __init__(self, classes: int):
        self.counts = torch.zeros(classes, classes, dtype=torch.int64)

    def add(self, labels: Tensor, predictions: Tensor) -> None:
        """Count integer tensors of one shape."""
        classes = len(self.counts)
        kept = labels != IGNORE
        pairs = labels[kept].long() * classes + predictions[kept].long()
        self.counts += torch.bincount(pairs, minlength=classes**2).reshape(classes, classes).cpu()

    def metrics(self) -> dict[str, float]:
        """mIoU, mAcc, fwIoU (IoU weighted by the labels' frequency) and aAcc (share of right pixels)."""
        counts = self.counts.double()
        return {**self.means(), "aAcc": 100 * (counts.diag().sum() / counts.sum()).item()}

    def means(self, without: int | None = None) -> dict[str, float]:
        """The first three, perhaps over all classes but one; 0 where nothing of the others is there."""
        counts = self.counts.double()
        right, true, predicted = counts.diag(), counts.sum(1), counts.sum(0)
        union = true + predicted - right
        kept = torch.arange(len(counts)) != (-1 if without is None else without)
        seen, present = kept & (union > 0), kept & (true > 0)
        iou = right / union
        values = iou[seen].mean(), (right / true)[present].mean(), (true * iou)[present].sum() / true[present].sum()
        return {name: 100 * value.nan_to_num().item() for name, value in zip(MEANS, values, strict=True)}
