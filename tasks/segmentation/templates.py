"""The segmentation template: a stock MMSegmentation `EncoderDecoder` around any backbone and decode head."""

from __future__ import annotations

from typing import Any

import mmseg.models  # noqa: F401 - registers the stock modules

from tasks.segmentation.metrics import IGNORE
from tasks.task import Parts
from tasks.templates import COLOURS, Config, Size, Template, takes


class EncoderDecoder(Template):
    """A backbone with four taps and a decoder that scores every pixel.

    `decoder` is the config of any decode head of MMSegmentation, used where no space decides one; None: SegFormer's all-MLP
    head (Xie et al., NeurIPS 2021), `width` channels wide. A head sees the taps that its `in_index` names, without one all of
    them where its class names `in_channels` itself, else the last, as stock heads do.
    """

    slots = ("backbone", "decoder")
    taps = ("4", "8", "16", "32")

    def __init__(self, decoder: Config | None = None, width: int = 64):
        if width < 1:
            raise ValueError(f"width must be at least 1, not {width}")
        self.decoder = decoder or dict(
            type="mmseg.SegformerHead",
            channels=width,
            in_index=list(range(len(self.taps))),
            norm_cfg=dict(type="BN"),
            dropout_ratio=0.0,
        )

    def whole(self, parts: Parts, backbone: Config, channels: list[int], classes: int, size: Size) -> dict[str, Any]:
        decoder = {"align_corners": False, **parts.get("decoder", self.decoder)}
        return dict(
            type="mmseg.EncoderDecoder",
            data_preprocessor=dict(type="mmseg.SegDataPreProcessor", **COLOURS, pad_val=0, seg_pad_val=IGNORE),
            backbone=backbone,
            decode_head={**decoder, **widths(decoder, channels), "num_classes": classes, "ignore_index": IGNORE},
            test_cfg=dict(mode="whole"),
        )


def widths(decoder: Config, channels: list[int]) -> dict[str, Any]:
    """What a decode head must know of the taps: the channels of those that it sees."""
    everything = list(range(len(channels))) if takes(decoder, "in_channels") else -1
    seen = decoder.get("in_index", everything)
    told: dict[str, Any] = {"in_channels": channels[seen] if isinstance(seen, int) else [channels[k] for k in seen]}
    if decoder.get("c1_in_channels", takes(decoder, "c1_in_channels")):  # of DeepLabv3+, which refines by the first tap
        told["c1_in_channels"] = channels[0]
    return told
