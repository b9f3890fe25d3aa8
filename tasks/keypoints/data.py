"""Images with the joints of persons: what every data set promises, and the embedded one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.data import Data, EmbeddedData
from tasks.keypoints.skeletons import MPII, Skeleton

HIDDEN, VISIBLE = 1, 2  # COCO's v of a joint that is labelled; 0: it is not
PADDING = 1.25  # times the sides of a box are seen around a person (Xiao et al., ECCV 2018)
HEAD = 0.6  # of the diagonal of its box is the size of a head, as in MPII's evaluation
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Person:
    """What is known of a person without decoding the image of that `name` (in a folder: its path from the root).

    `joints` (K, 3) float64 are x and y in pixels, 0 the middle of the first one, and v: 0 not labelled, 1 hidden, 2 visible.
    `box` are x, y, width and height around the person in pixels, from the edge of the first one. `area` are the square pixels
    that the similarity of joints refers to, and `head` is the size of the head in pixels, both where they are known. `size` is
    the image's (height, width) where annotations tell it. A `crowd` is COCO's iscrowd.
    """

    name: str
    joints: np.ndarray
    box: Box
    area: float | None = None
    head: float | None = None
    size: tuple[int, int] | None = None
    crowd: bool = False

    @property
    def labelled(self) -> int:
        """How many joints are."""
        return int((self.joints[:, 2] > 0).sum())


class KeypointData(Data):
    """Splits of (image, person); an image with several persons comes once for each.

    `areas` and `heads` say whether persons have them: without areas there is no AP, without heads no PCKh.
    """

    skeleton: Skeleton
    areas: bool
    heads: bool

    @abstractmethod
    def read(self, split: str, index: int) -> tuple[np.ndarray, Person]:
        """An image, (H, W, 3) RGB uint8, and the person in it that is meant."""

    @abstractmethod
    def person(self, split: str, index: int) -> Person:
        """The same without decoding the image. At least one joint is labelled."""

    def shape(self, split: str, index: int) -> tuple[int, int]:
        _, _, width, height = self.person(split, index).box
        return round(PADDING * height), round(PADDING * width)

    def ignored(self, split: str) -> Sequence[Person]:
        """Persons without labelled joints, and crowds, in the images of a split: COCO's AP lets them be found or not."""
        return ()

    def ground_truth(self, split: str) -> dict[str, Any]:
        """A split as COCO's dictionary; annotation `index` + 1 is the person of that index. Raises ValueError without areas."""
        persons = [self.person(split, index) for index in range(self.size(split))]
        every = [*persons, *self.ignored(split)]
        images = {name: number for number, name in enumerate(dict.fromkeys(person.name for person in every))}
        if any(person.area is None for person in every):
            raise ValueError(f"persons of split {split!r} have no area, which the similarity of joints refers to")
        annotations = [
            dict(
                id=number,
                image_id=images[person.name],
                category_id=1,
                keypoints=person.joints.ravel().tolist(),
                num_keypoints=person.labelled,
                bbox=list(person.box),
                area=person.area,
                iscrowd=int(person.crowd),
            )
            for number, person in enumerate(every, start=1)
        ]
        names = list(self.skeleton.joints)
        return {
            "images": [{"id": number, "file_name": name} for name, number in images.items()],
            "annotations": annotations,
            "categories": [{"id": 1, "name": "person", "keypoints": names}],
        }

    def unscorable(self, split: str) -> Iterator[str]:
        for index in range(self.size(split) if self.heads else 0):
            person = self.person(split, index)
            if person.head is None:
                yield f"person {index} of split {split!r} ({person.name}) has no head_box, which PCKh needs: add it"
                return


class FiguresKeypoints(EmbeddedData, KeypointData):
    """The embedded figures-v1, splits "train", "val" and "test", with the 16 joints of MPII.

    A box is that of the labelled joints, MARGIN of the head's size larger on each side, as far as the image goes.
    """

    called = "figures-v1"
    skeleton, areas, heads = MPII, True, True
    MARGIN = 0.5

    def size(self, split: str) -> int:
        from tasks import figures

        return figures.COUNTS[split]

    def fingerprint(self, *others: str) -> str:
        from tasks import figures

        return f"{self.called} {figures.fingerprint()}"

    def read(self, split: str, index: int) -> tuple[np.ndarray, Person]:
        from tasks import figures

        return figures.figures(split)[index].image, self.person(split, index)

    def person(self, split: str, index: int) -> Person:
        from tasks import figures

        figure, side = figures.figures(split)[index], figures.SIZE
        places = figure.joints[figure.joints[:, 2] > 0, :2] + 0.5
        low, high = (
            bound.clip(0, side)
            for bound in (
                places.min(0) - self.MARGIN * figure.head,
                places.max(0) + self.MARGIN * figure.head,
            )
        )
        (x, y), (width, height) = low.tolist(), (high - low).tolist()
        name, area = f"{split}_{index}.png", float(figure.mask.sum())
        return Person(name, figure.joints, (x, y, width, height), area, figure.head, (side, side))
