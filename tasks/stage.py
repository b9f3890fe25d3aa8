"""How much of a task one evaluation buys, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What an evaluation used: images and pixels that went through a network (deterministic), and seconds (measured)."""

    images: int = 0
    pixels: int = 0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.images + other.images, self.pixels + other.pixels, self.seconds + other.seconds)


@dataclass(frozen=True)
class Outcome:
    """What came of one stage: metrics by name on the field's scale, the cost, and where the weights lie, if kept."""

    metrics: dict[str, float]
    cost: Cost
    weights: str | None = None


@dataclass(frozen=True)
class Stage:
    """One training and validation of a candidate. Stages follow one another: each starts from the last one's weights.

    `train` names the splits to learn from, `eval` the one to score; `share` is the part of the training images used, and
    `half` (0 or 1), where it is given, which half of these: the two sides of a search by gradients.
    `size` is (height, width) of the training images in pixels and `eval_size` that of the scored ones (None: their own);
    `scale` is the range of random enlargement before the crop to `size`, `jitter` the strength of random colour changes
    and `copies` how many augmented crops of every image are drawn once, for all candidates (0: fresh ones every epoch).

    `lr` and `weight_decay` are those of the searched part (Adam); `encoder_lr` those of the encoder, None freezes it.
    `schedule` is "constant" or "poly" (power 0.9 towards 0 over the epochs). `cached` reads a frozen encoder's outputs
    from disk instead of running it (needs `copies` and a frozen encoder).

    `clip` is the largest gradient norm, `polyak` the decay of the averaged weights that are scored and handed on,
    `distill` the weight of the squared distance to the teacher's logits, `aux` that of the auxiliary cells' losses.
    None or 0 switch each off. With `bfloat16` the network trains in that type (torch.autocast; weights, loss and scores stay as
    they are), on processors with matrix units two to four times as fast. A `resumable` stage leaves a checkpoint after every
    epoch and goes on from it after a kill.
    """

    name: str
    epochs: int
    train: tuple[str, ...] = ("train",)
    eval: str = "val"
    share: float = 1.0
    half: int | None = None
    size: tuple[int, int] = (64, 64)
    eval_size: tuple[int, int] | None = None
    scale: tuple[float, float] = (1.0, 1.0)
    jitter: float = 0.0
    copies: int = 0
    batch: int = 16
    lr: float = 3e-3
    encoder_lr: float | None = None
    weight_decay: float = 1e-5
    schedule: str = "constant"
    cached: bool = False
    clip: float | None = 3.0
    polyak: float = 0.0
    distill: float = 0.0
    aux: float = 0.0
    bfloat16: bool = False
    resumable: bool = False

    def __post_init__(self) -> None:
        for name in ("train", "size", "eval_size", "scale"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, tuple(value))
        if self.epochs < 1 or self.batch < 1:
            raise ValueError(
                f"stage {self.name!r}: epochs and batch must be at least 1, not {self.epochs}, {self.batch}"
            )
        if not 0 < self.share <= 1:
            raise ValueError(f"stage {self.name!r}: share must be in (0, 1], not {self.share}")
        if self.cached and (self.encoder_lr is not None or not self.copies):
            raise ValueError(
                f"stage {self.name!r}: cached features need a frozen encoder (no encoder_lr) and copies >= 1"
            )
        if self.schedule not in ("constant", "poly"):
            raise ValueError(f"stage {self.name!r}: schedule must be 'constant' or 'poly', not {self.schedule!r}")
