"""A task whose networks share an encoder: what segmentation and detection have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from core import Inherit, build, content_key, matching
from tasks.augment import normalise
from tasks.batch import Batch
from tasks.cost import Cost
from tasks.encoder import Encoder
from tasks.features import TOLERANCE, Features, Source
from tasks.registry import DATA, TEMPLATES
from tasks.stage import Stage
from tasks.task import Parts, Start
from tasks.templates import Template
from tasks.trainable import Trainable, build_network
from tasks.weights import take_over

if TYPE_CHECKING:
    from tasks.trainable import Groups

TRAINING = ("train", "share", "half", "size", "scale", "jitter", "copies")  # what of a view decides the crops
SCORING = ("eval", "eval_size")


@dataclass(frozen=True)
class EncoderOptions:
    """`cached` reads a frozen encoder's outputs from disk instead of running it; needs `copies` and no `encoder_lr`."""

    cached: bool = False


class EncoderTask(Trainable):
    """Trains what is searched on an encoder that all candidates share: live, or its outputs read from disk.

    `data` is the config of data in `DATA`, `encoder` an `EncoderSettings`, `template` the config of a template in `TEMPLATES`
    (without a type, `plain`), `input_size` (height, width) what MAdds and latency refer to. Computed features are stored as
    `features_dtype`. Where a space decides the backbone itself, a candidate takes over the encoder's weights as the space
    says, trains all of itself, and cannot use cached features.
    """

    reads = Trainable.reads | {"eval_size", "jitter", "encoder_lr"}
    Options: type = EncoderOptions
    Data: type  # what `data` must describe
    Template: type = Template  # and `template`
    plain: str

    def __init__(
        self,
        data: Mapping[str, Any],
        encoder: Mapping[str, Any],
        cache: str,
        device: str = "cpu",
        input_size: tuple[int, int] = (512, 512),
        features_dtype: str = "float32",
        template: Mapping[str, Any] | None = None,
    ):
        super().__init__(cache, device)
        self.data: Any = build(DATA, data)
        self.template: Any = build(TEMPLATES, {"type": self.plain, **(template or {})})
        for made, kind, what in ((self.data, self.Data, "data"), (self.template, self.Template, "template")):
            if not isinstance(made, kind):
                is_none = f"{type(made).__name__} is no {what} for {type(self).__name__}"
                raise ValueError(f"{is_none}: use a {kind.__name__}")
        if features_dtype not in TOLERANCE:
            raise ValueError(f"features_dtype must be one of {', '.join(TOLERANCE)}, not {features_dtype!r}")
        self.encoder = Encoder(self.data, Path(cache), self.meter, self.template.taps, encoder)
        self.features_dtype = features_dtype
        self.size = (int(input_size[0]), int(input_size[1]))
        self._opened: dict[str, tuple[Features, Cost]] = {}

    # What a task adds.

    def trained(self, model: Parts, stage: Stage) -> Parts:
        """The parts of a model as this stage trains them."""
        return model

    def teacher(self, stage: Stage) -> nn.Module | None:
        """A network whose scores a stage learns from, too."""
        return None

    @cached_property
    def teacher_print(self) -> str | None:
        """A hash of that network."""
        return None

    # Data and what all trials share.

    @cached_property
    def _data_print(self) -> str:
        return self.data.fingerprint()

    def fingerprint(self) -> str:
        return content_key([self._data_print, self.encoder.identity, self.teacher_print])

    def check(self, stages: Iterable[Stage]) -> None:
        for stage in (stages := list(stages)):
            if self.options(stage).cached and (stage.recipe.encoder_lr is not None or not stage.view.copies):
                need = "cached features need a frozen encoder (no encoder_lr) and copies of at least 1"
                raise ValueError(f"stage {stage.name!r}: {need}")
        super().check(stages)

    def prepare(self, stages: Sequence[Stage]) -> Cost:
        self.check(stages)
        self.data.check(sorted({split for stage in stages for split in (*stage.view.train, stage.view.eval)}))
        cost = self.encoder.prepare()
        made: dict[Path, Cost] = {}
        for stage in (stage for stage in stages if self.options(stage).cached):
            for training in (True, False):
                features, spent = self.features(stage, training)
                made[features.folder] = spent
        return sum(made.values(), cost)

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
        teacher = self.teacher(stage) if training else None
        identity = {
            "task": type(self).__name__,  # another one has another truth for the same images
            "data": self._data_print,
            "encoder": self.encoder.identity,
            "transform": {name: getattr(stage.view, name) for name in (TRAINING if training else SCORING)},
            "teacher": self.teacher_print if teacher else None,
            "dtype": self.features_dtype,
            "version": 3,
        }
        key = content_key(identity)
        if key not in self._opened:
            origin = self.samples(stage), training, self._frozen, teacher
            source = Source(*origin, self.device, self.features_dtype, self.meter)
            self._opened[key] = source.features(Path(self.cache), identity)
        return self._opened[key]

    # Batches.

    def batches(self, stage: Stage, seed: int, epoch: int) -> Iterator[Batch]:
        """One epoch of training batches, from the cache or from the images."""
        samples, features, teacher = self.samples(stage), self._stored(stage, training=True), self.teacher(stage)
        for chosen in samples.batches(seed, epoch):
            if features is not None:
                yield features.batch(chosen, self.device)
                continue
            batch = self._live([samples.crop(int(place), seed, epoch) for place in chosen])
            if teacher is not None:
                self.meter.count(len(chosen), stage.view.size)
                with torch.no_grad():
                    batch = Batch(batch.inputs, batch.truth, teacher(batch.inputs))
            yield batch

    def scored_batches(self, stage: Stage) -> Iterator[Batch]:
        """The images to score in order; one at a time where each keeps its own size."""
        samples, features = self.samples(stage), self._stored(stage, training=False)
        for chosen in samples.scored_batches():
            if features is not None:
                yield features.batch(chosen, self.device)
            else:
                yield self._live([samples.scored(index) for index in chosen])

    def _stored(self, stage: Stage, training: bool) -> Features | None:
        return self.features(stage, training)[0] if self.options(stage).cached else None

    def _live(self, views: list[tuple[np.ndarray, np.ndarray]]) -> Batch:
        truth = torch.from_numpy(np.stack([truth for _, truth in views])).to(self.device)
        return Batch(normalise([image for image, _ in views], self.device), truth)

    # The network.

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return (3, *self.size)

    def config(self, model: Parts) -> dict[str, Any]:
        return self.template.config(model, self.encoder.config, len(self.data.classes), self.size)

    def network(self, model: Parts) -> nn.Module:
        return build_network(self.config(model), seed=0, device=self.device).eval()

    def build(self, config: dict[str, Any], seed: int) -> Any:
        """A network with weights drawn from `seed`, as a training starts."""
        return build_network(config, seed, self.device)

    def fresh(self, model: Parts, stage: Stage, seed: int, adopt: Inherit = matching) -> Any:
        searched = "backbone" in model
        if searched and self.options(stage).cached:
            raise ValueError(
                f"stage {stage.name!r} reads cached features, but the backbone itself is searched: take `cached` away"
            )
        network = self.build(self.config(self.trained(model, stage)), seed)
        if not searched:
            network.backbone.load_state_dict(self.encoder.weights())
            if stage.recipe.encoder_lr is None:
                network.backbone.requires_grad_(False)
        elif self.encoder.has_weights:
            weights = {f"backbone.{name}": value for name, value in self.encoder.weights().items()}
            take_over(network, weights, Start("the encoder", adopt))
        return network

    def groups(self, network: Any, stage: Stage) -> Groups:
        own = [weight for weight in network.backbone.parameters() if weight.requires_grad]
        encoder = own if stage.recipe.encoder_lr is not None else []
        known = set(encoder)
        searched = [weight for weight in network.parameters() if weight.requires_grad and weight not in known]
        return searched, encoder, None if own else network.backbone

    def taps(self, network: Any, inputs: Tensor | list[Tensor]) -> list[Tensor]:
        """The encoder's outputs: computed from images, or as they came from the cache."""
        return inputs if isinstance(inputs, list) else list(network.backbone(inputs))
