"""Scores of joints: the numbers of the COCO API for keypoints, and the share of joints nearer than a part of the head."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import numpy as np

from tasks.keypoints.data import KeypointData

COCO_METRICS = ("AP", "AP50", "AP75", "APM", "APL", "AR")
HEAD_METRICS = {"PCKh": 0.5, "PCKh10": 0.1}  # how many heads' sizes a joint may be off


def metric_names(data: KeypointData) -> tuple[str, ...]:
    """What is told of joints, the first of which ranks networks: PCKh where heads are known, AP where areas are."""
    return (*(HEAD_METRICS if data.heads else ()), *(COCO_METRICS if data.areas else ()))


def scores(data: KeypointData, split: str, found: np.ndarray) -> dict[str, float]:
    """All of `metric_names`, of the joints (n, K, 3) that were found of the n persons of a split: x, y and a score."""
    metrics: dict[str, float] = {}
    if data.heads:
        persons = [data.person(split, index) for index in range(data.size(split))]
        joints, heads = np.stack([person.joints for person in persons]), np.array([person.head for person in persons])
        counted = data.skeleton.counted
        for name, threshold in HEAD_METRICS.items():
            metrics[name] = pckh(found[:, counted], joints[:, counted], heads, threshold)
    if data.areas:
        metrics |= coco_metrics(data.ground_truth(split), found, data.skeleton.sigmas)
    return metrics


def pckh(found: np.ndarray, joints: np.ndarray, heads: np.ndarray, threshold: float) -> float:
    """The share, 0 to 100, of labelled joints that are found within `threshold` times the size of the head.

    `found` (n, K, 2 or more) and `joints` (n, K, 3) are in pixels, as are `heads` (n,). PCKh of Andriluka et al. (CVPR
    2014); the mean is over joints of all kinds and persons. What does not count must be left out before.
    """
    away = np.linalg.norm(found[..., :2] - joints[..., :2], axis=-1) / heads[:, None]
    return float(100 * (away <= threshold)[joints[..., 2] > 0].mean())


def coco_metrics(ground_truth: Mapping[str, Any], found: np.ndarray, sigmas: Sequence[float]) -> dict[str, float]:
    """COCO_METRICS, 0 to 100, or -1 where no person falls into a range of sizes (cocodataset.org, by pycocotools).

    AP is the mean over similarities of joints (OKS) of 0.50 to 0.95, AP50 and AP75 that at one, APM of medium persons (32^2
    to 96^2 square pixels), APL of large ones, AR the recall in place of the precision. `found` (n, K, 3) are x, y and score
    of the joints of the first n annotations of `ground_truth`, COCO's dictionary; a person's own score is the mean of its
    joints'. `sigmas` (K,) say how far apart people mark a joint.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    results = [
        dict(
            image_id=annotation["image_id"],
            category_id=annotation["category_id"],
            keypoints=joints.ravel().tolist(),
            score=float(joints[:, 2].mean()),
        )
        for annotation, joints in zip(ground_truth["annotations"], found, strict=False)
    ]
    with redirect_stdout(StringIO()):  # it tells of every step
        truth: Any = COCO()
        truth.dataset = {**ground_truth, "annotations": [dict(one) for one in ground_truth["annotations"]]}
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "keypoints")
        evaluation.params.kpt_oks_sigmas = np.array(sigmas)
        crowd = Counter(annotation["image_id"] for annotation in ground_truth["annotations"])
        evaluation.params.maxDets = [
            max(20, *crowd.values())
        ]  # COCO's 20, or as many as there are: each has one answer
        evaluation.evaluate()
        evaluation.accumulate()
    # By threshold (and recall), class, and range of sizes: all, medium, large.
    precision, recall = (evaluation.eval[name][..., 0] for name in ("precision", "recall"))
    of = (
        precision[..., 0],
        precision[0, ..., 0],
        precision[5, ..., 0],
        precision[..., 1],
        precision[..., 2],
        recall[..., 0],
    )
    return {name: _mean(values[values > -1]) for name, values in zip(COCO_METRICS, of, strict=True)}


def _mean(values: np.ndarray) -> float:
    return float(100 * values.mean()) if values.size else -1.0
