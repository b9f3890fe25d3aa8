"""Data whose pictures nobody has dealt out to splits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from core import build
from tasks.classification.data import ClassificationData
from tasks.data import Data
from tasks.depth.data import DepthData
from tasks.detection.data import Annotated, DetectionData
from tasks.keypoints.data import KeypointData, Person
from tasks.keypoints.skeletons import Skeleton
from tasks.registry import DATA
from tasks.restoration.data import RestorationData
from tasks.segmentation.data import IGNORE, SegmentationData

TRAIN, OTHERWISE = "train", "or make the splits yourself"
SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}


class Resplit(Data):
    """The images of one split of other data, `pool`, dealt out to new splits.

    `data` is the config of the other data, or these themselves, whose pool is known to be sound; `shares` is what each new
    split gets; other splits are those that `others` names ({"test": "val"}: what was val is test). Pictures that are equal go
    to the same split; which one is drawn from the number of pictures alone. Raises ValueError where there are not enough for
    every split.
    """

    def __init__(
        self,
        data: dict[str, Any] | Data,
        pool: str,
        shares: Mapping[str, float] = SHARES,
        others: Mapping[str, str] | None = None,
    ):
        self.data: Any = data
        if not isinstance(data, Data):
            self.data = build(DATA, data)
            self.data.check([pool])
        self.pool, self.shares, self.others = pool, dict(shares), dict(others or {})
        self.in_memory = self.data.in_memory
        prints = [
            print or bytes([0]) + str(place).encode() for place, (print, _) in enumerate(self.data.pictures(pool))
        ]
        different = list(dict.fromkeys(prints))
        if len(different) < len(self.shares):
            raise ValueError(
                f"{len(different)} different pictures cannot be dealt out to {', '.join(shares)}: add some"
            )
        order = np.random.default_rng(0).permutation(len(different)).tolist()
        owner = dict(zip(order, _dealt(len(different), self.shares), strict=True))
        number = {print: owner[place] for place, print in enumerate(different)}
        self.places = {split: [at for at, one in enumerate(prints) if number[one] == split] for split in self.shares}

    def where(self, split: str, index: int) -> tuple[str, int]:
        """The split and place in the other data."""
        if split in self.places:
            return self.pool, self.places[split][index]
        return self.others.get(split, split), index

    def size(self, split: str) -> int:
        return len(self.places[split]) if split in self.places else self.data.size(self.others.get(split, split))

    def read(self, split: str, index: int) -> tuple[np.ndarray, Any]:
        return self.data.read(*self.where(split, index))

    def shape(self, split: str, index: int) -> tuple[int, int]:
        return self.data.shape(*self.where(split, index))

    def problems(self, split: str) -> Iterator[str]:
        if split not in self.places:
            yield from self.data.problems(self.others.get(split, split))
        elif split == TRAIN:
            yield from self._absent()

    def least(self) -> int:
        """How many classes, some or all, pictures to learn from must show."""
        return 0

    def labels(self, split: str, index: int) -> Iterable[int]:
        """Which classes a picture shows."""
        return ()

    def _absent(self) -> Iterator[str]:
        """A sentence for what chance has left out of the pictures to learn from, of which no more are read than needed."""
        least, shown = self.least(), set[int]()
        for index in range(self.size(TRAIN)):
            shown.update(self.labels(TRAIN, index))
            if len(shown) >= least:
                return
        if least < len(self.data.classes):
            yield f"the pictures dealt out to {TRAIN!r} show fewer than {least} classes: add some, {OTHERWISE}"
            return
        for label, name in enumerate(self.data.classes):
            if label not in shown:
                yield f"class {name!r} is in none of the pictures dealt out to {TRAIN!r}: add some, {OTHERWISE}"

    def pictures(self, split: str) -> list[tuple[bytes, str]]:
        if split not in self.places:
            return self.data.pictures(self.others.get(split, split))
        whole = self.data.pictures(self.pool)
        return [whole[place] for place in self.places[split]]

    def keep(self) -> None:
        self.data.keep()

    def summary(self, split: str) -> str:
        if split in self.places:
            return f"{len(self.places[split])} of {self.data.summary(self.pool)}"
        return self.data.summary(self.others.get(split, split))

    def fingerprint(self, *others: str) -> str:
        dealt = ", ".join(f"{split} {len(places)}" for split, places in self.places.items())
        more = (self.others.get(split, split) for split in others if split not in self.places)
        return f"{self.pool} dealt out to {dealt}, {self.others}: {self.data.fingerprint(self.pool, *more)}"


def _dealt(count: int, shares: Mapping[str, float]) -> list[str]:
    """The splits of so many pictures: all but the first get their share, one at least, and the first what is left."""
    first, *others = shares
    dealt = [split for split in others for _ in range(max(1, round(count * shares[split] / sum(shares.values()))))]
    return [first] * (count - len(dealt)) + dealt


class ResplitSegmentation(Resplit, SegmentationData):
    """Images with label maps."""

    @property
    def classes(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.data.classes

    def least(self) -> int:
        return len(self.classes) if self.data.named else 2

    def labels(self, split: str, index: int) -> Iterable[int]:
        return {*np.unique(self.read(split, index)[1]).tolist()} - {IGNORE}


class ResplitDepth(Resplit, DepthData):
    """Images with depths."""

    @property
    def nearest(self) -> float:  # type: ignore[override]
        return self.data.nearest

    @property
    def farthest(self) -> float:  # type: ignore[override]
        return self.data.farthest


class ResplitDetection(Resplit, DetectionData):
    """Images with boxes."""

    @property
    def classes(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.data.classes

    @property
    def limit(self) -> int:  # type: ignore[override]
        return self.data.limit

    def annotated(self, split: str, index: int) -> Annotated:
        return self.data.annotated(*self.where(split, index))

    def least(self) -> int:
        return len(self.classes)

    def labels(self, split: str, index: int) -> Iterable[int]:
        objects = self.annotated(split, index).objects
        return objects.labels[~objects.crowd].tolist()


class ResplitRestoration(Resplit, RestorationData):
    """Degraded and clean images, or clean ones."""

    def __init__(self, data: dict[str, Any] | Data, pool: str, **settings: Any):
        super().__init__(data, pool, **settings)
        self.gray, self.paired = self.data.gray, self.data.paired

    def name(self, split: str, index: int) -> str:
        return self.data.name(*self.where(split, index))


class ResplitClassification(Resplit, ClassificationData):
    """Images with a class each."""

    @property
    def classes(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.data.classes

    def label_of(self, split: str, index: int) -> int:
        return self.data.label_of(*self.where(split, index))

    def least(self) -> int:
        return len(self.classes)

    def labels(self, split: str, index: int) -> Iterable[int]:
        return [self.label_of(split, index)]


class ResplitKeypoints(Resplit, KeypointData):
    """Images with the joints of persons."""

    def __init__(self, data: dict[str, Any] | Data, pool: str, **settings: Any):
        super().__init__(data, pool, **settings)
        self.areas, self.heads = self.data.areas, self.data.heads

    @property
    def skeleton(self) -> Skeleton:  # type: ignore[override]
        return self.data.skeleton

    def person(self, split: str, index: int) -> Person:
        return self.data.person(*self.where(split, index))

    def ignored(self, split: str) -> Sequence[Person]:
        if split not in self.places:
            return self.data.ignored(self.others.get(split, split))
        mine = {self.person(split, index).name for index in range(self.size(split))}
        return [person for person in self.data.ignored(self.pool) if person.name in mine]
