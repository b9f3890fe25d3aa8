"""A task whose networks share an encoder: what segmentation and detection have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tasks.augment import normalise
from tasks.cache import digest
from tasks.encoder import Encoder
from tasks.features import Batch, Features, compute_features
from tasks.registry import DATA
from tasks.stage import Cost, Stage
from tasks.trainable import Parameters, Trainable, build_network
from tasks.training import load, take


class EncoderTask(Trainable):
    """Trains what is searched on an encoder that all candidates share: live, or its outputs read from disk.

    `data` is the config of data in `DATA`, `encoder` the settings of an `Encoder`, `input_size` (height, width) what MAdds
    and latency refer to. Computed features are stored as `features_dtype`. A space may decide the backbone itself
    (`{"backbone": ...}` in its part of the model); such a candidate takes from the encoder's weights what fits by name and
    shape, trains all of itself, and cannot use cached features.
    """

    Data: type  # what `data` must describe

    def __init__(
        self,
        data: dict[str, Any],
        encoder: dict[str, Any],
        cache: str,
        device: str = "cpu",
        input_size: tuple[int, int] = (512, 512),
        features_dtype: str = "float32",
    ):
        super().__init__(cache, device)
        self.data: Any = DATA.build(dict(data))
        if not isinstance(self.data, self.Data):
            raise ValueError(
                f"{type(self.data).__name__} is no data for {type(self).__name__}: use a {self.Data.__name__}"
            )
        self.encoder = Encoder(self.data, Path(cache), **encoder)
        self.features_dtype = features_dtype
        self.size = (int(input_size[0]), int(input_size[1]))
        self._opened: dict[tuple[Stage, bool], tuple[Features, Cost]] = {}

    # What a task adds.

    def trained(self, model: dict[str, Any], stage: Stage) -> dict[str, Any]:
        """A space's part of the model as this stage trains it."""
        return model

    @cached_property
    def teacher(self) -> nn.Module | None:
        """What stages with `distill` learn from; None: such a stage is refused."""
        return None

    @cached_property
    def teacher_print(self) -> str | None:
        return None

    # Data and what all trials share.

    @cached_property
    def _data_print(self) -> str:
        return self.data.fingerprint()

    def fingerprint(self) -> str:
        return digest([self._data_print, self.encoder.identity, self.teacher_print])

    def prepare(self, stages: Sequence[Stage]) -> Cost:
        self.data.check(sorted({split for stage in stages for split in (*stage.train, stage.eval)}))
        for stage in stages:
            if stage.distill and self.teacher is None:
                raise ValueError(f"stage {stage.name!r} distills, but the task has no teacher: set its distill to 0")
            if stage.bfloat16:  # measured on decoders: hardly faster, and losses became worse or not finite
                raise ValueError(f"stage {stage.name!r} sets bfloat16, which only restoration trains in: leave it out")
        cost = self.encoder.prepare()
        made: dict[Path, Cost] = {}
        for stage in (stage for stage in stages if stage.cached):
            for training in (True, False):
                features, spent = self.features(stage, training)
                made[features.folder] = spent
        return sum(made.values(), cost)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return (3, *self.size)

    @cached_property
    def _frozen(self) -> nn.Module:
        network = build_network(self.encoder.config, seed=0, device=self.device)
        network.load_state_dict(self.encoder.weights())
        network.eval()  # OpenMMLab's backbones do not return themselves from it
        return network

    def features(self, stage: Stage, training: bool) -> tuple[Features, Cost]:
        """The frozen encoder's outputs for a stage's fixed crops, or for its scored images, and what they cost.

        Opened, and compared with the live encoder, once a process.
        """
        key = (stage, training)
        if key not in self._opened:
            self._opened[key] = self._open(stage, training)
        return self._opened[key]

    def _open(self, stage: Stage, training: bool) -> tuple[Features, Cost]:
        pictures = self.pictures(stage)
        teacher = self.teacher if training and stage.distill else None
        what = ("train", "share", "half", "size", "scale", "jitter", "copies") if training else ("eval", "eval_size")
        identity = {
            "task": type(self).__name__,  # another one has another truth for the same images
            "data": self._data_print,
            "encoder": self.encoder.identity,
            "transform": {name: getattr(stage, name) for name in what},
            "batch": stage.batch,
            "teacher": self.teacher_print if teacher else None,
            "dtype": self.features_dtype,
            "version": 2,
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

    # Batches.

    def batches(self, stage: Stage, seed: int, epoch: int) -> Iterator[Batch]:
        """One epoch of training batches, from the cache or from the images."""
        pictures = self.pictures(stage)
        for chosen in pictures.batches(seed, epoch):
            if stage.cached:
                yield self.features(stage, training=True)[0].batch(chosen, self.device)
                continue
            batch = self._live([pictures.crop(int(place), seed, epoch) for place in chosen])
            if stage.distill and self.teacher is not None:
                with torch.no_grad():
                    batch = Batch(batch.inputs, batch.truth, self.teacher(batch.inputs))
            yield batch

    def scored_batches(self, stage: Stage) -> Iterator[Batch]:
        """The images to score in order; one at a time where each keeps its own size."""
        pictures = self.pictures(stage)
        for chosen in pictures.scored_batches():
            if stage.cached:
                yield self.features(stage, training=False)[0].batch(chosen, self.device)
            else:
                yield self._live([pictures.scored(index) for index in chosen])

    def _live(self, views: list[tuple[np.ndarray, np.ndarray]]) -> Batch:
        truth = torch.from_numpy(np.stack([truth for _, truth in views])).to(self.device)
        return Batch(normalise([image for image, _ in views], self.device), truth)

    # Training.

    def begin(self, model: dict[str, Any], stage: Stage, seed: int, init: str | None = None) -> Any:
        searched = "backbone" in model
        if searched and stage.cached:
            raise ValueError(f"stage {stage.name!r} reads cached features, but the backbone itself is searched")
        network = self.build(self.config(self.trained(model, stage)), seed)
        if not searched:
            network.backbone.load_state_dict(self.encoder.weights())
            if stage.encoder_lr is None:
                network.backbone.requires_grad_(False)
        elif self.encoder.trained:
            take(network.backbone, self.encoder.weights(), "the encoder")
        if init is not None:
            load(network, init)
        return network

    def parts(self, network: Any, stage: Stage) -> tuple[Parameters, Parameters, nn.Module | None]:
        own = [weight for weight in network.backbone.parameters() if weight.requires_grad]
        encoder = own if stage.encoder_lr is not None else []
        known = set(encoder)
        searched = [weight for weight in network.parameters() if weight.requires_grad and weight not in known]
        return searched, encoder, None if own else network.backbone

    def build(self, config: dict[str, Any], seed: int) -> Any:
        """A network with weights drawn from `seed`, as a training starts."""
        return build_network(config, seed, self.device)

    def taps(self, network: Any, inputs: Tensor | list[Tensor]) -> list[Tensor]:
        """The encoder's outputs: computed from images, or as they came from the cache."""
        return inputs if isinstance(inputs, list) else list(network.backbone(inputs))
