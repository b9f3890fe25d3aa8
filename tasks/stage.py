"""How much of a task one evaluation buys: what is seen, how it is learnt, and the task's own options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from core import parse

LARGEST = 2**15  # pixels of a side, and crops of an image: more take memory without end
MOST = 1_000_000  # epochs, and images of a batch


@dataclass(frozen=True)
class View:
    """What a stage sees.

    `train` names the splits to learn from, `eval` the one to score; `share` is the part of the training images used, and
    `half` (0 or 1), where it is given, which half of these: the two sides of a search by gradients.
    `size` is (height, width) of the training images in pixels and `eval_size` that of the scored ones (None: their own);
    `scale` is the range of random enlargement before the crop to `size`; half of the crops are mirrored, if `mirror`. `jitter`
    is the strength of random changes of contrast, brightness and balance; `hsv` by how much hue is shifted at most (degrees),
    and by what share of their range saturation and value are shifted, and scaled. `copies` augmented crops of every image are
    drawn once, for all candidates (0: fresh ones every epoch). `transforms` are MMDetection's, as its configs write them, and
    stand in place of the crop: what they leave of an image is resized to `size`.
    """

    train: tuple[str, ...] = ("train",)
    eval: str = "val"
    share: float = 1.0
    half: int | None = None
    size: tuple[int, int] = (64, 64)
    eval_size: tuple[int, int] | None = None
    scale: tuple[float, float] = (1.0, 1.0)
    mirror: bool = True
    jitter: float = 0.0
    hsv: tuple[float, float, float] = (0.0, 0.0, 0.0)
    copies: int = 0
    transforms: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)

    def __post_init__(self) -> None:
        sides = (*self.size, *(self.eval_size or (1,)))
        if max(*sides, self.copies) > LARGEST:
            raise ValueError(f"sides of images and copies must be at most {LARGEST}, not {max(*sides, self.copies)}")
        if min(sides) < 1:
            raise ValueError(f"size and eval_size must be at least 1x1 pixels, not {self.size} and {self.eval_size}")
        if not self.train:
            raise ValueError("train names no split: give at least one")
        if not 0 < self.share <= 1:
            raise ValueError(f"share must be in (0, 1], not {self.share}")
        if self.half not in (0, 1, None):
            raise ValueError(f"half must be 0, 1 or None, not {self.half}")
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(f"scale must be two rising positive numbers, not {self.scale}")
        if self.jitter < 0 or self.copies < 0:
            raise ValueError(f"jitter and copies must not be negative, not {self.jitter} and {self.copies}")
        hue, shift, scale = self.hsv
        if not (0 <= hue <= 180 and 0 <= shift <= 1 and 0 <= scale < 1):
            raise ValueError(f"hsv must be degrees up to 180, a share up to 1 and one below 1, not {self.hsv}")
        if self.transforms and self.scale != (1.0, 1.0):
            raise ValueError("scale and transforms both say how images are cropped: leave one of them out")

    def magnified(self, factor: float) -> View:
        """The same views of images whose sides are `factor` times as long. Raises ValueError where images keep their sizes."""
        if self.eval_size is None:
            raise ValueError("images of their own sizes cannot be magnified: give the view an eval_size")
        return replace(self, size=magnified(self.size, factor), eval_size=magnified(self.eval_size, factor))


def magnified(size: tuple[int, int], factor: float) -> tuple[int, int]:
    """(height, width) times `factor`, in whole pixels."""
    return round(size[0] * factor), round(size[1] * factor)


@dataclass(frozen=True)
class Paramwise:
    """Which weights learn at other rates: `paramwise_cfg` of MMEngine's `DefaultOptimWrapperConstructor`, which describes it.

    A key of `custom_keys` is a part of weights' names (the longest one counts; it changes nothing where no name holds it), its
    value `lr_mult`, `decay_mult` and other settings of the optimiser. The others multiply the rates of biases, norms, depthwise
    convolutions and offsets of deformable ones.
    """

    custom_keys: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    bias_lr_mult: float = 1.0
    bias_decay_mult: float = 1.0
    norm_decay_mult: float = 1.0
    dwconv_decay_mult: float = 1.0
    dcn_offset_lr_mult: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """How a stage learns. Zero `epochs` mean that the network is only scored.

    `optimizer` is any class of torch or of MMEngine's OPTIMIZERS as a config writes it: `dict(type="SGD", lr=0.01,
    momentum=0.9)`; without it, AdamW with `lr` and `weight_decay`. `encoder` are the settings in which that of the encoder
    differs; with a type of their own they are a second optimiser's, and `encoder_lr` is short for `dict(lr=...)`. An encoder
    that has neither is frozen. `paramwise_cfg` gives parts of either other rates.

    `schedule` are MMEngine's PARAM_SCHEDULERS, which multiply: `[dict(type="LinearLR", end=500, by_epoch=False),
    dict(type="CosineAnnealingLR")]`; without an `end` one lasts as long as the training. "poly" falls with the power 0.9
    towards 0 in every step. `clip` is the largest norm of an optimiser's gradient, `clip_value` the largest entry.

    `average` is a class of AVERAGES, of averaged weights that are scored and handed on; `polyak` is short for
    `dict(type="Polyak", decay=...)`. With `bfloat16` the network trains in that type (torch.autocast; weights, loss and scores
    stay as they are), which makes wide networks faster on processors with matrix units, and narrow ones slower. A `resumable`
    stage leaves a checkpoint after every epoch and goes on from it after a kill. None or 0 switch each of these off.

    A stage that `continues` goes on with the optimisers, their schedule, the averaged weights and the epochs of the stage
    before it, as one training of both would: schedules are the same in both, and count from the first one's start. The one
    before is `continued`: it leaves its optimiser. After `max_seconds` of training a stage fails with a time-out.
    """

    epochs: int
    batch: int = 16
    lr: float = 3e-3
    encoder_lr: float | None = None
    weight_decay: float = 1e-5
    optimizer: Mapping[str, Any] | None = field(default=None, hash=False)
    encoder: Mapping[str, Any] | None = field(default=None, hash=False)
    paramwise_cfg: Paramwise | None = None
    schedule: Literal["constant", "poly"] | tuple[Mapping[str, Any], ...] = field(default="constant", hash=False)
    clip: float | None = 3.0
    clip_value: float | None = None
    polyak: float = 0.0
    average: Mapping[str, Any] | None = field(default=None, hash=False)
    bfloat16: bool = False
    resumable: bool = False
    continues: bool = False
    continued: bool = False
    max_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.epochs < 0 or self.batch < 1:
            raise ValueError(f"epochs must not be negative and batch at least 1, not {self.epochs} and {self.batch}")
        if max(self.epochs, self.batch) > MOST:
            raise ValueError(f"epochs and batch must be at most {MOST}, not {self.epochs} and {self.batch}")
        for name in ("lr", "encoder_lr", "clip", "clip_value", "max_seconds"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive, not {value}")
        if not self.weight_decay >= 0 or not 0 <= self.polyak < 1:
            given = f"{self.weight_decay} and {self.polyak}"
            raise ValueError(f"weight_decay must not be negative and polyak in [0, 1), not {given}")
        for long, shorts in (
            ("optimizer", ("lr", "weight_decay")),
            ("encoder", ("encoder_lr",)),
            ("average", ("polyak",)),
        ):
            for short in shorts:
                if getattr(self, long) is not None and getattr(self, short) != getattr(Recipe, short):
                    raise ValueError(f"{short} is short for what {long} says itself: leave one of them out")
        for name in ("optimizer", "encoder"):
            own = getattr(self, name)
            if own is not None and "lr" not in own and (name == "optimizer" or "type" in own):
                raise ValueError(f"{name} has no lr: give it one")
        plain = isinstance(self.schedule, str)
        endless = self.schedule == "poly" if plain else not all("end" in one for one in self.schedule)
        if endless and (self.continues or self.continued):
            raise ValueError(
                "a stage that continues another, or is continued, must have a constant schedule, or an end in each of its"
            )

    @property
    def trains_encoder(self) -> bool:
        """Whether the encoder learns as well."""
        return self.encoder_lr is not None or self.encoder is not None

    @property
    def names_classes(self) -> bool:
        """Whether it names classes, which must be looked up and tried before they can be trusted."""
        own = (self.optimizer, self.encoder, self.paramwise_cfg, self.average)
        return any(one is not None for one in own) or not isinstance(self.schedule, str)


@dataclass(frozen=True)
class Stage:
    """One training and validation of a candidate. Stages follow one another: each starts from the last one's weights.

    `options` are the task's own (sorted pairs of name and value), and it is the task that reads and checks them.
    """

    name: str
    view: View
    recipe: Recipe
    options: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("the name is empty: give it one")

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Stage:
        """From a config's `dict(name=..., view=dict(...), recipe=dict(...), options=dict(...))`. Raises ValueError."""
        return parse(cls, {"view": {}, **config}, f"stage {config['name']!r}" if "name" in config else "a stage")

    def decided(self, view: Mapping[str, Any], recipe: Mapping[str, Any]) -> Stage:
        """The stage with these settings, plain data, in place of its own. Raises ValueError."""
        made = parse(View, view, "the view"), parse(Recipe, {"epochs": 0, **recipe}, "the recipe")
        own = [{name: getattr(one, name) for name in given} for one, given in zip(made, (view, recipe), strict=True)]
        return replace(self, view=replace(self.view, **own[0]), recipe=replace(self.recipe, **own[1]))

    def settings(self) -> Iterator[str]:
        """The names in view and recipe that are not at their defaults."""
        for part in (self.view, self.recipe):
            yield from (f.name for f in fields(part) if getattr(part, f.name) != f.default)
