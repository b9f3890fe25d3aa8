"""The model template: a stock MMSegmentation `EncoderDecoder` around a searched decode head."""

from __future__ import annotations

from typing import Any

import mmseg.models  # noqa: F401 - registers the stock modules

from tasks.augment import MEAN, STD
from tasks.encoder import Encoder
from tasks.segmentation.confusion import IGNORE


def template(encoder: Encoder, classes: int, model: dict[str, Any]) -> dict[str, Any]:
    """The config of the whole network; `model` is a space's part, `{"decode_head": {...}}`."""
    head = {**model["decode_head"], "in_channels": list(encoder.channels), "num_classes": classes}
    mean, std = ([255 * value for value in values] for values in (MEAN, STD))
    pad = dict(pad_val=0, seg_pad_val=IGNORE)
    return dict(
        type="mmseg.EncoderDecoder",
        data_preprocessor=dict(type="mmseg.SegDataPreProcessor", mean=mean, std=std, bgr_to_rgb=True, **pad),
        backbone=encoder.config,
        decode_head=dict(**head, align_corners=False, ignore_index=IGNORE),
        test_cfg=dict(mode="whole"),
    )
