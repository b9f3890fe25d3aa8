"""Segmentation on MMSegmentation: an encoder with four taps, a searched decoder, training in stages."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core import did_you_mean
from tasks.decoding.deployment import Pixels
from tasks.decoding.scores import resize
from tasks.decoding.task import DecoderTask
from tasks.deployment import Example, as_batch, plain
from tasks.segmentation.data import SegmentationData
from tasks.segmentation.drawing import painted
from tasks.segmentation.metrics import IGNORE, MEANS, Confusion
from tasks.segmentation.samples import SegmentationSamples
from tasks.segmentation.scores import cross_entropy
from tasks.stage import Stage
from tasks.task import Parts


class SegmentationTask(DecoderTask):
    """Label every pixel. `data` is the config of a `SegmentationData`; networks learn by cross-entropy.

    Scores are taken at the view's `eval_size`, labels brought there by nearest neighbour; None: at each image's own size.
    Pixels labelled as ignored count nowhere (see `Confusion`). "loss" is the mean training loss of the last epoch. Where
    `background` names a class, there are "foreground_mIoU" and the like as well, the means over all others.
    """

    primary = "mIoU"
    metrics = ("mIoU", "mAcc", "fwIoU", "aAcc", "loss")
    Data = SegmentationData

    def __init__(self, *, background: str | None = None, **settings: Any):
        super().__init__(**settings)
        self.background = None
        if background is not None:
            if background not in self.data.classes:
                raise ValueError(did_you_mean("class as the background", background, self.data.classes))
            self.background = self.data.classes.index(background)
            self.metrics = (*SegmentationTask.metrics, *(f"foreground_{name}" for name in MEANS))

    def samples(self, stage: Stage) -> SegmentationSamples:
        return SegmentationSamples(self.data, stage)

    def config(self, model: Parts) -> dict[str, Any]:
        config = super().config(model)
        config["data_preprocessor"]["seg_pad_val"] = config["decode_head"]["ignore_index"] = IGNORE
        return config

    def distance(self, scores: Tensor, truth: Tensor) -> Tensor:
        return cross_entropy(scores, truth)

    def score(self, network: Any, stage: Stage) -> dict[str, float]:
        confusion = self.confusion(network, stage)
        metrics = confusion.metrics()
        if self.background is not None:
            metrics |= {f"foreground_{name}": value for name, value in confusion.means(self.background).items()}
        return metrics

    def confusion(self, network: Any, stage: Stage) -> Confusion:
        """Which classes a network takes for which on the stage's scored images."""
        confusion = Confusion(len(self.data.classes))
        for batch in self.scored_batches(stage):
            size = batch.truth.shape[-2:]
            self.meter.count(len(batch.truth), size)
            own = self.forward(network, batch.inputs)[0]
            confusion.add(batch.truth.long(), resize(own, size).argmax(1))
        return confusion

    # Taken home.

    def deployed(self, network: nn.Module) -> nn.Module:
        return Pixels(network)

    def usage(self, stage: Stage) -> dict[str, Any]:
        seen = dict(classes=self.data.classes, colours="rgb", white=255, size=stage.view.eval_size)
        return dict(task="segmentation", **seen)

    def example(self, network: Any, image: np.ndarray, truth: np.ndarray) -> Example:
        found = network(as_batch(image, self.device))[0].argmax(0).cpu()
        confusion = Confusion(len(self.data.classes))
        confusion.add(torch.from_numpy(truth).long(), found)
        pictures = dict(input=image, truth=painted(image, truth), answer=painted(image, found.numpy()))
        return Example(pictures, {"mIoU": confusion.means()["mIoU"]})

    def stock(self, model: Parts, stage: Stage) -> dict[str, Any]:
        config = self.config(self.without_aux(model))
        config["data_preprocessor"]["size"] = stage.view.size
        config["decode_head"]["loss_decode"] = dict(type="mmseg.CrossEntropyLoss", avg_non_ignore=True)
        split = dict(type="SegmentationSplit", data=self.data_config, view=plain(stage.view))
        evaluator = dict(type="mmseg.IoUMetric", iou_metrics=["mIoU"])
        return dict(scope="mmseg", model=config, train=split, test={**split, "scored": True}, evaluator=evaluator)
