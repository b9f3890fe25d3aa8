"""Detection scores: the twelve numbers of the COCO API, and the mean average precision of PASCAL VOC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

LIMIT = 100  # detections of an image and class that the COCO API looks at, unless it is told
Detection = Mapping[str, Any]


def coco_names(limit: int = LIMIT) -> tuple[str, ...]:
    """What the twelve numbers are called."""
    precisions = ("mAP", "mAP50", "mAP75", "mAPs", "mAPm", "mAPl")
    return *precisions, "AR1", "AR10", f"AR{limit}", "ARs", "ARm", "ARl"


COCO_METRICS = coco_names()


def coco_metrics(
    ground_truth: Mapping[str, Any], detections: Sequence[Detection], limit: int = LIMIT
) -> dict[str, float]:
    """The twelve numbers that the COCO API prints for boxes, 0 to 100, or -1 where no object falls into a range of sizes.

    `ground_truth` is a COCO dictionary (images, categories, annotations with image_id, category_id, bbox, area and
    iscrowd), `detections` a COCO result (image_id, category_id, bbox as x, y, width, height in pixels, score), which may
    be empty. Neither is changed. Raises ValueError where a detection names an image or category that is not there.

    mAP: average precision at 101 recalls, averaged over IoU 0.50 to 0.95 and categories; s, m, l: of objects below 32^2,
    up to 96^2, and above, in square pixels; AR: largest recall with 1, 10 or 100 detections an image (Lin et al., ECCV
    2014, and cocodataset.org). `limit` takes the place of these 100, in all numbers.
    """
    _check(ground_truth, detections)
    # Annotations are numbered anew, from 1: the original API takes an object of number 0 for none.
    objects = [{**item, "id": number} for number, item in enumerate(ground_truth["annotations"], start=1)]
    found = [
        {**item, "id": number, "area": item["bbox"][2] * item["bbox"][3], "iscrowd": 0}
        for number, item in enumerate(detections, start=1)
    ]
    # A result is given as a whole dictionary, as the reader of bare lists refuses an empty one.
    theirs, ours = (COCO({**ground_truth, "annotations": items}) for items in (objects, found))
    evaluation = COCOeval_faster(theirs, ours, "bbox")
    evaluation.params.maxDets = [1, 10, limit]
    evaluation.run()
    values = (float(value) for value in evaluation.stats)
    return {name: 100 * value if value >= 0 else -1.0 for name, value in zip(coco_names(limit), values, strict=True)}


def voc_map(ground_truth: Mapping[str, Any], detections: Sequence[Detection], iou: float = 0.5) -> float:
    """The mean of `voc_ap` over all classes with an object that is not difficult, 0 to 100.

    Raises ValueError where no class has one, or a detection names an image or category that is not there.
    """
    _check(ground_truth, detections)
    classes = sorted({item["category_id"] for item in ground_truth["annotations"] if not _apart(item)})
    if not classes:
        raise ValueError("the ground truth has no object that counts: give one with objects that are not difficult")
    objects, found = ({category: [] for category in classes} for _ in range(2))
    for items, of in ((ground_truth["annotations"], objects), (detections, found)):
        for item in items:
            if item["category_id"] in of:
                of[item["category_id"]].append(item)
    return float(np.mean([voc_ap({"annotations": objects[one]}, found[one], one, iou) for one in classes]))


def voc_ap(ground_truth: Mapping[str, Any], detections: Sequence[Detection], category: int, iou: float = 0.5) -> float:
    """The average precision of one class, 0 to 100, by PASCAL VOC's rules (Everingham et al., IJCV 2010, section 4.2).

    It is the area under the interpolated curve (VOC since 2010). An annotation with a true `difficult` or
    `iscrowd` neither counts nor punishes who finds it. Arguments as in `coco_metrics`, but area is not read.
    """
    objects = [item for item in ground_truth["annotations"] if item["category_id"] == category]
    total = sum(not _apart(item) for item in objects)
    hits = _hits(objects, [item for item in detections if item["category_id"] == category], iou)
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]  # the best precision at this recall or a higher one
    return float(100 * best[hits].sum() / total)


def _apart(item: Mapping[str, Any]) -> bool:
    return bool(item.get("difficult") or item.get("iscrowd"))


def _hits(objects: Sequence[Mapping[str, Any]], detections: Sequence[Detection], iou: float) -> np.ndarray:
    """Which detections of a class find an object, by falling score, without those of difficult objects.

    A detection goes to the object that it overlaps most, and is wrong where a better scored one was there before.
    """
    detections = sorted(detections, key=lambda item: -item["score"])
    places = _by_image(objects)
    nearest: list[int | None] = [None] * len(detections)  # the object that each is near enough to
    for image, found in _by_image(detections).items():
        if image in places:
            boxes, theirs = (
                np.array([items[at]["bbox"] for at in of], float)
                for items, of in ((detections, found), (objects, places[image]))
            )
            overlaps = _ious(boxes, theirs)
            for at, best, overlap in zip(found, overlaps.argmax(1).tolist(), overlaps.max(1).tolist(), strict=True):
                nearest[at] = places[image][best] if overlap >= iou else None
    taken: set[int] = set()
    hits: list[bool] = []
    for at in nearest:
        if at is None or not _apart(objects[at]):
            hits.append(at is not None and at not in taken)
        if at is not None:
            taken.add(at)
    return np.array(hits, bool)


def _by_image(items: Sequence[Mapping[str, Any]]) -> dict[Any, list[int]]:
    places: dict[Any, list[int]] = {}
    for at, item in enumerate(items):
        places.setdefault(item["image_id"], []).append(at)
    return places


def _ious(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Intersection over union of each of (n, 4) boxes with each of (m, 4)."""
    low = np.maximum(one[:, None, :2], other[:, :2])
    high = np.minimum((one[:, :2] + one[:, 2:])[:, None], other[:, :2] + other[:, 2:])
    common = np.clip(high - low, 0, None).prod(2)
    return common / (one[:, 2:].prod(1)[:, None] + other[:, 2:].prod(1) - common)


def _check(ground_truth: Mapping[str, Any], detections: Sequence[Detection]) -> None:
    for key, kind in (("image_id", "images"), ("category_id", "categories")):
        known = {item["id"] for item in ground_truth[kind]}
        for detection in detections:
            if detection[key] not in known:
                raise ValueError(f"a detection has {key} {detection[key]}: give one of the ground truth's {kind}")
