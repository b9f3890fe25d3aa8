"""The template of decoders: a stock MMSegmentation `EncoderDecoder` around any backbone and decode head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mmseg.models  # noqa: F401 - registers the stock modules
import torch
from mmengine.config import ConfigDict
from mmengine.registry import MODELS

import tasks.decoding.networks  # noqa: F401 - registers the heads to compare with
from tasks.task import Parts
from tasks.templates import COLOURS, Config, Size, Template, takes

STRIDES = ("4", "8", "16", "32")


class EncoderDecoder(Template):
    """A backbone with `taps`, some of the strides 4 to 32, and a decoder that scores every pixel.

    `decoder` is the config of any decode head of MMSegmentation, used where no space decides one; None: SegFormer's all-MLP
    head (Xie et al., NeurIPS 2021), `width` channels wide. A head sees the taps that its `in_index` names, without one all of
    them where it takes several, else the last. A backbone's taps may be finer than the strides say, as dilated ones are.
    """

    slots = ("backbone", "decoder")

    def __init__(self, decoder: Config | None = None, width: int = 64, taps: Sequence[str] = STRIDES):
        if width < 1:
            raise ValueError(f"width must be at least 1, not {width}")
        if not taps or list(taps) != [stride for stride in STRIDES if stride in taps]:
            raise ValueError(f"taps must be some of {', '.join(STRIDES)} in this order, not {list(taps)}")
        self.taps = tuple(taps)
        self.decoder = decoder or dict(
            type="mmseg.SegformerHead",
            channels=width,
            in_index=list(range(len(self.taps))),
            norm_cfg=dict(type="BN"),
            dropout_ratio=0.0,
        )

    def fits(self, stride: int, wanted: int) -> bool:
        return stride <= wanted

    def whole(self, parts: Parts, backbone: Config, channels: list[int], classes: int, size: Size) -> dict[str, Any]:
        decoder = {"align_corners": False, **parts.get("decoder", self.decoder)}
        return dict(
            type="mmseg.EncoderDecoder",
            data_preprocessor=dict(type="mmseg.SegDataPreProcessor", **COLOURS, pad_val=0),
            backbone=backbone,
            decode_head={**decoder, **widths(decoder, channels), "num_classes": classes},
            test_cfg=dict(mode="whole"),
        )


def widths(decoder: Config, channels: list[int]) -> dict[str, Any]:
    """What a decode head must know of the taps: which it sees, and their channels."""
    if "in_index" in decoder:
        seen = decoder["in_index"]
    else:
        seen = list(range(len(channels))) if takes_several(decoder, channels) else -1
    told: dict[str, Any] = {"in_channels": channels[seen] if isinstance(seen, int) else [channels[k] for k in seen]}
    if not takes(decoder, "in_channels"):
        told["in_index"] = seen
    if decoder.get("c1_in_channels", takes(decoder, "c1_in_channels")):  # of DeepLabv3+, which refines by the first tap
        told["c1_in_channels"] = channels[0]
    return told


def takes_several(decoder: Config, channels: list[int]) -> bool:
    """Does a decode head join all taps? Some say so by an argument, most only when they are built."""
    if takes(decoder, "in_channels"):
        return True
    everything = dict(in_channels=channels, in_index=list(range(len(channels))), num_classes=2)
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            MODELS.build(ConfigDict({**decoder, **everything}))
    except Exception:  # each library refuses in its own way; what is wrong shows when the network is built
        return False
    return True
