"""The templates of detection: parts in their slots, plain ones elsewhere, around any backbone that has the taps."""

from __future__ import annotations

from random import Random
from typing import Any

import mmdet.models  # noqa: F401 - registers the stock modules
import mmseg.models  # noqa: F401
import pytest
import torch

from core import build
from search_spaces.fcos_decoder.space import FCOSDecoder
from search_spaces.head_cells.space import HeadCells
from search_spaces.mbconv.space import MOBILENET_V2, MBConv
from tasks.detection.templates import FCOS, RetinaNet, SSDLite
from tasks.registry import TEMPLATES
from tasks.templates import Template
from tasks.trainable import build_network

MOBILENET = dict(
    type="mmseg.MobileNetV2",
    widen_factor=0.25,
    strides=(1, 2, 2, 2, 1, 2, 1),
    dilations=(1,) * 7,
    out_indices=(1, 2, 4, 6),
)
SPACE, HEAD, BACKBONE = (
    FCOSDecoder(channels=8, blocks=4, layers=3),
    HeadCells(channels=12, layers=3),
    MBConv(width=0.25),
)
DECODER = SPACE.model(SPACE.sample(Random(0)))
SEARCHED = BACKBONE.model(BACKBONE.read(MOBILENET_V2))


def config(template: Template, parts: dict[str, Any], encoder: dict[str, Any] = MOBILENET) -> dict[str, Any]:
    return template.config(parts, encoder, classes=3, size=(64, 96))


def scores(config: dict[str, Any]) -> list[tuple[int, ...]]:
    """The shapes of the scores of a network for an image of 64x96."""
    with torch.no_grad():
        return [tuple(x.shape) for x in build_network(config, 0, "cpu").eval()(torch.zeros(1, 3, 64, 96))[0]]


@pytest.mark.parametrize(
    ("parts", "width"),
    [({}, 16), (DECODER, 8), ({"neck": DECODER["neck"]}, 8), (HEAD.model(HEAD.sample(Random(0))), 12), (SEARCHED, 16)],
    ids=["plain", "neck and head", "neck", "head", "backbone"],
)
def test_what_no_space_decides_is_plain_and_as_wide_as_the_rest(parts: dict[str, Any], width: int) -> None:
    made = config(FCOS(width=16, head=dict(center_sampling=True)), parts)
    assert made["bbox_head"]["center_sampling"]
    assert made["neck"]["out_channels"] == made["bbox_head"]["in_channels"] == width
    assert scores(made) == [(1, 3, 8, 12), (1, 3, 4, 6), (1, 3, 2, 3), (1, 3, 1, 2), (1, 3, 1, 1)]


@pytest.mark.parametrize("parts", [{}, DECODER], ids=["plain", "searched"])
def test_boxes_sides_start_at_their_bias_and_all_else_as_in_mmdetection(parts: dict[str, Any]) -> None:
    zero, half = (build_network(config(FCOS(side_bias=bias), parts), 0, "cpu").bbox_head for bias in (0.0, 0.5))
    for head in (zero, half):
        head.init_weights()
    assert (zero.conv_reg.bias.tolist(), half.conv_reg.bias.tolist()) == ([0.0] * 4, [0.5] * 4)
    assert zero.conv_cls.bias.tolist() == half.conv_cls.bias.tolist()
    for one, other in zip(zero.parameters(), half.parameters(), strict=True):
        assert one.numel() < 99 or one.std().item() == pytest.approx(other.std().item(), rel=0.4)


@pytest.mark.parametrize(
    "settings", [dict(side_bias=-0.5), dict(side_bias=0.5, head=dict(init_cfg=dict(type="Normal")))]
)
def test_a_bias_that_kills_sides_or_that_the_head_would_lose_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="side_bias must be at least 0, and 0 with an init_cfg of the head, not"):
        FCOS(**settings)


def test_retinanet_takes_its_last_levels_from_where_it_is_told() -> None:
    assert config(RetinaNet(), {})["neck"]["add_extra_convs"] == "on_input"
    made = config(RetinaNet(width=16, extra="on_output"), {})
    assert made["neck"]["add_extra_convs"] == "on_output"
    assert scores(made) == [(1, 27, 8, 12), (1, 27, 4, 6), (1, 27, 2, 3), (1, 27, 1, 2), (1, 27, 1, 1)]
    with pytest.raises(ValueError, match="the width of a RetinaNet must be at least 1, not 0"):
        RetinaNet(width=0)


def test_channels_are_those_of_the_backbone() -> None:
    resnet = dict(type="mmdet.ResNet", depth=50)
    assert config(FCOS(), {}, resnet)["neck"]["in_channels"] == [256, 512, 1024, 2048]
    assert config(FCOS(), SEARCHED)["neck"]["in_channels"] == [8, 8, 24, 80]
    assert config(SSDLite(), SEARCHED)["bbox_head"]["in_channels"] == [144, 1280, 512, 256]
    two = config(SSDLite(), {"backbone": {**resnet, "out_indices": (2, 3)}})
    assert two["bbox_head"]["in_channels"] == [1024, 2048, 512, 256]
    assert len(scores(two)) == 4


def test_a_searched_backbone_is_told_the_taps() -> None:
    """The layers are the same, so that weights found with one template fit the other."""
    taps = {template: config(template(), SEARCHED)["backbone"]["taps"] for template in (FCOS, SSDLite)}
    assert taps == {FCOS: ["4", "8", "16", "32"], SSDLite: ["16+", "32+"]}


@pytest.mark.parametrize("width", [2, 18])
def test_a_width_that_norms_cannot_group_is_refused(width: int) -> None:
    with pytest.raises(ValueError, match=f"width of a plain FCOS must be a multiple of 4, not {width}"):
        config(FCOS(width=width), {})


@pytest.mark.parametrize(
    ("template", "parts", "sentence"),
    [
        ("FCOS", {"decoder": {}}, "unknown slot of the template FCOS 'decoder'"),
        ("SSDLite", {"neck": {}}, "unknown slot of the template SSDLite 'neck'"),
        ("SSDLite", {}, r"MobileNetV2 gives maps of strides \[4, 8, 16, 32\], the template SSDLite needs \[16, 32\]"),
    ],
)
def test_what_does_not_fit_is_refused(template: str, parts: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        config(build(TEMPLATES, dict(type=template)), parts)
