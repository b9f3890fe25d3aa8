"""How fast detections and restored images are scored, beside the libraries whose numbers these are."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from skimage.metrics import structural_similarity

from tasks.detection.metrics import COCO_METRICS, coco_metrics, voc_map
from tasks.restoration.metrics import ssim as ours

SIDE, CLASSES, OBJECTS, FOUND = 640, 80, 7.2, 100  # pixels, classes, objects and detections of an image: about COCO's


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Of the processor, as others may use it as well; and what the work gave."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def detections(images: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Drawn objects as a COCO dictionary, and FOUND detections an image: some near each object, the others anywhere."""
    rng = np.random.default_rng(0)

    def boxes(count: int) -> np.ndarray:
        sides = np.exp(rng.uniform(np.log(8), np.log(300), (count, 2)))
        return np.concatenate([rng.uniform(0, SIDE - sides), sides], 1)

    count = round(OBJECTS * images)
    at, label, truth = rng.integers(images, size=count), rng.integers(CLASSES, size=count), boxes(count)
    near = np.repeat(np.arange(count), 3)
    close = truth[near] + rng.normal(0, 0.08, (len(near), 4)) * truth[near][:, [2, 3, 2, 3]]
    close[:, 2:] = close[:, 2:].clip(2)
    rest = FOUND * images - len(near)
    found = np.concatenate([close, boxes(rest)])
    where = np.concatenate([at[near], rng.integers(images, size=rest)])
    which = np.concatenate([label[near], rng.integers(CLASSES, size=rest)])
    score = rng.random(len(found)) * np.where(np.arange(len(found)) < len(near), 1, 0.5)
    objects = [
        dict(id=number, image_id=image, category_id=kind + 1, bbox=box, area=box[2] * box[3], iscrowd=0)
        for number, (image, kind, box) in enumerate(zip(at.tolist(), label.tolist(), truth.tolist(), strict=True), 1)
    ]
    results = [
        dict(image_id=image, category_id=kind + 1, bbox=box, score=value)
        for image, kind, box, value in zip(where.tolist(), which.tolist(), found.tolist(), score.tolist(), strict=True)
    ]
    pictures = [dict(id=index, width=SIDE, height=SIDE, file_name=f"{index}.jpg") for index in range(images)]
    categories = [dict(id=index + 1, name=f"class {index}") for index in range(CLASSES)]
    return dict(images=pictures, annotations=objects, categories=categories), results


def coco_evaluation(images: int = 5000, repeat: int = 1) -> dict[str, float]:
    """Seconds of one thread for COCO's twelve numbers, ours and pycocotools', in turns, and for VOC's.

    Medians, and of how many times as fast ours are the least and the most as well; `difference` is the largest of a number.
    """
    truth, found = detections(images)

    def original() -> list[float]:
        with contextlib.redirect_stdout(io.StringIO()):
            api: Any = COCO()
            api.dataset = truth
            api.createIndex()
            evaluation = COCOeval(api, api.loadRes([dict(item) for item in found]), "bbox")
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        return evaluation.stats.tolist()

    turns = [(seconds(lambda: coco_metrics(truth, found)), seconds(original)) for _ in range(repeat)]
    voc = median(seconds(lambda: voc_map(truth, found))[0] for _ in range(repeat))
    gains = [theirs / own for (own, _), (theirs, _) in turns]
    (_, metrics), (_, stats) = turns[0]
    gaps = [abs(metrics[name] - 100 * value) for name, value in zip(COCO_METRICS, stats, strict=True) if value >= 0]
    return {
        "images": images,
        "objects": len(truth["annotations"]),
        "detections": len(found),
        "seconds": median(own for (own, _), _ in turns),
        "pycocotools s": median(theirs for _, (theirs, _) in turns),
        "gain": median(gains),
        "least": min(gains),
        "most": max(gains),
        "difference": max(gaps),
        "VOC s": voc,
    }


def ssim(height: int = 321, width: int = 481, channels: int = 3, repeat: int = 9) -> dict[str, float]:
    """Milliseconds of one thread for an image's SSIM, ours and scikit-image's, in turns (medians)."""
    rng = np.random.default_rng(0)
    clean = rng.random((height, width, channels), dtype=np.float32)
    noisy = (clean + rng.normal(0, 0.1, clean.shape)).astype(np.float32)
    tensors = [torch.from_numpy(image).permute(2, 0, 1)[None] for image in (noisy, clean)]
    arrays = [image.astype(np.float64) for image in (noisy, clean)]
    settings: dict[str, Any] = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1.0)
    original: Any = structural_similarity
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        turns = [
            (
                seconds(lambda: float(ours(*tensors))),
                seconds(lambda: float(original(*arrays, channel_axis=-1, **settings))),
            )
            for _ in range(repeat)
        ]
    finally:
        torch.set_num_threads(threads)
    own, theirs = (1000 * median(turn[which][0] for turn in turns) for which in (0, 1))
    gains = [second[0] / first[0] for first, second in turns]
    return {
        "height": height,
        "width": width,
        "channels": channels,
        "ms": own,
        "scikit-image ms": theirs,
        "gain": median(gains),
        "least": min(gains),
        "most": max(gains),
        "difference": abs(turns[0][0][1] - turns[0][1][1]),
    }
