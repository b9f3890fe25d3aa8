"""Segmentation on MMSegmentation: an encoder with four taps, a searched decoder, training in stages."""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path
from typing import Any

from mmseg.models import EncoderDecoder
from torch import Tensor
from torch.nn import functional as F

from tasks.cache import digest
from tasks.encoder_task import EncoderTask
from tasks.features import Batch
from tasks.registry import TASKS
from tasks.segmentation.confusion import Confusion
from tasks.segmentation.data import SegmentationData
from tasks.segmentation.pictures import SegmentationPictures
from tasks.segmentation.template import template
from tasks.stage import Cost, Stage
from tasks.trainable import build_network
from tasks.training import load


@TASKS.register_module()
class SegmentationTask(EncoderTask):
    """Label every pixel. The model template is an `EncoderDecoder`; a space decides its decode head.

    `data` is the config of a `SegmentationData`; the other settings are an `EncoderTask`'s. `teacher` (`model`: a part as a
    space makes it, `weights`: a file that a stage left) is what stages with `distill` learn from.

    Scores are taken at `stage.eval_size`, labels brought there by nearest neighbour; None: at each image's own size.
    Pixels labelled as ignored count nowhere (see `Confusion`). "loss" is the mean training loss of the last epoch.
    """

    primary = "mIoU"
    metrics = ("mIoU", "mAcc", "fwIoU", "aAcc", "loss")
    Data = SegmentationData

    def __init__(self, *, teacher: dict[str, Any] | None = None, **settings: Any):
        super().__init__(**settings)
        self.teacher_config = teacher
        if teacher and not Path(teacher["weights"]).is_file():
            raise ValueError(f"there are no teacher weights {teacher['weights']}: give the path of a file")

    def pictures(self, stage: Stage) -> SegmentationPictures:
        return SegmentationPictures(self.data, stage)

    # The network.

    def config(self, model: dict[str, Any]) -> dict[str, Any]:
        return template(self.encoder, len(self.data.classes), model)

    def network(self, model: dict[str, Any]) -> EncoderDecoder:
        deployed = {"decode_head": {**model["decode_head"], "aux": None}}
        return build_network(self.config(deployed), seed=0, device=self.device).eval()

    def trained(self, model: dict[str, Any], stage: Stage) -> dict[str, Any]:
        head = {**model["decode_head"], "aux_weight": stage.aux}
        if not stage.aux:
            head["aux"] = None
        return {**model, "decode_head": head}

    @cached_property
    def teacher(self) -> EncoderDecoder | None:
        if self.teacher_config is None:
            return None
        teacher = self.network(self.teacher_config["model"])
        load(teacher, self.teacher_config["weights"])
        return teacher

    @cached_property
    def teacher_print(self) -> str | None:
        if self.teacher_config is None:
            return None
        return digest([self.teacher_config["model"], Path(self.teacher_config["weights"]).read_bytes().hex()])

    # Training and scoring.

    def loss(self, network: EncoderDecoder, stage: Stage, batch: Batch) -> Tensor:
        """Cross-entropy with the auxiliary terms, and the mean squared distance to the teacher's scores."""
        scores = network.decode_head(self.taps(network, batch.inputs))
        loss = network.decode_head.losses(scores, batch.truth.long())
        if stage.distill:
            assert batch.teacher is not None
            own = scores[0] if isinstance(scores, list) else scores
            own = F.interpolate(own, batch.teacher.shape[-2:], mode="bilinear", align_corners=False)
            loss = loss + stage.distill * F.mse_loss(own, batch.teacher)
        return loss

    def score(self, network: EncoderDecoder, stage: Stage) -> tuple[dict[str, float], Cost]:
        started = time.perf_counter()
        confusion, images, pixels = Confusion(len(self.data.classes)), 0, 0
        for batch in self.scored_batches(stage):
            scores = network.decode_head(self.taps(network, batch.inputs))
            size = batch.truth.shape[-2:]
            scores = F.interpolate(scores, size, mode="bilinear", align_corners=False)
            confusion.add(batch.truth.long(), scores.argmax(1))
            images += len(batch.truth)
            pixels += batch.truth.numel()
        return confusion.metrics(), Cost(images, pixels, time.perf_counter() - started)
