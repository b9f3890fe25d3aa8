"""A task whose networks share an encoder: what all tasks on real images but restoration have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from core import Inherit, content_key, matching
from tasks.augment import normalise
from tasks.batch import Batch
from tasks.cache import cached
from tasks.cost import Cost
from tasks.deployment import Deployable, whole
from tasks.encoder import Encoder
from tasks.features import TOLERANCE, Features, Source
from tasks.looks import looks_kept_in
from tasks.registry import DATA, TEMPLATES
from tasks.stage import Stage, magnified
from tasks.task import Parts, Start
from tasks.templates import Template
from tasks.trainable import Trainable, build_network
from tasks.weights import take_over

if TYPE_CHECKING:
    from tasks.trainable import Groups

TRAINING = (
    "train",
    "share",
    "half",
    "size",
    "scale",
    "mirror",
    "jitter",
    "hsv",
    "copies",
    "transforms",
)  # what of a view decides the crops
SCORING = ("eval", "eval_size")
OF_STAGES = ("resolution", "view", "recipe")  # what a space may decide beside parts of the network


@dataclass(frozen=True)
class EncoderOptions:
    """`cached` reads a frozen encoder's outputs from disk instead of running it; needs `copies` and no `encoder_lr`."""

    cached: bool = False


class EncoderTask(Trainable, Deployable):
    """Trains what is searched on an encoder that all candidates share: live, or its outputs read from disk.

    `data` is the config of data in `DATA`, `encoder` an `EncoderSettings`, `template` the config of a template in `TEMPLATES`
    (without a type, `plain`), `input_size` (height, width) what MAdds and latency refer to. Computed features are stored as
    `features_dtype`. Where a space decides the backbone itself, a candidate takes over the encoder's weights as the space
    says, trains all of itself, and cannot use cached features. A part "resolution" is a number that the sides of its images are
    multiplied with, in all stages and in `input_size`; parts "view" and "recipe" are settings of these in place of the stages'.
    """

    reads = Trainable.reads | {"eval_size", "mirror", "jitter", "hsv", "encoder_lr", "encoder"}
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
        workers: int | None = None,
    ):
        height, width = input_size
        with looks_kept_in(cache):
            images = self.built(DATA, data, self.Data)
        super().__init__(images, cache, device, (3, height, width), workers)
        self.template: Any = self.built(TEMPLATES, {"type": self.plain, **(template or {})}, self.Template)
        if features_dtype not in TOLERANCE:
            raise ValueError(f"features_dtype must be one of {', '.join(TOLERANCE)}, not {features_dtype!r}")
        self.encoder = Encoder(self.data, Path(cache), self.meter, self.template.taps, encoder)
        self.features_dtype, self.data_config = features_dtype, dict(data)
        self._opened: dict[str, tuple[Features, Cost]] = {}

    def trained(self, model: Parts, stage: Stage) -> Parts:
        if "backbone" in model and self.options(stage).cached:
            raise ValueError(
                f"stage {stage.name!r} reads cached features, but the backbone itself is searched: take `cached` away"
            )
        self.seen(model, stage)
        return model

    def teacher(self, stage: Stage) -> nn.Module | None:
        """The network whose scores this stage learns from, too."""
        return None

    @cached_property
    def teacher_print(self) -> str | None:
        """A hash of that network."""
        return None

    def seen(self, model: Parts, stage: Stage) -> Stage:
        try:
            stage = stage.decided(model.get("view", {}), model.get("recipe", {}))
        except ValueError as error:
            raise ValueError(f"stage {stage.name!r} with what its network decides: {error}") from None
        factor = model.get("resolution", 1.0)
        if factor == 1:
            return stage
        if self.options(stage).cached:
            raise ValueError(
                f"stage {stage.name!r} reads cached features, but the resolution is searched: take `cached` away"
            )
        try:
            return replace(stage, view=stage.view.magnified(factor))
        except ValueError as error:
            raise ValueError(f"stage {stage.name!r}: {error}") from None

    def shape(self, model: Parts) -> tuple[int, int, int]:
        channels, *sides = self.input_shape
        return channels, *magnified((sides[0], sides[1]), model.get("resolution", 1.0))

    # Data, and what all trials share.

    def fingerprint(self, *others: str) -> str:
        return content_key([self.data_print(*others), self.encoder.identity, self.teacher_print])

    def check(self, stages: Iterable[Stage]) -> None:
        for stage in (stages := list(stages)):
            if self.options(stage).cached and (stage.recipe.trains_encoder or not stage.view.copies):
                need = "cached features need a frozen encoder (no encoder_lr) and copies of at least 1"
                raise ValueError(f"stage {stage.name!r}: {need}")
        super().check(stages)
        for stage in stages:
            if self.options(stage).cached and stage.view.eval_size is None:
                split = stage.view.eval
                if len({self.data.shape(split, index) for index in range(self.data.size(split))}) > 1:
                    sizes = f"reads cached features, but the images of split {split!r} are not of one size"
                    raise ValueError(f"stage {stage.name!r} {sizes}: give it an eval_size, or take `cached` away")
            if stage.recipe.epochs and max(map(len, self.samples(stage).batches(0, 0)), default=2) < 2:
                alone = "has batches of one crop, which batch norms cannot learn from"
                raise ValueError(
                    f"stage {stage.name!r} {alone}: give it a batch of 2 or more, and two images or copies"
                )

    def prepare(self, stages: Sequence[Stage]) -> Cost:
        super().prepare(stages)
        cost = self.encoder.prepare()
        reading = [stage for stage in stages if self.options(stage).cached]
        made = [self.features(stage, training) for stage in reading for training in (True, False)]
        return sum({features.folder: spent for features, spent in made}.values(), cost)

    @cached_property
    def _frozen(self) -> nn.Module:
        network = build_network(self.encoder.config, seed=0, device=self.device)
        network.load_state_dict(self.encoder.weights())
        network.eval()  # OpenMMLab's backbones do not return themselves from it
        return network

    def features(self, stage: Stage, training: bool) -> tuple[Features, Cost]:
        """The frozen encoder's outputs for a stage's fixed crops, or for its scored images, and what they cost.

        Opened once a process, and then compared with the live encoder: what differs is computed anew. Raises ValueError where
        that differs as well.
        """
        teacher = self.teacher(stage) if training else None
        names = (*TRAINING, *self.samples(stage).learns_by) if training else SCORING
        identity = {
            "task": type(self).__name__,  # another one has another truth for the same images
            "data": self.data_print(*(stage.view.train if training else (stage.view.eval,))),
            "encoder": self.encoder.identity,
            "transform": {name: getattr(stage.view, name) for name in names},
            "teacher": self.teacher_print if teacher else None,
            "dtype": self.features_dtype,
            "version": 4,
        }
        key = content_key(identity)
        if key not in self._opened:
            origin = self.samples(stage), training, self.batch, self._frozen, teacher
            source = Source(*origin, self.features_dtype, self.meter)
            made = cached(Path(self.cache), "features", identity, source.compute, self.meter, source.flaw)
            self._opened[key] = Features(made[0]), made[1]
        return self._opened[key]

    def on_device(self, images: Tensor, truths: Tensor) -> Batch:
        return Batch(normalise(images, self.device), truths.to(self.device, non_blocking=True))

    def batches(self, stage: Stage, seed: int, epoch: int, epochs: int = 1) -> Iterator[Batch]:
        if not self.options(stage).cached:
            return super().batches(stage, seed, epoch, epochs)
        features = self.features(stage, training=True)[0]
        places = self.samples(stage).places(seed, epoch, epochs)
        return (features.batch(chosen, self.device) for chosen, _ in places)

    def scored_batches(self, stage: Stage) -> Iterator[Batch]:
        if not self.options(stage).cached:
            return super().scored_batches(stage)
        features = self.features(stage, training=False)[0]
        return (features.batch(chosen, self.device) for chosen in self.samples(stage).scored_batches())

    # The network.

    @property
    def outputs(self) -> int:
        """How many numbers a network gives of each place: one a class, where a task says nothing else."""
        return len(self.data.classes)

    def config(self, model: Parts) -> dict[str, Any]:
        parts = {slot: part for slot, part in model.items() if slot not in OF_STAGES}
        return self.template.config(parts, self.encoder.config, self.outputs, self.shape(model)[1:])

    def build(self, config: dict[str, Any], seed: int) -> Any:
        """A network with weights drawn from `seed`, as a training starts."""
        return build_network(config, seed, self.device)

    def begin(self, model: Parts, stage: Stage, seed: int, adopt: Inherit = matching) -> Any:
        searched = "backbone" in model
        network = self.build(self.config(self.trained(model, stage)), seed)
        if not searched:
            network.backbone.load_state_dict(self.encoder.weights())
            if not stage.recipe.trains_encoder:
                network.backbone.requires_grad_(False)
        elif self.encoder.has_weights:
            weights = {f"backbone.{name}": value for name, value in self.encoder.weights().items()}
            take_over(network, weights, Start("the encoder", adopt))
        return network

    def finished(self, model: Parts, weights: Mapping[str, Tensor]) -> nn.Module:
        shared = {} if "backbone" in model else self.encoder.weights()
        return whole(self.network(model), {**{f"backbone.{name}": value for name, value in shared.items()}, **weights})

    def groups(self, network: Any, stage: Stage) -> Groups:
        own = [weight for weight in network.backbone.parameters() if weight.requires_grad]
        encoder = own if stage.recipe.trains_encoder else []
        known = set(encoder)
        searched = [weight for weight in network.parameters() if weight.requires_grad and weight not in known]
        return searched, encoder, None if own else network.backbone

    def taps(self, network: Any, inputs: Tensor | list[Tensor]) -> list[Tensor]:
        """The encoder's outputs: computed from images, or as they came from the cache."""
        return inputs if isinstance(inputs, list) else list(network.backbone(inputs))
