"""The FCOS template (Tian et al., ICCV 2019): any backbone with four taps, P3 to P7, as a stock MMDetection config."""

from __future__ import annotations

import math
from typing import Any

from tasks.encoder import Encoder

STRIDES = (8, 16, 32, 64, 128)


def fcos(model: dict[str, Any], encoder: Encoder, classes: int, head: dict[str, Any]) -> dict[str, Any]:
    """The config of the detector, without its data preprocessor; `model` is a space's part, `{"neck": ..., "bbox_head": ...}`.

    What a part leaves open is plain, `width` channels wide: an FPN, and a head of four convolutions. `head` are settings of
    the head that are not searched (losses, ranges of the levels).
    """
    neck = model.get("neck", plain_neck(model.get("width", 256)))
    width = neck["out_channels"]
    bbox_head = {**head, **(model.get("bbox_head") or plain_head(width))}
    return dict(
        type="mmdet.FCOS",
        backbone=model.get("backbone", encoder.config),
        neck={**neck, "in_channels": list(encoder.channels)},
        bbox_head={**bbox_head, "num_classes": classes, "strides": list(STRIDES)},
        test_cfg=dict(
            nms_pre=1000,
            min_bbox_size=0,
            score_thr=0.02,
            nms=dict(type="nms", iou_threshold=0.6),
            max_per_img=100,
        ),
    )


def plain_neck(channels: int) -> dict[str, Any]:
    """The FPN that FCOS was published with."""
    levels = dict(start_level=1, num_outs=5, add_extra_convs="on_output", relu_before_extra_convs=True)
    return dict(type="mmdet.FPN", out_channels=channels, **levels)


def plain_head(channels: int) -> dict[str, Any]:
    """The head that FCOS was published with; narrow ones have fewer groups in their norms, of four channels at least.

    Raises ValueError for a width that these groups do not divide.
    """
    if channels < 4 or channels % 4:
        raise ValueError(f"the width of a plain FCOS must be a multiple of 4, not {channels}: its norms group channels")
    norm = dict(type="GN", num_groups=math.gcd(32, channels // 4), requires_grad=True)
    widths = dict(in_channels=channels, feat_channels=channels)
    return dict(type="mmdet.FCOSHead", stacked_convs=4, conv_bias=True, norm_cfg=norm, **widths)
