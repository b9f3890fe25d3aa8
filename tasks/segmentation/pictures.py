"""Which pictures a stage trains on and scores, and how they are cut."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from tasks.segmentation.augment import crop, fit_size
from tasks.segmentation.data import SegmentationData
from tasks.stage import Stage

Picture = tuple[np.ndarray, np.ndarray]  # (H, W, 3) RGB and (H, W) labels, uint8


class Pictures:
    """The pictures of one stage.

    Which images of the training splits belong to the stage's share, and its fixed crops, are drawn from the data alone:
    the same for every candidate and seed. Fresh crops are drawn from (seed, epoch, place).
    """

    def __init__(self, data: SegmentationData, stage: Stage):
        self.data, self.stage = data, stage
        order = [(split, index) for split in stage.train for index in range(data.size(split))]
        kept = np.random.default_rng(0).permutation(len(order))[: max(1, round(stage.share * len(order)))]
        self.order = [order[place] for place in sorted(kept)]

    @property
    def train_size(self) -> int:
        """How many crops an epoch sees."""
        return len(self.order) * max(1, self.stage.copies)

    @property
    def eval_size(self) -> int:
        return self.data.size(self.stage.eval)

    def crop(self, place: int, seed: int = 0, epoch: int = 0) -> Picture:
        """The training crop at `place`; where the stage has fixed ones, seed and epoch do not matter."""
        source = [0, place] if self.stage.copies else [1, seed, epoch, place]
        image, labels = self.data.read(*self.order[place % len(self.order)])
        return crop(image, labels, self.stage, np.random.default_rng(source))

    def crops(self) -> Iterator[Picture]:
        return (self.crop(place) for place in range(self.train_size))

    def scored(self, index: int) -> Picture:
        """An image to score, at `eval_size`, or at its own size where there is none."""
        image, labels = self.data.read(self.stage.eval, index)
        size = self.stage.eval_size
        if size is None:
            return image, labels
        return fit_size(image, size), cv2.resize(labels, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)

    def all_scored(self) -> Iterator[Picture]:
        return (self.scored(index) for index in range(self.eval_size))

    def batches(self, seed: int, epoch: int) -> list[np.ndarray]:
        """An epoch's places in random order, cut into batches; a last one of a single crop is left out (batch norm)."""
        order = np.random.default_rng([2, seed, epoch]).permutation(self.train_size)
        cuts = [order[first : first + self.stage.batch] for first in range(0, len(order), self.stage.batch)]
        return [cut for cut in cuts if len(cut) > 1] or cuts
