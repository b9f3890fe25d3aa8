"""A smaller data set that resembles a larger one: the proxy that a search trains on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from core import build
from tasks.detection.data import Annotated, DetectionData, Objects
from tasks.registry import DATA


def cover(counts: np.ndarray, images: int, rng: np.random.Generator) -> list[int]:
    """Few rows, so that every column of `counts` (rows, columns) that is not empty has something in one of them.

    Greedy: for the rarest missing column, the row that has most of those that are missing. Raises ValueError where more
    than `images` rows are needed.
    """
    has = counts > 0
    missing = has.any(0)
    chosen: list[int] = []
    while missing.any():
        rarest = np.argmin(np.where(missing, has.sum(0), len(has) + 1))
        rows = rng.permutation(np.flatnonzero(has[:, rarest]))
        best = int(rows[np.argmax((has[rows] & missing).sum(1))])
        chosen.append(best)
        missing &= ~has[best]
    if len(chosen) > images:
        raise ValueError(f"{images} images do not hold an object of every class: ask for {len(chosen)} or more")
    return chosen


def stratified(counts: np.ndarray, images: int, rng: np.random.Generator) -> np.ndarray:
    """Sorted indices (images,) of rows of `counts` (rows, columns), with about the same share of every column's sum.

    Iterative stratification into two parts (Sechidis et al., ECML PKDD 2011, section 3), with counts in place of yes or
    no: the column with the fewest rows left goes first, and each of its rows to the part that lacks more of what it has,
    a column's lack being a share of what the part is to get of it.
    """
    counts = np.column_stack([counts, counts.sum(1) == 0])  # images without objects are a stratum, too
    parts: tuple[list[int], list[int]] = (cover(counts[:, :-1], images, rng), [])
    rooms = (images, len(counts) - images)
    goals = np.outer(rooms, counts.sum(0)) / len(counts)
    lacks = goals - np.stack([counts[part].sum(0) for part in parts])
    left = np.ones(len(counts), dtype=bool)
    left[parts[0]] = False
    while left.any():
        rows_left = (counts[left] > 0).sum(0)
        column = np.argmin(np.where(rows_left > 0, rows_left, len(counts) + 1))
        for row in rng.permutation(np.flatnonzero(left & (counts[:, column] > 0))):
            lack = (lacks / np.where(goals > 0, goals, 1)) @ counts[row]
            part = int(lack[1] > lack[0])
            if len(parts[part]) == rooms[part]:
                part = 1 - part
            parts[part].append(int(row))
            lacks[part] -= counts[row]
            left[row] = False
    return np.sort(parts[0])


class StratifiedSubset(DetectionData):
    """Another data set, with `images` images of one split, drawn by `seed` so that the classes keep their shares.

    Shares are of objects, crowds left out; every class keeps at least one. `data` is the config of the whole; its other
    splits are as they are. With `holdout`, that many other images of `split`, drawn in the same way, are the split "val": for
    data whose own validation images are what final scores are taken on. Raises ValueError for more images than there are,
    or too few to show every class.
    """

    version = 1  # of what is drawn: another number where the same arguments would draw other images

    def __init__(self, data: dict[str, Any], images: int, split: str = "train", seed: int = 0, holdout: int = 0):
        self.data: DetectionData = build(DATA, data)
        self.classes, self.limit = self.data.classes, self.data.limit
        self.split, self.seed = split, seed
        self.in_memory = self.data.in_memory
        if seed < 0:
            raise ValueError(f"the seed of a subset must not be negative, not {seed}")
        size = self.data.size(split)
        if images < 1 or holdout < 0 or images + holdout > size:
            asked = f"{images} images" + (f" and a holdout of {holdout}" if holdout else "")
            raise ValueError(f"a subset of {asked} cannot be drawn from the {size} of split {split!r}: ask for fewer")
        counts = np.zeros((size, len(self.classes)), dtype=np.int64)
        for index in range(size):
            objects = self.data.annotated(split, index).objects
            counts[index] = np.bincount(objects.labels[~objects.crowd], minlength=len(self.classes))
        if holdout and split == "val":
            raise ValueError("a holdout becomes the split 'val', which cannot be drawn from itself: name another split")
        rng = np.random.default_rng(seed)
        drawn = stratified(counts, images + holdout, rng)
        kept = stratified(counts[drawn], images, rng) if holdout else np.arange(images)
        self.indices = {split: drawn[kept]}
        if holdout:
            self.indices["val"] = np.delete(drawn, kept)

    def _of_whole(self, split: str, index: int) -> tuple[str, int]:
        return (self.split, int(self.indices[split][index])) if split in self.indices else (split, index)

    def size(self, split: str) -> int:
        return len(self.indices[split]) if split in self.indices else self.data.size(split)

    def read(self, split: str, index: int) -> tuple[np.ndarray, Objects]:
        return self.data.read(*self._of_whole(split, index))

    def annotated(self, split: str, index: int) -> Annotated:
        return self.data.annotated(*self._of_whole(split, index))

    def problems(self, split: str) -> Iterator[str]:
        return self.data.problems(self.split if split in self.indices else split)

    def pictures(self, split: str) -> list[tuple[bytes, str]]:
        if split not in self.indices:
            return self.data.pictures(split)
        whole = self.data.pictures(self.split)
        return [whole[index] for index in self.indices[split]] if whole else []

    def keep(self) -> None:
        self.data.keep()

    def fingerprint(self, *others: str) -> str:
        drawn = " ".join(f"{split} {len(indices)}" for split, indices in self.indices.items())
        return f"stratified-{self.version} of {self.split}: {drawn} {self.seed} of {self.data.fingerprint(*others)}"
