"""Detection data and scores for MMDetection's own tools: name this module in a config's `custom_imports`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.evaluator import BaseMetric
from mmengine.registry import DATASETS, METRICS
from mmengine.structures import InstanceData

from core import build
from tasks.deployment import Split, bgr
from tasks.detection.metrics import LIMIT, coco_metrics
from tasks.detection.samples import EMPTY, DetectionSamples
from tasks.registry import DATA
from tasks.samples import Sample
from tasks.stage import Stage


@DATASETS.register_module()
class DetectionSplit(Split):
    """Images with boxes."""

    samples: DetectionSamples

    def read(self, data: Mapping[str, Any], stage: Stage) -> DetectionSamples:
        return DetectionSamples(build(DATA, data), stage)

    def packed(self, index: int, sample: Sample) -> dict[str, Any]:
        image, table = sample
        table = torch.from_numpy(table[table[:, 4] != EMPTY])
        size = original = image.shape[:2]
        about: dict[str, Any] = dict(img_id=index, img_shape=size, pad_shape=size, scale_factor=(1.0, 1.0))
        if self.scored:
            known = self.samples.data.annotated(self.samples.view.eval, index)
            original, objects = known.size, known.objects
            columns = (objects.boxes, objects.labels, objects.areas, objects.crowd)
            about["instances"] = [
                dict(bbox=box, bbox_label=label, area=area, ignore_flag=int(crowd))
                for box, label, area, crowd in zip(*(values.tolist() for values in columns), strict=True)
            ]
            about["scale_factor"] = size[1] / original[1], size[0] / original[0]
        truth = InstanceData(bboxes=table[:, :4], labels=table[:, 4].long())
        sample_of = DetDataSample(metainfo={**about, "ori_shape": original}, gt_instances=truth)
        return {"inputs": bgr(image), "data_samples": sample_of}


@METRICS.register_module()
class CocoScores(BaseMetric):
    """COCO's twelve numbers as the suite has them: of the `limit` best detections, sizes by the annotated areas.

    MMDetection's `CocoMetric` takes the areas of boxes, and mAP50 and others of up to 1000 detections an image.
    """

    default_prefix = "coco"

    def __init__(self, limit: int = LIMIT, **settings: Any):
        super().__init__(**settings)
        self.limit = limit

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        for sample in data_samples:
            found = sample["pred_instances"]
            rows = [found[name].cpu().tolist() for name in ("bboxes", "scores", "labels")]
            self.results.append((sample["img_id"], sample["ori_shape"], sample["instances"], rows))

    def compute_metrics(self, results: Sequence[Any]) -> dict[str, float]:
        images = [{"id": image, "height": height, "width": width} for image, (height, width), _, _ in results]
        categories = [{"id": label} for label in range(len((self.dataset_meta or {})["classes"]))]
        objects = [
            dict(
                image_id=image,
                category_id=one["bbox_label"],
                iscrowd=one["ignore_flag"],
                area=one["area"],
                bbox=_sides(one["bbox"]),
            )
            for image, _, instances, _ in results
            for one in instances
        ]
        found = [
            dict(image_id=image, category_id=label, score=score, bbox=_sides(box))
            for image, _, _, rows in results
            for box, score, label in zip(*rows, strict=True)
        ]
        truth = {"images": images, "categories": categories, "annotations": objects}
        return coco_metrics(truth, found, self.limit)


def _sides(box: Sequence[float]) -> list[float]:
    """A box as COCO writes it."""
    x1, y1, x2, y2 = box
    return [x1, y1, x2 - x1, y2 - y1]
