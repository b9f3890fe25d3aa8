"""Segmentation on MMSegmentation: an encoder with four taps, a searched decoder, training in stages."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from mmseg.models import EncoderDecoder
from torch import Tensor, nn
from torch.nn import functional as F

from tasks.cache import digest
from tasks.optimization import Optimization
from tasks.registry import DATA, TASKS
from tasks.segmentation.augment import normalise
from tasks.segmentation.confusion import Confusion
from tasks.segmentation.data import SegmentationData
from tasks.segmentation.encoder import Encoder
from tasks.segmentation.features import Batch, Features, compute_features
from tasks.segmentation.pictures import Pictures
from tasks.segmentation.template import build, template
from tasks.stage import Cost, Outcome, Stage
from tasks.task import Task


@TASKS.register_module()
class SegmentationTask(Task):
    """Label every pixel. The model template is an `EncoderDecoder` on a MobileNetV2; a space decides its decode head.

    `data` is the config of a `SegmentationData`, `encoder` the settings of an `Encoder`. `teacher` (`model`: a part as a
    space makes it, `weights`: a file that a stage left) is what stages with `distill` learn from. `input_size` is what
    MAdds and latency refer to. Computed features are stored as `features_dtype`.

    Scores are taken at `stage.eval_size`, labels brought there by nearest neighbour; None: at each image's own size.
    Pixels labelled as ignored count nowhere (see `Confusion`). "loss" is the mean training loss of the last epoch.
    """

    primary = "mIoU"
    metrics = ("mIoU", "mAcc", "fwIoU", "aAcc", "loss")

    def __init__(
        self,
        data: dict[str, Any],
        encoder: dict[str, Any],
        cache: str,
        device: str = "cpu",
        teacher: dict[str, Any] | None = None,
        input_size: tuple[int, int] = (512, 512),
        features_dtype: str = "float32",
    ):
        super().__init__(cache, device)
        self.data: SegmentationData = DATA.build(dict(data))
        self.encoder = Encoder(self.data, Path(cache), **encoder)
        self.teacher_config, self.features_dtype = teacher, features_dtype
        self.size = (int(input_size[0]), int(input_size[1]))
        self._opened: dict[tuple[Stage, bool], tuple[Features, Cost]] = {}
        if teacher and not Path(teacher["weights"]).is_file():
            raise ValueError(f"there are no teacher weights {teacher['weights']}: give the path of a file")

    @cached_property
    def _data_print(self) -> str:
        return self.data.fingerprint()

    @cached_property
    def _teacher_print(self) -> str | None:
        if self.teacher_config is None:
            return None
        return digest([self.teacher_config["model"], Path(self.teacher_config["weights"]).read_bytes().hex()])

    def fingerprint(self) -> str:
        return digest([self._data_print, self.encoder.identity, self._teacher_print])

    def prepare(self, stages: Sequence[Stage]) -> Cost:
        self.data.check(sorted({split for stage in stages for split in (*stage.train, stage.eval)}))
        cost = self.encoder.prepare()
        made: dict[Path, Cost] = {}
        for stage in (stage for stage in stages if stage.cached):
            for training in (True, False):
                features, spent = self.features(stage, training)
                made[features.folder] = spent
        return sum(made.values(), cost)

    # The network.

    def config(self, model: dict[str, Any]) -> dict[str, Any]:
        return template(self.encoder, len(self.data.classes), model)

    def network(self, model: dict[str, Any]) -> EncoderDecoder:
        deployed = {"decode_head": {**model["decode_head"], "aux": None}}
        return build(self.config(deployed), seed=0, device=self.device).eval()

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return (3, *self.size)

    @cached_property
    def _frozen(self) -> nn.Module:
        network = build(self.encoder.config, seed=0, device=self.device)
        network.load_state_dict(self.encoder.weights())
        network.eval()  # MMSegmentation's backbones do not return themselves from it
        return network

    @cached_property
    def _teacher(self) -> EncoderDecoder | None:
        if self.teacher_config is None:
            return None
        teacher = self.network(self.teacher_config["model"])
        load(teacher, self.teacher_config["weights"])
        return teacher

    # Inputs.

    def features(self, stage: Stage, training: bool) -> tuple[Features, Cost]:
        """The frozen encoder's outputs for a stage's fixed crops, or for its scored images, and what they cost.

        Opened, and compared with the live encoder, once a process.
        """
        key = (stage, training)
        if key not in self._opened:
            self._opened[key] = self._open(stage, training)
        return self._opened[key]

    def _open(self, stage: Stage, training: bool) -> tuple[Features, Cost]:
        pictures = Pictures(self.data, stage)
        teacher = self._teacher if training and stage.distill else None
        what = ("train", "share", "size", "scale", "jitter", "copies") if training else ("eval", "eval_size")
        identity = {
            "data": self._data_print,
            "encoder": self.encoder.identity,
            "transform": {name: getattr(stage, name) for name in what},
            "teacher": self._teacher_print if teacher else None,
            "dtype": self.features_dtype,
            "version": 1,
        }
        return compute_features(
            Path(self.cache),
            identity,
            encoder=self._frozen,
            teacher=teacher,
            pictures=pictures.crops if training else pictures.all_scored,
            count=pictures.train_size if training else pictures.eval_size,
            normalise=lambda images: normalise(images, self.device),
            batch=stage.batch,
            dtype=self.features_dtype,
        )

    def batches(self, stage: Stage, seed: int, epoch: int) -> Iterator[Batch]:
        """One epoch of training batches, from the cache or from the images."""
        pictures = Pictures(self.data, stage)
        places = pictures.batches(seed, epoch)
        if stage.cached:
            features, _ = self.features(stage, training=True)
            yield from (features.batch(chosen, self.device) for chosen in places)
            return
        for chosen in places:
            views = [pictures.crop(int(place), seed, epoch) for place in chosen]
            images = normalise([image for image, _ in views], self.device)
            labels = torch.stack([torch.from_numpy(truth) for _, truth in views]).to(self.device).long()
            teacher = None
            if stage.distill and self._teacher is not None:
                with torch.no_grad():
                    teacher = self._teacher(images)
            yield Batch(images, labels, teacher)

    def scored_batches(self, stage: Stage) -> Iterator[Batch]:
        """The images to score in order; one at a time where each keeps its own size."""
        pictures = Pictures(self.data, stage)
        size = stage.batch if stage.eval_size else 1
        places = [range(first, min(first + size, pictures.eval_size)) for first in range(0, pictures.eval_size, size)]
        if stage.cached:
            features, _ = self.features(stage, training=False)
            yield from (features.batch(chosen, self.device) for chosen in places)
            return
        for chosen in places:
            views = [pictures.scored(index) for index in chosen]
            labels = torch.stack([torch.from_numpy(truth) for _, truth in views]).to(self.device)
            yield Batch(normalise([image for image, _ in views], self.device), labels)

    # Training and scoring.

    def fit(
        self, model: dict[str, Any], stage: Stage, *, seed: int, init: str | None = None, weights: str | None = None
    ) -> Outcome:
        if stage.distill and self.teacher_config is None:
            raise ValueError(f"stage {stage.name!r} distills, but the task has no teacher: give `teacher` in the task")
        head = {**model["decode_head"], "aux_weight": stage.aux}
        if not stage.aux:
            head["aux"] = None
        network = build(self.config({"decode_head": head}), seed=seed, device=self.device)
        network.backbone.load_state_dict(self.encoder.weights())
        if init is not None:
            load(network, init)
        loss, cost = self._train(network, stage, seed, weights and f"{weights}.epoch")
        metrics, scored = self._score(network, stage)
        if weights is not None:
            torch.save(network.state_dict(), f"{weights}.part")
            os.replace(f"{weights}.part", weights)
        return Outcome({**metrics, "loss": loss}, cost + scored, weights)

    def _train(self, network: EncoderDecoder, stage: Stage, seed: int, resume: str | None) -> tuple[float, Cost]:
        frozen = stage.encoder_lr is None
        steps = stage.epochs * len(Pictures(self.data, stage).batches(seed, 0))
        optimization = Optimization(stage, network.decode_head.parameters(), network.backbone.parameters(), steps)
        state = self._resume(network, optimization, stage, resume)
        first, loss, images, before = state["epoch"], state["loss"], state["images"], state["seconds"]
        started = time.perf_counter() - before
        for epoch in range(first, stage.epochs):
            network.train()
            network.backbone.train(not frozen)
            losses = []
            for batch in self.batches(stage, seed, epoch):
                losses.append((optimization.step(self._loss(network, stage, batch)), len(batch.labels)))
            seen = sum(count for _, count in losses)
            images += seen
            loss = sum(value * count for value, count in losses) / seen
            if stage.resumable and resume is not None:
                state = dict(epoch=epoch + 1, loss=loss, images=images, seconds=time.perf_counter() - started)
                weights = dict(network=network.state_dict(), optimization=optimization.state_dict())
                torch.save({**state, **weights}, f"{resume}.part")
                os.replace(f"{resume}.part", resume)
        optimization.finish()
        if stage.resumable and resume is not None:
            Path(resume).unlink(missing_ok=True)
        return loss, Cost(images, images * stage.size[0] * stage.size[1], time.perf_counter() - started)

    def _resume(
        self, network: EncoderDecoder, optimization: Optimization, stage: Stage, path: str | None
    ) -> dict[str, Any]:
        """Where a training that was killed stood after its last epoch, or where a new one stands."""
        if not stage.resumable or path is None or not Path(path).is_file():
            return dict(epoch=0, loss=0.0, images=0, seconds=0.0)
        state = torch.load(path, map_location=self.device, weights_only=True)
        network.load_state_dict(state["network"])
        optimization.load_state_dict(state["optimization"])
        return state

    def _taps(self, network: EncoderDecoder, inputs: Tensor | list[Tensor], frozen: bool) -> list[Tensor]:
        if isinstance(inputs, list):
            return inputs
        with torch.no_grad() if frozen else nullcontext():
            return list(network.backbone(inputs))

    def _loss(self, network: EncoderDecoder, stage: Stage, batch: Batch) -> Tensor:
        """Cross-entropy with the auxiliary terms, and the mean squared distance to the teacher's scores."""
        scores = network.decode_head(self._taps(network, batch.inputs, stage.encoder_lr is None))
        loss = network.decode_head.losses(scores, batch.labels)
        if stage.distill:
            assert batch.teacher is not None
            own = scores[0] if isinstance(scores, list) else scores
            own = F.interpolate(own, batch.teacher.shape[-2:], mode="bilinear", align_corners=False)
            loss = loss + stage.distill * F.mse_loss(own, batch.teacher)
        return loss

    @torch.no_grad()
    def _score(self, network: EncoderDecoder, stage: Stage) -> tuple[dict[str, float], Cost]:
        started = time.perf_counter()
        confusion, images, pixels = Confusion(len(self.data.classes)), 0, 0
        network.eval()
        for batch in self.scored_batches(stage):
            scores = network.decode_head(self._taps(network, batch.inputs, frozen=True))
            size = batch.labels.shape[-2:]
            scores = F.interpolate(scores, size, mode="bilinear", align_corners=False)
            confusion.add(batch.labels, scores.argmax(1))
            images += len(batch.labels)
            pixels += batch.labels.numel()
        return confusion.metrics(), Cost(images, pixels, time.perf_counter() - started)


def load(network: nn.Module, path: str) -> None:
    """Take from a file of weights what matches by name and shape. Raises ValueError where nothing does."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    own = network.state_dict()
    matching = {name: value for name, value in state.items() if name in own and own[name].shape == value.shape}
    if not matching:
        raise ValueError(f"{path} does not fit: none of its {len(state)} tensors is in the network")
    network.load_state_dict({**own, **matching})
