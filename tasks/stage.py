"""How much of a task one evaluation buys: what is seen, how it is learnt, and the task's own options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from core import parse


@dataclass(frozen=True)
class View:
    """What a stage sees.

    `train` names the splits to learn from, `eval` the one to score; `share` is the part of the training images used, and
    `half` (0 or 1), where it is given, which half of these: the two sides of a search by gradients.
    `size` is (height, width) of the training images in pixels and `eval_size` that of the scored ones (None: their own);
    `scale` is the range of random enlargement before the crop to `size`, `jitter` the strength of random colour changes
    and `copies` how many augmented crops of every image are drawn once, for all candidates (0: fresh ones every epoch).
    """

    train: tuple[str, ...] = ("train",)
    eval: str = "val"
    share: float = 1.0
    half: int | None = None
    size: tuple[int, int] = (64, 64)
    eval_size: tuple[int, int] | None = None
    scale: tuple[float, float] = (1.0, 1.0)
    jitter: float = 0.0
    copies: int = 0

    def __post_init__(self) -> None:
        sides = (*self.size, *(self.eval_size or (1,)))
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


@dataclass(frozen=True)
class Recipe:
    """How a stage learns. Zero `epochs` mean that the network is only scored.

    `lr` and `weight_decay` are those of the searched part (AdamW); `encoder_lr` that of the encoder, None freezes it.
    `schedule` "poly" falls with the power 0.9 towards 0 over the epochs. `clip` is the largest gradient norm, `polyak` the
    decay of the averaged weights that are scored and handed on. None or 0 switch each off. With `bfloat16` the network trains
    in that type (torch.autocast; weights, loss and scores stay as they are), on processors with matrix units two to four times
    as fast. A `resumable` stage leaves a checkpoint after every epoch and goes on from it after a kill.

    A stage that `continues` goes on with the optimiser, the averaged weights and the epochs of the stage before it, as one
    training of both would; the schedule of both must be constant. The one before is `continued`: it leaves its optimiser. After
    `max_seconds` of training a stage fails with a time-out.
    """

    epochs: int
    batch: int = 16
    lr: float = 3e-3
    encoder_lr: float | None = None
    weight_decay: float = 1e-5
    schedule: Literal["constant", "poly"] = "constant"
    clip: float | None = 3.0
    polyak: float = 0.0
    bfloat16: bool = False
    resumable: bool = False
    continues: bool = False
    continued: bool = False
    max_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.epochs < 0 or self.batch < 1:
            raise ValueError(f"epochs must not be negative and batch at least 1, not {self.epochs} and {self.batch}")
        for name in ("lr", "encoder_lr", "clip", "max_seconds"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive, not {value}")
        if not self.weight_decay >= 0 or not 0 <= self.polyak < 1:
            given = f"{self.weight_decay} and {self.polyak}"
            raise ValueError(f"weight_decay must not be negative and polyak in [0, 1), not {given}")
        if (self.continues or self.continued) and self.schedule != "constant":
            raise ValueError("a stage that continues another, or is continued, must have a constant schedule")


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

    def settings(self) -> Iterator[str]:
        """The names in view and recipe that are not at their defaults."""
        for part in (self.view, self.recipe):
            yield from (f.name for f in fields(part) if getattr(part, f.name) != f.default)
