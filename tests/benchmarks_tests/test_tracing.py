"""The plain file of a network computes what the network does, whatever the space and the template."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from random import Random
from typing import Any

import mmdet.models  # noqa: F401 - registers the stock modules
import mmseg.models  # noqa: F401 - registers the stock modules
import pytest
import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

import search_spaces.restoration_cells.network  # noqa: F401 - registers its networks
import tasks.restoration.networks  # noqa: F401 - registers the networks to compare with
from benchmarks.export.source import Source
from benchmarks.export.tracing import traced
from core import build
from search_spaces import SPACES
from search_spaces.fpn_cells.space import OPERATIONS
from search_spaces.mbconv.space import MOBILENET_V2
from search_spaces.meta_kernel.kernels import MetaKernel
from tasks.decoding.deployment import Pixels
from tasks.detection.deployment import Boxes
from tasks.detection.drawing import chosen
from tasks.merging import merged
from tasks.registry import TEMPLATES
from tasks.trainable import build_network

ENCODER = dict(type="mmseg.MobileNetV2", widen_factor=0.25, out_indices=(1, 2, 4, 6), strides=(1, 2, 2, 2, 1, 2, 1),
               dilations=(1,) * 7)  # fmt: skip
MBCONV = dict(backbone=dict(type="densebench.MBConvNet", stages=MOBILENET_V2, width=0.25))
FCOS, CELLS = dict(type="FCOS", width=16), dict(channels=16, blocks=4)


def network_of(template: dict[str, Any], parts: dict[str, Any], classes: int = 3) -> Any:
    config = build(TEMPLATES, template).config(parts, ENCODER, classes, (64, 96))
    network = build_network(config, 0, "cpu")
    for module in network.modules():  # statistics as after a training, so that no norm is an identity
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 2)
    network.eval()
    return network


def sampled(space: dict[str, Any], seed: int) -> dict[str, Any]:
    made = build(SPACES, space)
    return dict(made.model(made.sample(Random(seed))))


def plain_of(network: nn.Module, example: Tensor) -> tuple[str, nn.Module]:
    source = Source(network, traced(network, example))
    names: dict[str, Any] = {}
    exec(compile(source.text("a network"), "network.py", "exec"), names)
    plain = names["Network"]()
    plain.load_state_dict(source.weights)
    return source.text("a network"), plain.eval()


@torch.no_grad()
def agree(network: nn.Module, channels: int = 3, white: float = 255.0) -> str:
    torch.manual_seed(0)
    text, plain = plain_of(network, white * torch.rand(1, channels, 64, 96))
    for size in ((1, channels, 64, 96), (2, channels, 96, 64)):
        image = white * torch.rand(size)
        for one, other in zip(_several(plain(image)), _several(network(image)), strict=True):
            assert one.shape == other.shape
            assert torch.allclose(one, other, atol=1e-4 * max(1.0, float(other.abs().max())))
    imported = {
        alias.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for alias in node.names
    }
    assert imported == {"torch"}
    return text


def _several(made: Any) -> list[Tensor]:
    return list(made) if isinstance(made, tuple) else [made]


@pytest.mark.parametrize("seed", range(3))
def test_decoders_of_cells(seed: int) -> None:
    agree(Pixels(network_of(dict(type="EncoderDecoder"), sampled(dict(type="DecoderCells", channels=16), seed))))


def test_stock_decoders_and_searched_backbones() -> None:
    agree(Pixels(network_of(dict(type="EncoderDecoder", width=16), {})))
    agree(Pixels(network_of(dict(type="EncoderDecoder", width=16), MBCONV)))


def test_a_layer_is_written_with_what_its_text_leaves_out() -> None:
    pools = [nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), nn.AvgPool2d(3, 2, 1)]
    text = agree(nn.Sequential(nn.Conv2d(3, 4, 3), *pools))
    assert re.findall(r"nn.AvgPool2d\((.*)\)", text) == [
        "kernel_size=3, stride=2, padding=1, ceil_mode=True, count_include_pad=False",
        "kernel_size=3, stride=2, padding=1",
    ]


@pytest.mark.parametrize("seed", range(3))
def test_backbones_of_cells(seed: int) -> None:
    space = dict(type="NASNetCells", depth=1, channels=4)
    agree(Pixels(network_of(dict(type="EncoderDecoder", width=16), sampled(space, seed))))


def test_backbones_of_meta_kernels() -> None:
    """Which are merged when they are taken home."""
    network = network_of(dict(type="EncoderDecoder", width=16), sampled(dict(type="MetaKernels", channels=4), 0))
    assert any(isinstance(module, MetaKernel) for module in network.modules())
    text = agree(Pixels(merged(network)))
    assert "kernel_size=(7, 7)" in text or "kernel_size=7" in text


def test_backbones_of_graphs() -> None:
    agree(Pixels(network_of(dict(type="EncoderDecoder", width=16), sampled(dict(type="DeepNEAT", width=0.06), 1))))


@pytest.mark.parametrize("seed", range(3))
def test_pyramids_and_heads_of_cells(seed: int) -> None:
    neck, head = sampled(dict(type="FPNCells", **CELLS), seed), sampled(dict(type="HeadCells", channels=16), seed)
    agree(Boxes(network_of(FCOS, {**neck, **head})))


def test_deformable_convolutions_and_anchors() -> None:
    deform = OPERATIONS.index("deform")
    neck = dict(type="densebench.CellFPN", genotype=[[1, 2, deform, 0, 0], [2, 3, 1, deform, 1], [0, 1, 2, 2, 0]])
    agree(Boxes(network_of(FCOS, {"neck": {**neck, "out_channels": 16}})))
    agree(Boxes(network_of(dict(type="SSDLite"), MBCONV)))
    agree(Boxes(network_of(dict(type="RetinaNet", width=16), {})))


@pytest.mark.parametrize("settings", [dict(), dict(fold=2, scale=2), dict(holes=True), dict(aspp=True)])
def test_restoration(settings: dict[str, Any]) -> None:
    space = dict(type="RestorationCells", nodes=2, layers=2, channels=4, stem=8, **settings)
    network = build_network(sampled(space, 0)["network"], 0, "cpu").eval()
    agree(network, 1 + bool(settings.get("holes")), 1.0)
    agree(build_network(dict(type="DnCNN", width=8, depth=3, fold=2), 0, "cpu").eval(), 1, 1.0)


@pytest.mark.parametrize(
    ("template", "parts"), [(FCOS, {}), (dict(type="RetinaNet", width=16), {}), (dict(type="SSDLite"), MBCONV)]
)
@torch.no_grad()
def test_boxes_are_those_of_mmdetection(template: dict[str, Any], parts: dict[str, Any]) -> None:
    network = network_of(template, parts)
    image, size = 255 * torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0)), (64, 96)
    home = Boxes(network)
    boxes, scores = (output[0].numpy() for output in home(image))
    outputs = network.bbox_head(network.neck(network.backbone(home.normalised(image))))
    settings = network.test_cfg.copy()
    settings.update(score_thr=0.0, nms_pre=100_000, max_per_img=50)
    meta = dict(img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0))
    theirs: InstanceData = network.bbox_head.predict_by_feat(*outputs, batch_img_metas=[meta], cfg=settings)[0]
    ours = chosen(boxes, scores, settings["nms"]["iou_threshold"], 0.0)[:50]
    assert torch.allclose(torch.tensor(ours[:, 4]).float(), theirs.scores, atol=1e-5)
    assert torch.allclose(torch.tensor(ours[:10, :4]).float(), theirs.bboxes[:10], atol=1e-2)


def test_what_has_no_text_is_refused() -> None:
    class Drawn(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + self.draw(x)

        draw: Callable[[Tensor], Tensor] = staticmethod(lambda x: float(x.sum()) * x)

    with pytest.raises(ValueError, match="cannot be written as a plain file"):
        traced(Drawn().eval(), torch.rand(1, 1, 4, 4))


def test_a_plain_file_needs_no_more_than_torch() -> None:
    text, _ = plain_of(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 1, 1)), torch.rand(1, 1, 8, 8))
    assert text.count("nn.Conv2d") == 2
    assert "nn.Sequential" in text
