"""Detectors as stock MMDetection configs: FCOS, RetinaNet and SSDLite around any backbone that has their taps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from tasks.detection.ssdlite import EXTRA, anchors, map_sizes
from tasks.task import Parts
from tasks.templates import COLOURS, Config, Size, Template

STRIDES = (8, 16, 32, 64, 128)  # of P3 to P7


class Detector(Template):
    """A network of MMDetection with a backbone, a `neck` and a `bbox_head`; its boxes of a class overlap by up to `overlap`.

    A `one_size` lays its anchors out for images of one size, so that it learns and detects at that size alone.
    """

    overlap: float
    one_size = False


class FCOS(Detector):
    """FCOS (Tian et al., ICCV 2019): a neck makes P3 to P7 of four taps, a head that all levels share finds the boxes.

    Where they are not searched, the neck is an FPN and the head has four convolutions, both `width` channels wide or as
    wide as the other is. `head` are settings of any head (losses, ranges of the levels). `side_bias` is where the bias of the
    boxes' sides starts: 0 in MMDetection, but with `norm_on_bbox` a side that a step makes negative stays 0, behind a ReLU.
    """

    overlap = 0.6
    slots = ("backbone", "neck", "head")
    taps = ("4", "8", "16", "32")

    def __init__(self, width: int = 256, head: Config | None = None, side_bias: float = 0.0):
        plain_head(width)  # refuses a width that no head can have, also where all heads are searched
        self.width, self.head = width, dict(head or {})
        if side_bias < 0 or (side_bias and "init_cfg" in self.head):
            why = f"side_bias must be at least 0, and 0 with an init_cfg of the head, not {side_bias:g}"
            raise ValueError(f"{why}: leave it out, or the init_cfg")
        if side_bias:
            normal = dict(type="Normal", std=0.01)  # as MMDetection has it
            classes = dict(**normal, name="conv_cls", bias_prob=0.01)
            sides = dict(**normal, name="conv_reg", bias=side_bias)
            self.head["init_cfg"] = dict(**normal, layer="Conv2d", override=[classes, sides])

    def whole(self, parts: Parts, backbone: Config, channels: list[int], classes: int, size: Size) -> dict[str, Any]:
        neck = parts.get("neck") or plain_neck(parts.get("head", {}).get("in_channels", self.width))
        head = parts.get("head") or plain_head(neck["out_channels"])
        return dict(
            type="mmdet.FCOS",
            data_preprocessor=dict(type="mmdet.DetDataPreprocessor", **COLOURS, pad_size_divisor=32),
            backbone=backbone,
            neck={**neck, "in_channels": channels},
            bbox_head={**self.head, **head, "num_classes": classes, "strides": list(STRIDES)},
            test_cfg=predicting(self.overlap, boxes=100),
        )


class RetinaNet(Detector):
    """RetinaNet (Lin et al., ICCV 2017) as MMDetection has it: an FPN, nine anchors a position, a head that levels share.

    P6 is made of the backbone's last map (`extra` "on_input", as published) or of P5 ("on_output", as in NAS-FCOS).
    """

    overlap = 0.5
    slots = ("backbone", "neck")
    taps = ("4", "8", "16", "32")

    def __init__(self, width: int = 256, extra: Literal["on_input", "on_output"] = "on_input"):
        if width < 1:
            raise ValueError(f"the width of a RetinaNet must be at least 1, not {width}")
        self.width, self.extra = width, extra

    def whole(self, parts: Parts, backbone: Config, channels: list[int], classes: int, size: Size) -> dict[str, Any]:
        levels = dict(start_level=1, num_outs=len(STRIDES), add_extra_convs=self.extra)
        neck = parts.get("neck") or dict(type="mmdet.FPN", out_channels=self.width, **levels)
        sizes = dict(octave_base_scale=4, scales_per_octave=3, ratios=[0.5, 1.0, 2.0])
        assigner = dict(type="mmdet.MaxIoUAssigner", pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0, ignore_iof_thr=-1)
        return dict(
            type="mmdet.RetinaNet",
            data_preprocessor=dict(type="mmdet.DetDataPreprocessor", **COLOURS, pad_size_divisor=32),
            backbone=backbone,
            neck={**neck, "in_channels": channels},
            bbox_head=dict(
                type="mmdet.RetinaHead",
                num_classes=classes,
                in_channels=neck["out_channels"],
                feat_channels=self.width,
                stacked_convs=4,
                anchor_generator=dict(type="mmdet.AnchorGenerator", strides=list(STRIDES), **sizes),
                bbox_coder=dict(type="mmdet.DeltaXYWHBBoxCoder"),
                loss_cls=dict(type="mmdet.FocalLoss", use_sigmoid=True, gamma=2.0, alpha=0.25, loss_weight=1.0),
                loss_bbox=dict(type="mmdet.L1Loss", loss_weight=1.0),
            ),
            train_cfg=dict(
                assigner=assigner, sampler=dict(type="mmdet.PseudoSampler"), allowed_border=-1, pos_weight=-1
            ),
            test_cfg=predicting(self.overlap, boxes=100),
        )


class SSDLite(Detector):
    """SSDLite (Sandler et al., CVPR 2018) as FNA has it (Fang et al., ICLR 2020): anchors on the maps of two taps and more.

    The neck adds up to four maps, each half as large, and stops at a single position: six maps from 257 pixels on, four at
    128. Settings are those of MMDetection's own SSDLite and, for the widths and the anchors a position, FNA's. `scales` are the
    sizes of the maps' square anchors and one more, in sides of a square with the image's area; None: SSD's (see `anchors`).
    FNA's code has an `overlap` of 0.6 and scales of 30, 60, 114, 168, 222, 276 and 330 pixels at 320. Batches need two
    images, as norms see single positions. Images that leave no map to add, or have another number of maps than `scales` are
    for, are refused with a ValueError.
    """

    slots = ("backbone",)
    taps = ("16+", "32+")
    one_size = True

    def __init__(self, overlap: float = 0.45, scales: Sequence[float] | None = None):
        if not 0 < overlap <= 1:
            raise ValueError(f"overlap must be above 0 and at most 1, not {overlap}")
        if scales is not None and (not scales or not min(scales) > 0):
            raise ValueError(f"scales must be positive numbers, not {list(scales)}")
        self.overlap, self.scales = overlap, scales

    def whole(self, parts: Parts, backbone: Config, channels: list[int], classes: int, size: Size) -> dict[str, Any]:
        maps = map_sizes(size)
        widths, added = [*channels, *EXTRA][: len(maps)], len(maps) - len(channels)
        layers: dict[str, Any] = dict(
            norm_cfg=dict(type="BN", eps=0.001),
            act_cfg=dict(type="ReLU6"),
            init_cfg=dict(type="TruncNormal", layer="Conv2d", std=0.03),
        )
        assigner = dict(type="mmdet.MaxIoUAssigner", pos_iou_thr=0.5, neg_iou_thr=0.5, gt_max_assign_all=False)
        sampler = dict(type="mmdet.PseudoSampler")
        return dict(
            type="mmdet.SingleStageDetector",
            data_preprocessor=dict(type="mmdet.DetDataPreprocessor", **COLOURS),
            backbone=backbone,
            neck=dict(
                type="mmdet.SSDNeck",
                in_channels=channels,
                out_channels=widths,
                level_strides=[2] * added,
                level_paddings=[1] * added,
                l2_norm_scale=None,
                use_depthwise=True,
                **layers,
            ),
            bbox_head=dict(
                type="mmdet.SSDLiteHead",
                num_classes=classes,
                in_channels=widths,
                anchor_generator=anchors(size, maps, self.scales),
                bbox_coder=dict(type="mmdet.DeltaXYWHBBoxCoder", target_stds=[0.1, 0.1, 0.2, 0.2]),
                **layers,
            ),
            train_cfg=dict(
                assigner=assigner, sampler=sampler, smoothl1_beta=1.0, allowed_border=-1, pos_weight=-1, neg_pos_ratio=3
            ),
            test_cfg=predicting(self.overlap, boxes=200),
        )


def predicting(iou: float, boxes: int) -> dict[str, Any]:
    """How the `boxes` best of an image are chosen, of which no two overlap by more than `iou`."""
    nms = dict(type="nms", iou_threshold=iou)
    return dict(nms_pre=1000, min_bbox_size=0, score_thr=0.02, nms=nms, max_per_img=boxes)


def plain_neck(channels: int) -> dict[str, Any]:
    """The FPN that FCOS was published with."""
    levels = dict(start_level=1, num_outs=len(STRIDES), add_extra_convs="on_output", relu_before_extra_convs=True)
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
