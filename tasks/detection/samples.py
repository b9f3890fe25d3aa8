"""How detection cuts images and their boxes."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tasks.augment import fit_size, random_warp, recolour, warp
from tasks.detection.transforms import Transforms
from tasks.samples import Sample, Samples

if TYPE_CHECKING:
    from tasks.detection.data import DetectionData, Objects

EMPTY = -1  # the label of a row without an object
VISIBLE = 0.3  # of its area must an object keep in a view to be looked for there
SMALLEST = 2.0  # pixels that both of its sides must keep


class DetectionSamples(Samples):
    """The truth of a sample is an (M, 5) float32 array of x1, y1, x2, y2 in its pixels and the label; EMPTY fills it up.

    M is the largest number of objects of any image of the stage. Crowds and difficult objects are not learnt.
    """

    data: DetectionData

    @cached_property
    def rows(self) -> int:
        """M, counted once: it takes all annotations of the stage."""
        scored = [(self.view.eval, index) for index in range(self.eval_size)]
        return max(1, *(len(self.data.annotated(*place).objects.labels) for place in [*self.order, *scored]))

    @cached_property
    def transforms(self) -> Transforms:
        return Transforms(self.view.transforms)

    def cut(self, image: np.ndarray, truth: Objects, rng: np.random.Generator) -> Sample:
        size = self.view.size
        if self.view.transforms:
            image, boxes, kept = self.transforms(image, truth.boxes, rng)
            image, table = self._resized(image, truth.only(kept, boxes), size)
            return recolour(image, self.view.jitter, rng), table
        matrix = random_warp(image.shape, self.view, rng)
        view = recolour(warp(image, matrix, size), self.view.jitter, rng)
        return view, self._table(_moved(truth.boxes, matrix), truth, size)

    def whole(self, image: np.ndarray, truth: Objects) -> Sample:
        return self._resized(image, truth, self.view.eval_size or (image.shape[0], image.shape[1]))

    def _resized(self, image: np.ndarray, truth: Objects, size: tuple[int, int]) -> Sample:
        factors = np.array([size[1] / image.shape[1], size[0] / image.shape[0]] * 2)
        return fit_size(image, size), self._table(truth.boxes * factors, truth, size)

    def _table(self, boxes: np.ndarray, truth: Objects, size: tuple[int, ...]) -> np.ndarray:
        """The objects that are still to be seen in a view of `size`, their boxes cut at its borders."""
        low, high = boxes[:, :2], boxes[:, 2:]
        limit = np.array([size[1], size[0]])
        inside = np.concatenate([low.clip(0, limit), high.clip(0, limit)], 1)
        sides, before = inside[:, 2:] - inside[:, :2], high - low
        kept = (
            (sides.prod(1) >= VISIBLE * before.prod(1)) & (sides >= SMALLEST).all(1) & ~truth.crowd & ~truth.difficult
        )
        table = np.full((self.rows, 5), EMPTY, dtype=np.float32)
        found = np.concatenate([inside, truth.labels[:, None]], 1)[kept]
        table[: len(found)] = found
        return table


def _moved(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Boxes of an image in the view that `matrix` (from output to input pixel centres) describes."""
    scale = np.array([matrix[0, 0], matrix[1, 1]])
    shift = matrix[:, 2] + 0.5 - 0.5 * scale  # the same for pixel edges, where box coordinates are measured
    corners = (boxes.reshape(-1, 2, 2) - shift) / scale
    return np.concatenate([corners.min(1), corners.max(1)], 1)
