"""Scores of a classification, exact counts over all images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

TOP = 5


def metric_names(classes: int) -> Sequence[str]:
    """What is told of a network: among five classes or fewer, the true one is always one of the best five."""
    return ("top1", *(("top5",) if classes > TOP else ()), "mAcc", "cross_entropy")


class Ranks:
    """How often a true class came first or among the first five, and which was taken for which.

    `counts` (classes, classes) are images by (true class, predicted class). Of classes with equal scores one comes first,
    always the same, so that a network that says the same of everything is right once in so many classes.
    """

    def __init__(self, classes: int):
        self.counts = torch.zeros(classes, classes, dtype=torch.int64)
        self.among, self.loss = 0, 0.0

    def add(self, scores: Tensor, labels: Tensor) -> None:
        """Count (N, classes) scores of images with (N,) labels."""
        classes = len(self.counts)
        pairs = labels * classes + scores.argmax(1)
        self.counts += torch.bincount(pairs, minlength=classes**2).reshape(classes, classes).cpu()
        best = scores.topk(min(TOP, classes), 1).indices
        self.among += int((best == labels[:, None]).sum())
        self.loss += float(F.cross_entropy(scores.double(), labels, reduction="sum"))

    def metrics(self) -> dict[str, float]:
        """top1, top5 and mAcc (the mean over the classes that are there of the share that is right), 0 to 100.

        cross_entropy is the mean over all images, in nats.
        """
        counts = self.counts.double()
        images, right, true = counts.sum().item(), counts.diag(), counts.sum(1)
        scores = {
            "top1": 100 * right.sum().item() / images,
            "top5": 100 * self.among / images,
            "mAcc": 100 * (right / true)[true > 0].mean().item(),
            "cross_entropy": self.loss / images,
        }
        return {name: scores[name] for name in metric_names(len(counts))}
