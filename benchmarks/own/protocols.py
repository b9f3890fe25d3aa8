"""What a search on somebody's own images is like, by task: the rules, but for epochs and budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core import build
from tasks.keypoints.metrics import metric_names
from tasks.keypoints.skeletons import sided
from tasks.registry import DATA

CROPS = 64  # that an epoch of a candidate has at least
NOISE = 25.0  # sigma, of 0 to 255, that clean images are given
Config = dict[str, Any]
Size = tuple[int, int]


@dataclass(frozen=True)
class Width:
    """How wide networks are: the encoder, as a part of MobileNetV2, if there is one; the channels of what is searched."""

    encoder: float | None
    channels: int
    nodes: int = 1

    def __str__(self) -> str:
        encoder = f"a MobileNetV2 {self.encoder:g} times as wide, " if self.encoder else ""
        return f"{encoder}decoders of {self.channels} channels" if encoder else f"cells of {self.channels} channels"


class Backbones(Width):
    """How wide backbones are that are searched themselves; `channels` are those of their middle."""

    def __str__(self) -> str:
        return f"backbones like a MobileNetV2 {self.encoder:g} times as wide"


SCALED = ((1.0, 64), (1.0, 48), (1.0, 32), (1.0, 16), (0.75, 32), (0.5, 24), (0.35, 16), (0.25, 16), (0.25, 8))
ENCODED = [Width(*pair) for pair in SCALED]
CELLS = [Width(None, *pair) for pair in ((32, 3), (16, 2), (8, 2), (8, 1), (4, 1))]
SEARCHED = [Backbones(width, round(64 * width)) for width in (1.0, 0.75, 0.5, 0.35, 0.25)]
WIDTHS: Mapping[str, Sequence[Width]] = {
    "segmentation": ENCODED,
    "depth": ENCODED,
    "detection": ENCODED,
    "restoration": CELLS,
    "classification": SEARCHED,
    "keypoints": ENCODED,
}


def _encoded(
    data: Config, size: Size, width: Width, checkpoint: str | None, kind: str, space: Config, reward: Config
) -> Config:
    """Decoders on an encoder's outputs: searched on these, the best one trained with the encoder."""
    images: Any = build(DATA, data)
    count = images.size("train")
    crop = [max(64, round(0.6 * side / 32) * 32) for side in size]
    view = dict(size=crop, eval_size=list(size), scale=[1.2, 1.8], jitter=0.2, mirror=mirrors(images))
    weights = dict(checkpoint=checkpoint) if checkpoint else dict(pretrain_epochs=8)
    encoder = dict(width=width.encoder, refit_norms=bool(checkpoint), refit_size=list(size), **weights)
    batch = min(8, max(2, count // 2))
    rates = dict(lr=3e-3, encoder_lr=5e-4 if checkpoint else 2e-3)
    final = dict(**rates, weight_decay=1e-2, schedule="poly", polyak=0.99, resumable=True)
    return dict(
        id=f"own-{kind.lower()}-v1",
        task=dict(type=f"{kind}Task", data=data, encoder=encoder, input_size=list(size)),
        space=space,
        stages=[
            dict(
                name="decoder",
                view=dict(**view, copies=max(1, -(-CROPS // count))),
                recipe=dict(epochs=1, batch=batch, lr=1e-2, polyak=0.9),
                options=dict(cached=True),
            )
        ],
        final=dict(
            name="final",
            view=dict(**view, train=["train", "val"], eval="test"),
            recipe=dict(epochs=1, batch=batch, **final),
        ),
        reward=reward,
        budget=dict(trials=1),
        seeds=[0],
    )


def mirrors(images: Any) -> bool:
    """Are images the same in a mirror? Not where two classes are each other's, as "left lung" and "right lung"."""
    names = [sided(name) for name in getattr(images, "classes", ())]
    return not {rest for rest, side in names if side == "left"} & {rest for rest, side in names if side == "right"}


def segmentation(data: Config, size: Size, width: Width, checkpoint: str | None) -> Config:
    space = dict(type="DecoderCells", channels=width.channels, repeats=1, aux=None)
    return _encoded(data, size, width, checkpoint, "Segmentation", space, dict(type="Metric", name="mIoU"))


def depth(data: Config, size: Size, width: Width, checkpoint: str | None) -> Config:
    space = dict(type="DecoderCells", channels=width.channels, repeats=1, aux=None)
    return _encoded(data, size, width, checkpoint, "Depth", space, dict(type="Metric", name="RMSE", sign=-1))


def keypoints(data: Config, size: Size, width: Width, checkpoint: str | None) -> Config:
    """As segmentation, on persons that are seen whole, or nearly so."""
    space = dict(type="DecoderCells", channels=width.channels, repeats=1, aux=None)
    name = metric_names(build(DATA, data))[0]
    config = _encoded(data, size, width, checkpoint, "Keypoint", space, dict(type="Metric", name=name))
    for stage in (*config["stages"], config["final"]):
        stage["view"] |= dict(size=list(size), scale=[0.8, 1.25])
    return config


def detection(data: Config, size: Size, width: Width, checkpoint: str | None) -> Config:
    space = dict(type="FCOSDecoder", channels=width.channels, blocks=5, layers=3)
    losses = dict(type="NegativeSum", names=["loss_cls", "loss_bbox", "loss_centerness"])
    config = _encoded(data, size, width, checkpoint, "Detection", space, losses)
    boxes = dict(type="mmdet.GIoULoss", loss_weight=1.0)
    head = dict(center_sampling=True, norm_on_bbox=True, centerness_on_reg=True, loss_bbox=boxes)
    config["task"]["template"] = dict(type="FCOS", width=width.channels, head=head, side_bias=0.5)
    return config


def restoration(data: Config, size: Size, width: Width, checkpoint: str | None) -> Config:
    images: Any = build(DATA, data)
    sides = (side for split in ("train", "val") for k in range(images.size(split)) for side in images.shape(split, k))
    crop = [min(48, *sides)] * 2
    train, batch = images.size("train"), min(8, max(1, images.size("train") // 2))
    degradation = {} if images.paired else dict(degradation=dict(type="Noise", sigma=NOISE))
    space = dict(
        nodes=width.nodes, layers=2, channels=width.channels, stem=2 * width.channels, in_channels=images.channels
    )
    return dict(
        id="own-restoration-v1",
        task=dict(type="RestorationTask", data=data, **degradation, input_size=list(size), tile=512, rounded=True),
        space=dict(type="RestorationCells", **space),
        stages=[
            dict(
                name="short",
                view=dict(size=crop, copies=max(1, -(-CROPS // train))),
                recipe=dict(epochs=1, batch=batch, lr=5e-3, polyak=0.9),
            )
        ],
        final=dict(
            name="final",
            view=dict(size=crop, train=["train", "val"], eval="test"),
            recipe=dict(epochs=1, batch=batch, lr=4e-3, schedule="poly", polyak=0.99, resumable=True),
        ),
        reward=dict(type="Metric", name="PSNR"),
        budget=dict(trials=1),
        seeds=[0],
    )


def classification(data: Config, size: Size, width: Width, checkpoint: str | None) -> Config:
    """Backbones, which begin with the checkpoint's weights where there is one."""
    images: Any = build(DATA, data)
    batch = min(32, max(2, images.size("train") // 2))
    view = dict(size=list(size), eval_size=list(size), scale=[1.0, 1.4], jitter=0.2, mirror=mirrors(images))
    rate = 3e-3 if checkpoint else 1e-2
    return dict(
        id="own-classification-v1",
        task=dict(
            type="ClassificationTask",
            data=data,
            encoder=dict(
                width=width.encoder, checkpoint=checkpoint, refit_norms=bool(checkpoint), refit_size=list(size)
            ),
            input_size=list(size),
        ),
        space=dict(type="MBConv", width=width.encoder),
        stages=[dict(name="short", view=view, recipe=dict(epochs=1, batch=batch, lr=rate, polyak=0.9))],
        final=dict(
            name="final",
            view=dict(**view, train=["train", "val"], eval="test"),
            recipe=dict(
                epochs=1, batch=batch, lr=rate, weight_decay=1e-2, schedule="poly", polyak=0.99, resumable=True
            ),
        ),
        reward=dict(type="Metric", name="top1"),
        budget=dict(trials=1),
        seeds=[0],
    )


PROTOCOLS: Mapping[str, Callable[[Config, Size, Width, str | None], Config]] = {
    "segmentation": segmentation,
    "depth": depth,
    "detection": detection,
    "restoration": restoration,
    "classification": classification,
    "keypoints": keypoints,
}
