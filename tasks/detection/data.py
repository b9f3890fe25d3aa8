"""Images with boxes: what every data set promises, and the embedded ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks import scenes
from tasks.data import Data, NucleiData, ScenesData

Box = tuple[float, float, float, float]
Row = tuple[Box, int, float, bool, bool]


@dataclass(frozen=True)
class Objects:
    """The n objects of one image.

    `boxes` (n, 4) float64 are x1, y1, x2, y2 in pixels, x2 and y2 just outside; `labels` (n,) int64 class indices. `areas`
    (n,) float64 are what COCO's small, medium and large refer to: of the mask where the annotations tell it, else of the
    box. `crowd` (n,) bool is COCO's iscrowd (not learnt, matched without penalty), `difficult` (n,) bool Pascal VOC's mark
    (not counted by the VOC metric).
    """

    boxes: np.ndarray
    labels: np.ndarray
    areas: np.ndarray
    crowd: np.ndarray
    difficult: np.ndarray

    @staticmethod
    def of(rows: Sequence[Row]) -> Objects:
        """From a (box, label, area, crowd, difficult) for each object."""
        boxes, labels, areas, crowd, difficult = zip(*rows, strict=True) if rows else ((),) * 5
        return Objects(
            np.array(boxes, dtype=np.float64).reshape(-1, 4),
            np.array(labels, dtype=np.int64),
            np.array(areas, dtype=np.float64),
            np.array(crowd, dtype=bool),
            np.array(difficult, dtype=bool),
        )

    def only(self, places: np.ndarray, boxes: np.ndarray) -> Objects:
        """The objects of these places, with other boxes."""
        return Objects(boxes, self.labels[places], self.areas[places], self.crowd[places], self.difficult[places])


@dataclass(frozen=True)
class Annotated:
    """What is known of an image that is not decoded: its name, its (height, width), its objects; how many boxes without area
    were left out (`dropped`), and how many objects of classes that are not kept (`others`).

    The name of an image in a folder is its path from the data's root.
    """

    name: str
    size: tuple[int, int]
    objects: Objects
    dropped: int = 0
    others: int = 0


class Annotations(Sequence[Annotated]):
    """Many annotated images in a few arrays, as lists of them would fill the memory.

    `objects` are those of all, and rise with `places` (objects,), the indices of their images: image k has those from
    `offsets[k]` to `offsets[k + 1]`. `sizes` is (images, 2), `dropped` and `others` are (images,).
    """

    def __init__(
        self,
        names: Sequence[str],
        sizes: np.ndarray,
        places: np.ndarray,
        objects: Objects,
        dropped: np.ndarray,
        others: np.ndarray,
    ):
        self.names, self.sizes, self.objects, self.dropped, self.others = names, sizes, objects, dropped, others
        self.offsets = np.searchsorted(places, np.arange(len(names) + 1))

    @staticmethod
    def of(images: Sequence[Annotated]) -> Annotations:
        rows = [vars(Objects.of([])), *(vars(image.objects) for image in images)]
        counts = np.array([len(image.objects.labels) for image in images], dtype=np.int64)
        return Annotations(
            [image.name for image in images],
            np.array([image.size for image in images]).reshape(-1, 2),
            np.repeat(np.arange(len(images)), counts),
            Objects(*(np.concatenate([row[name] for row in rows]) for name in rows[0])),
            np.array([image.dropped for image in images], dtype=np.int64),
            np.array([image.others for image in images], dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place: int = range(len(self))[index]
        mine = slice(self.offsets[place], self.offsets[place + 1])
        objects = Objects(*(values[mine] for values in vars(self.objects).values()))
        height, width = self.sizes[place].tolist()
        return Annotated(self.names[place], (height, width), objects, int(self.dropped[place]), int(self.others[place]))


class DetectionData(Data):
    """Splits of (image, objects). COCO's numbers look at the `limit` best detections of an image and class."""

    classes: tuple[str, ...]
    limit: int = 100

    @abstractmethod
    def read(self, split: str, index: int) -> tuple[np.ndarray, Objects]:
        """An image, (H, W, 3) RGB uint8, and its objects."""

    @abstractmethod
    def annotated(self, split: str, index: int) -> Annotated:
        """The same without decoding the image."""

    def shape(self, split: str, index: int) -> tuple[int, int]:
        return self.annotated(split, index).size

    def unscorable(self, split: str) -> Iterator[str]:
        for index in range(self.size(split)):
            objects = self.annotated(split, index).objects
            if not (objects.crowd | objects.difficult).all():
                return
        yield f"split {split!r} has no object that counts (crowds and difficult ones do not): annotate some"

    def ground_truth(self, split: str) -> dict[str, Any]:
        """A split as COCO's dictionary: image id = index, category id = label + 1, annotation ids from 1.

        Annotations carry VOC's "difficult" (0 or 1) beside COCO's own entries; boxes are x, y, width, height.
        """
        images, annotations = [], []
        for index in range(self.size(split)):
            image = self.annotated(split, index)
            height, width = image.size
            images.append({"id": index, "width": width, "height": height, "file_name": image.name})
            rows = zip(*(values.tolist() for values in vars(image.objects).values()), strict=True)
            for (x1, y1, x2, y2), label, area, crowd, difficult in rows:
                box = [x1, y1, x2 - x1, y2 - y1]
                entry = dict(image_id=index, category_id=label + 1, bbox=box, area=area, iscrowd=int(crowd))
                annotations.append(dict(id=len(annotations) + 1, **entry, difficult=int(difficult)))
        categories = [{"id": index + 1, "name": name} for index, name in enumerate(self.classes)]
        return {"images": images, "annotations": annotations, "categories": categories}


class ScenesDetection(ScenesData, DetectionData):
    """The embedded scenes-v1, splits "train", "val" and "test"; objects that are mostly hidden are not to be found."""

    classes = scenes.CLASSES[1:]

    def read(self, split: str, index: int) -> tuple[np.ndarray, Objects]:
        return scenes.scenes(split)[index].image, self.annotated(split, index).objects

    def annotated(self, split: str, index: int) -> Annotated:
        scene, rows = scenes.scenes(split)[index], []
        for (x, y, width, height), label in zip(scene.boxes.tolist(), scene.labels.tolist(), strict=True):
            rows.append(((x, y, x + width, y + height), label - 1, width * height, False, False))
        return Annotated(f"{split}_{index}.png", (scenes.SIZE, scenes.SIZE), Objects.of(rows))


class NucleiDetection(NucleiData, DetectionData):
    """The embedded nuclei-v1, splits "train", "val" and "test"; images hold up to 111 nuclei, so 300 detections count."""

    classes = ("nucleus",)
    limit = 300

    def read(self, split: str, index: int) -> tuple[np.ndarray, Objects]:
        return self.field(split, index).image, self.annotated(split, index).objects

    def annotated(self, split: str, index: int) -> Annotated:
        field = self.field(split, index)
        corners = np.concatenate([field.boxes[:, :2], field.boxes[:, :2] + field.boxes[:, 2:]], 1).astype(np.float64)
        none = np.zeros(len(corners), dtype=bool)
        objects = Objects(corners, none.astype(np.int64), field.areas.astype(np.float64), none, none)
        height, width = field.instances.shape
        return Annotated(f"{field.name}.png", (height, width), objects)
