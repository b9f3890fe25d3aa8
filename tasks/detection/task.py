"""Detection on MMDetection: training in stages, COCO's twelve numbers and Pascal VOC's one."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from itertools import chain
from typing import Any

import mmdet.models  # noqa: F401 - registers the stock modules
import numpy as np
import torch
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData
from torch import Tensor, nn

from tasks.batch import Batch
from tasks.deployment import Example, as_batch, plain
from tasks.detection.data import DetectionData
from tasks.detection.deployment import Boxes
from tasks.detection.drawing import boxed, chosen
from tasks.detection.metrics import COCO_METRICS, coco_metrics, coco_names, voc_map
from tasks.detection.samples import EMPTY, DetectionSamples
from tasks.detection.templates import Detector
from tasks.detection.transforms import Transforms
from tasks.encoder_task import EncoderTask
from tasks.stage import Stage, View
from tasks.task import Parts

warnings.filterwarnings("ignore", message="torch.meshgrid")  # MMDetection's points; nothing a user can do about it
SHOWN = 0.3  # the least score of a box that is drawn
LOSSES = ("loss_cls", "loss_bbox", "loss_centerness")


class DetectionTask(EncoderTask):
    """Find objects. `data` is the config of a `DetectionData`, `template` that of a `Detector`.

    Images are scored at `eval_size`, boxes compared in the pixels of the original image. Metrics are COCO's twelve numbers
    (0 to 100, -1 where no object falls into a range), Pascal VOC's mAP at IoU 0.5 (area under the curve), and the parts of
    the loss on the scored images (those that NAS-FCOS takes as reward; a template without centerness has 0). "loss" is the
    mean training loss of the last epoch.
    """

    primary = "mAP"
    metrics = (*COCO_METRICS, "VOC_mAP", *LOSSES, "loss")
    reads = EncoderTask.reads | {"transforms"}
    Data, Template, plain = DetectionData, Detector, "FCOS"

    def __init__(self, **settings: Any):
        super().__init__(**settings)
        self.metrics = (*coco_names(self.data.limit), "VOC_mAP", *LOSSES, "loss")
        self._samples: dict[tuple[View, int], DetectionSamples] = {}

    def check(self, stages: Iterable[Stage]) -> None:
        for stage in (stages := list(stages)):
            Transforms(stage.view.transforms)
        super().check(stages)
        for stage in stages:
            if self.template.one_size:
                self._check_size(stage)
            if stage.view.transforms:
                self._try_out(stage)

    def _check_size(self, stage: Stage) -> None:
        view, size = stage.view, self.input_shape[1:]
        own = (self.data.shape(view.eval, place) for place in range(self.data.size(view.eval)))
        for seen in chain([view.size], [view.eval_size] if view.eval_size else own):
            if seen != size:
                kind = type(self.template).__name__
                raise ValueError(
                    f"stage {stage.name!r} sees images of {seen} pixels, and the anchors of {kind} are laid out for those"
                    f" of input_size, {size}: make them equal"
                )

    def _try_out(self, stage: Stage) -> None:
        """Transform the first training image, with its boxes and without. Raises ValueError where that fails."""
        samples = self.samples(stage)
        image, objects = self.data.read(*samples.order[0])
        for boxes in (objects.boxes, objects.boxes[:0]):
            try:
                samples.transforms(image, boxes, np.random.default_rng(0))
            except ValueError as error:
                raise ValueError(f"stage {stage.name!r}: {error}") from None

    def samples(self, stage: Stage) -> DetectionSamples:
        key = (stage.view, stage.recipe.batch)
        if key not in self._samples:  # they count all objects of the stage
            self._samples[key] = DetectionSamples(self.data, stage)
        return self._samples[key]

    def config(self, model: Parts) -> dict[str, Any]:
        """A network gives as many detections as count, at least."""
        config = super().config(model)
        given = config["test_cfg"]["max_per_img"]
        return {**config, "test_cfg": {**config["test_cfg"], "max_per_img": max(given, self.data.limit)}}

    def build(self, config: dict[str, Any], seed: int) -> Any:
        """As MMDetection starts a training: its heads need their own initial weights (a focal loss, a low prior)."""
        MMLogger.get_current_instance().setLevel("WARNING")  # else it tells of every tensor that it initialises
        network = super().build(config, seed)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network.init_weights()
        return network

    def forward(self, network: Any, inputs: Any) -> Any:
        return network.bbox_head(network.neck(self.taps(network, inputs)))

    def criterion(self, network: Any, stage: Stage, outputs: Any, batch: Batch) -> Tensor:
        losses = _losses(network.bbox_head, outputs, batch, stage.view.size)
        return torch.stack(list(losses.values())).sum()

    def score(self, network: Any, stage: Stage) -> dict[str, float]:
        split, head, place = stage.view.eval, network.bbox_head, 0
        totals: dict[str, float] = dict.fromkeys(LOSSES, 0.0)
        found: list[dict[str, Any]] = []
        for batch in self.scored_batches(stage):
            height, width = stage.view.eval_size or self.data.annotated(split, place).size
            self.meter.count(len(batch.truth), (height, width))
            outputs = head(network.neck(self.taps(network, batch.inputs)))
            for name, value in _losses(head, _learnt(head, outputs), batch, (height, width)).items():
                totals[name] += float(value) * len(batch.truth)
            for result in head.predict_by_feat(*outputs, batch_img_metas=_metas(len(batch.truth), (height, width))):
                original = self.data.annotated(split, place).size
                found += _coco_results(place, result, (original[1] / width, original[0] / height))
                place += 1
        losses = {name: total / place for name, total in totals.items()}
        truth = self.data.ground_truth(split)
        return {**coco_metrics(truth, found, self.data.limit), "VOC_mAP": voc_map(truth, found), **losses}

    # Taken home.

    def deployed(self, network: nn.Module) -> nn.Module:
        return Boxes(network)

    def usage(self, stage: Stage) -> dict[str, Any]:
        seen = dict(classes=self.data.classes, colours="rgb", white=255, size=stage.view.eval_size)
        return dict(task="detection", **seen, overlap=self.template.overlap, least=SHOWN)

    def example(self, network: Any, image: np.ndarray, truth: np.ndarray) -> Example:
        boxes, scores = (output[0].cpu().numpy() for output in network(as_batch(image, self.device)))
        found = chosen(boxes, scores, self.template.overlap, SHOWN)
        classes, objects = self.data.classes, truth[truth[:, 4] != EMPTY]
        pictures = dict(input=image, truth=boxed(image, objects, classes), answer=boxed(image, found, classes))
        return Example(pictures, {"found": float(len(found)), "objects": float(len(objects))})

    def stock(self, model: Parts, stage: Stage) -> dict[str, Any]:
        config = self.config(model)
        config["data_preprocessor"]["pad_size_divisor"] = 1  # images are scored as they are
        split = dict(type="DetectionSplit", data=self.data_config, view=plain(stage.view))
        evaluator = dict(type="CocoScores", limit=self.data.limit)
        return dict(scope="mmdet", model=config, train=split, test={**split, "scored": True}, evaluator=evaluator)


def _learnt(head: Any, outputs: tuple[list[Tensor], ...]) -> tuple[list[Tensor], ...]:
    """What a head in eval mode gives as its loss wants it: FCOS may learn distances in strides, and then gives pixels."""
    if not getattr(head, "norm_on_bbox", False):
        return outputs
    scores, boxes, *more = outputs
    return scores, [one / stride for one, stride in zip(boxes, head.strides, strict=True)], *more


def _losses(head: Any, outputs: Any, batch: Batch, size: tuple[int, int]) -> dict[str, Tensor]:
    """A head's losses by name, each a number, of what it made of images of `size`."""
    objects = []
    for table in batch.truth:
        table = table[table[:, 4] != EMPTY]
        objects.append(InstanceData(bboxes=table[:, :4], labels=table[:, 4].long()))
    losses = head.loss_by_feat(*outputs, objects, _metas(len(objects), size))
    return {
        name: torch.stack(value).sum() if isinstance(value, list) else value.sum() for name, value in losses.items()
    }


def _metas(count: int, size: tuple[int, int]) -> list[dict[str, Any]]:
    """What MMDetection wants to know of each image of a batch of `size`."""
    return [
        dict(img_shape=size, pad_shape=size, batch_input_shape=size, ori_shape=size, scale_factor=(1.0, 1.0))
    ] * count


def _coco_results(image: int, result: Any, factors: tuple[float, float]) -> list[dict[str, Any]]:
    """The boxes of one image's InstanceData as COCO's results, brought to the original image by (x, y) factors."""
    scale = result.bboxes.new_tensor([*factors, *factors])
    corners = (result.bboxes * scale).cpu().double().numpy()
    corners[:, 2:] -= corners[:, :2]
    rows = zip(corners.tolist(), result.scores.tolist(), result.labels.tolist(), strict=True)
    return [dict(image_id=image, category_id=label + 1, bbox=box, score=score) for box, score, label in rows]
