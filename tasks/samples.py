"""Which images a stage trains on and scores, and how they are cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tasks.data import Data
    from tasks.stage import Stage

Sample = tuple[np.ndarray, np.ndarray]  # (H, W, C) image, and its truth: an array of one shape for the whole stage


class Samples:
    """The samples of one stage: images as they are, where a task does not cut them in its own way.

    Which images of the training splits belong to the stage's share, and its fixed crops, are drawn from the data alone:
    the same for every candidate and seed. Fresh crops are drawn from (seed, epoch, place). `learns_by` is what else of a view
    than the settings of crops the truths of these depend on.
    """

    learns_by: tuple[str, ...] = ()

    def __init__(self, data: Data, stage: Stage):
        self.data, self.view, self.batch = data, stage.view, stage.recipe.batch
        order = [(split, index) for split in self.view.train for index in range(data.size(split))]
        kept = np.random.default_rng(0).permutation(len(order))[: max(1, round(self.view.share * len(order)))]
        kept = kept if self.view.half is None else kept[self.view.half :: 2]
        self.order = [order[place] for place in sorted(kept)]

    def check(self, stage: str) -> None:
        """Raise ValueError where there is nothing to train on."""
        if not self.order:
            empty = f"stage {stage!r} has one training image, none of which is in half {self.view.half}"
            raise ValueError(f"{empty}: give it two or more, or a larger share")

    def cut(self, image: np.ndarray, truth: Any, rng: np.random.Generator) -> Sample:
        """A random training view of an image."""
        return image, truth

    def whole(self, image: np.ndarray, truth: Any) -> Sample:
        """The whole image as it is scored: at `eval_size`, or at its own size where there is none."""
        return image, truth

    @property
    def train_size(self) -> int:
        """How many crops an epoch sees."""
        return len(self.order) * max(1, self.view.copies)

    @property
    def eval_size(self) -> int:
        return self.data.size(self.view.eval)

    def crop(self, place: int, seed: int = 0, epoch: int = 0) -> Sample:
        """The training crop at `place`; where the stage has fixed ones, seed and epoch do not matter."""
        source = [0, place] if self.view.copies else [1, seed, epoch, place]
        image, truth = self.data.read(*self.order[place % len(self.order)])
        rng = np.random.default_rng(source)
        view, truth = self.cut(image, truth, rng)
        if any(self.view.hsv):
            from tasks.augment import shift_hsv  # and with it torch, which not every task needs

            view = shift_hsv(view, self.view.hsv, rng)
        return view, truth

    def crops(self) -> Iterator[Sample]:
        return (self.crop(place) for place in range(self.train_size))

    def scored(self, index: int) -> Sample:
        return self.whole(*self.data.read(self.view.eval, index))

    def all_scored(self) -> Iterator[Sample]:
        return (self.scored(index) for index in range(self.eval_size))

    def batches(self, seed: int, epoch: int) -> list[np.ndarray]:
        """An epoch's places in random order, cut into batches; a last one of a single crop is left out (batch norm)."""
        order = np.random.default_rng([2, seed, epoch]).permutation(self.train_size)
        cuts = [order[first : first + self.batch] for first in range(0, len(order), self.batch)]
        return [cut for cut in cuts if len(cut) > 1] or cuts

    def places(self, seed: int, epoch: int, epochs: int) -> Iterator[tuple[np.ndarray, int]]:
        """The batches of `epochs` in a row from `epoch` on, each with its epoch; this process' share of each."""
        from tasks.parallel import share

        return ((share(chosen), one) for one in range(epoch, epoch + epochs) for chosen in self.batches(seed, one))

    def scored_batches(self) -> list[range]:
        """The places to score in order; one at a time where each image keeps its own size."""
        size = self.batch if self.view.eval_size else 1
        return [range(first, min(first + size, self.eval_size)) for first in range(0, self.eval_size, size)]
