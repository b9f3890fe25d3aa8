"""Segmentation on MMSegmentation: an encoder with four taps, a searched decoder, training in stages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core import content_key, parse
from tasks.batch import Batch
from tasks.encoder_task import EncoderOptions, EncoderTask
from tasks.segmentation.data import SegmentationData
from tasks.segmentation.metrics import IGNORE, Confusion
from tasks.segmentation.samples import SegmentationSamples
from tasks.segmentation.templates import EncoderDecoder
from tasks.stage import Stage
from tasks.task import Parts, Start
from tasks.templates import takes
from tasks.weights import load, take_over


@dataclass(frozen=True)
class SegmentationOptions(EncoderOptions):
    """`distill` is the weight of the squared distance to the teacher's scores, `aux` that of auxiliary classifiers."""

    distill: float = 0.0
    aux: float = 0.0

    def __post_init__(self) -> None:
        if self.distill < 0 or self.aux < 0:
            raise ValueError(f"distill and aux must not be negative, not {self.distill} and {self.aux}")


@dataclass(frozen=True)
class Teacher:
    """A network that another one learns from: the parts of its model, and a file of weights that a stage left."""

    model: Mapping[str, Any]
    weights: str


class SegmentationTask(EncoderTask):
    """Label every pixel.

    `data` is the config of a `SegmentationData`, `teacher` a `Teacher`, which stages with `distill` learn from; the other
    settings are an `EncoderTask`'s.

    Scores are taken at the view's `eval_size`, labels brought there by nearest neighbour; None: at each image's own size.
    Pixels labelled as ignored count nowhere (see `Confusion`). "loss" is the mean training loss of the last epoch.
    """

    primary = "mIoU"
    metrics = ("mIoU", "mAcc", "fwIoU", "aAcc", "loss")
    Options = SegmentationOptions
    Data = SegmentationData
    Template = EncoderDecoder
    plain = "EncoderDecoder"

    def __init__(self, *, teacher: Mapping[str, Any] | None = None, **settings: Any):
        super().__init__(**settings)
        self._teaching = None if teacher is None else parse(Teacher, teacher, "the teacher")
        if self._teaching and not Path(self._teaching.weights).is_file():
            raise ValueError(f"there are no teacher weights {self._teaching.weights}: give the path of a file")

    def samples(self, stage: Stage) -> SegmentationSamples:
        return SegmentationSamples(self.data, stage)

    def check(self, stages: Iterable[Stage]) -> None:
        super().check(stages := list(stages))
        for stage in stages:
            if self.options(stage).distill and self._teaching is None:
                raise ValueError(f"stage {stage.name!r} distills, but the task has no teacher: set its distill to 0")

    def batches(self, stage: Stage, seed: int, epoch: int) -> Iterator[Batch]:
        teacher = self.teacher(stage)
        for batch in super().batches(stage, seed, epoch):
            if teacher is not None and batch.teacher is None:  # the scores of cached crops are cached, too
                self.meter.count(len(batch.truth), stage.view.size)
                with torch.no_grad():
                    batch = replace(batch, teacher=teacher(batch.inputs))
            yield batch

    # The network.

    def network(self, model: Parts) -> nn.Module:
        return super().network(self._without_aux(model))

    def trained(self, model: Parts, stage: Stage) -> Parts:
        model = super().trained(model, stage)
        if not self.options(stage).aux:
            return self._without_aux(model)
        decoder = self._decoder(model)
        if not decoder.get("aux"):
            missing = f"{decoder['type']} has no auxiliary classifiers"
            raise ValueError(f"stage {stage.name!r} sets aux, but {missing}: set aux to 0")
        return model

    def _decoder(self, model: Parts) -> Mapping[str, Any]:
        return model.get("decoder", self.template.decoder)

    def _without_aux(self, model: Parts) -> Parts:
        """The parts without classifiers that only serve in training."""
        decoder = self._decoder(model)
        return {**model, "decoder": {**decoder, "aux": None}} if takes(decoder, "aux") else model

    @cached_property
    def _teacher(self) -> Any:
        assert self._teaching is not None
        network: Any = self.network(self._teaching.model)
        if "backbone" not in self._teaching.model:
            network.backbone.load_state_dict(self.encoder.weights())
        take_over(network, load(self._teaching.weights), Start(self._teaching.weights))
        return network

    def teacher(self, stage: Stage) -> nn.Module | None:
        return self._teacher if self.options(stage).distill else None

    @cached_property
    def teacher_print(self) -> str | None:
        if self._teaching is None:
            return None
        return content_key([self._teaching.model, sha256(Path(self._teaching.weights).read_bytes()).hexdigest()])

    # Training and scoring.

    def batch_loss(self, network: Any, stage: Stage, batch: Batch) -> Tensor:
        """Cross-entropy with the auxiliary terms, and the mean squared distance to the teacher's scores.

        A head's own scores are brought to the labels' size; for the auxiliary ones, which weigh less and cost as much, the
        labels are brought to theirs by nearest neighbour.
        """
        options, labels = self.options(stage), batch.truth.long()
        scores = network.decode_head(self.taps(network, batch.inputs))
        own, *auxiliary = scores if isinstance(scores, list) else [scores]
        loss = cross_entropy(resize(own, labels.shape[-2:]), labels)
        for x in auxiliary:
            small = F.interpolate(labels[:, None].float(), x.shape[-2:], mode="nearest")[:, 0].long()
            loss = loss + options.aux * cross_entropy(x, small)
        if options.distill:
            assert batch.teacher is not None
            loss = loss + options.distill * F.mse_loss(resize(own, batch.teacher.shape[-2:]), batch.teacher)
        return loss

    def score(self, network: Any, stage: Stage) -> dict[str, float]:
        confusion = Confusion(len(self.data.classes))
        for batch in self.scored_batches(stage):
            size = batch.truth.shape[-2:]
            self.meter.count(len(batch.truth), size)
            scores = resize(network.decode_head(self.taps(network, batch.inputs)), size)
            confusion.add(batch.truth.long(), scores.argmax(1))
        return confusion.metrics()


def resize(scores: Tensor, size: torch.Size) -> Tensor:
    """Bilinear, corners not aligned, and nothing to do where the size is right."""
    if scores.shape[-2:] == size:
        return scores
    return F.interpolate(scores, size, mode="bilinear", align_corners=False)


def cross_entropy(scores: Tensor, labels: Tensor) -> Tensor:
    """The mean over the pixels that count; 0 where none does."""
    if (labels == IGNORE).all():
        return scores.sum() * 0.0
    return F.cross_entropy(scores.contiguous(), labels, ignore_index=IGNORE)
