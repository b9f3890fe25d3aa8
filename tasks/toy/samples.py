"""The images that the toy pretends to learn from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tasks.data import Data
from tasks.samples import Sample, Samples
from tasks.stage import Stage

IMAGES = 100
SCORED = 10


class ToyData(Data):
    """Any split, of IMAGES images, or, to be scored, SCORED; there is nothing to see in them."""

    def size(self, split: str) -> int:
        return IMAGES if split == "train" else SCORED

    def read(self, split: str, index: int) -> tuple[np.ndarray, Any]:
        return np.zeros((1, 1, 3), dtype=np.uint8), np.zeros(1)

    def fingerprint(self) -> str:
        return "toy-1"

    def problems(self, split: str) -> Iterator[str]:
        return iter(())


class ToySamples(Samples):
    """Which of them a stage sees."""

    def __init__(self, stage: Stage):
        super().__init__(ToyData(), stage)

    def cut(self, image: np.ndarray, truth: Any, rng: np.random.Generator) -> Sample:
        return image, truth

    def whole(self, image: np.ndarray, truth: Any) -> Sample:
        return image, truth
