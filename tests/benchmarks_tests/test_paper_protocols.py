"""Protocols at the papers' scale hold the papers' networks: parameters as printed, on each encoder and at each width."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import benchmarks, read_protocol
from benchmarks.published.networks import PUBLISHED
from core import build
from search_spaces import SPACES
from tasks import TASKS

PARAMS = {network.id: network.params for network in PUBLISHED}
PAPERS = ("voc-", "cityscapes-", "camvid-", "coco-", "nyu-", "mpii-")
EXPANSION = 1_088  # weights of the authors' MobileNetV2 in the convolution that torchvision's has not
# torchvision's own counts without the classifier of ImageNet.
TRUNKS = {"resnet50": 23_508_032, "resnet101": 42_500_160, "resnext101": 81_406_272}
MOBILENET = 1_812_800  # the authors' encoder
WIDER = 64 * (256 + 512 + 1024 + 2048 - 24 - 32 - 96 - 320)  # weights that 64 channels read the wider taps with


def params(benchmark: str, row: str, cache: Path) -> int:
    """The parameters of a row's network in the final training; constant affine pairs of norms do not count."""
    protocol = read_protocol(benchmark)
    settings, strategy = protocol["benchmark"]["task"], protocol["strategies"][row]
    data = {**settings["data"].get("data", settings["data"]), "root": str(cache)}
    if settings["type"].endswith("DetectionTask"):  # COCO's classes lie in its annotations
        data = dict(type="VocDetection", root=str(cache), classes=[str(index) for index in range(80)])
    encoder = {name: value for name, value in settings["encoder"].items() if name != "checkpoint"}
    own = {name: value for name, value in settings.items() if name != "teacher"} | strategy.get("task", {})
    task: Any = build(TASKS, {**own, "data": data, "encoder": encoder, "cache": str(cache)})
    model = strategy.get("model", {})
    if "genotype" in strategy:
        space = build(SPACES, protocol["benchmark"]["final_space"])
        model = space.model(space.read(strategy["genotype"]))
    network = task.network(model)
    constant = [one for one in network.backbone.parameters() if one.dim() == 1 and not one.requires_grad]
    return sum(one.numel() for one in network.parameters()) - sum(one.numel() for one in constant)


@pytest.mark.parametrize("name", [name for name in benchmarks() if name.startswith(PAPERS)])
def test_a_protocol_is_a_fair_one_and_has_random_search(name: str) -> None:
    protocol = read_protocol(name)
    assert Benchmark(protocol["benchmark"]).id == name
    assert "random_search" in protocol["strategies"]


@pytest.mark.parametrize(
    ("benchmark", "row", "printed"),
    [
        *(("voc-decoder-v1", f"arch{k}", f"SEG-{k}") for k in range(3)),
        *(("nyu-decoder-v1", f"arch{k}", f"SEG-{k}d") for k in range(3)),
        *(("mpii-decoder-v1", f"arch{k}", f"SEG-{k}m") for k in range(3)),
        *(("coco-decoder-v1", f"arch{k}", f"SEG-{k}c") for k in range(3)),
        ("voc-fcos-v3", "nas_fcos", "DET-4"),
        ("voc-fcos-v3", "plain_fcos", "DET-7"),
        ("voc-fcos-v3", "plain_retinanet", "RET-MBv2"),
        ("voc-fcos-128-v1", "nas_fcos", "DET-5"),
        ("voc-fcos-128-256-v1", "nas_fcos", "DET-9"),
        ("voc-fcos-resnet50-v1", "nas_fcos", "DET-1"),
        ("voc-fcos-resnet50-v1", "plain_fcos", "DET-6"),
        ("voc-fcos-resnet50-v1", "plain_retinanet", "RET-R50"),
        ("voc-fcos-resnet50-fpn-v1", "plain_fcos", "DET-6"),
        ("voc-fcos-resnet50-head-v1", "plain_fcos", "DET-6"),
        ("voc-fcos-resnet50-128-v1", "nas_fcos", "DET-2"),
        ("voc-fcos-resnet50-128-256-v1", "nas_fcos", "DET-10"),
        ("voc-fcos-resnet101-v1", "nas_fcos", "DET-3"),
        ("voc-fcos-resnet101-v1", "plain_fcos", "DET-8"),
        ("voc-fcos-resnext101-v1", "nas_fcos", "DET-11"),
        ("voc-fcos-resnext101-improved-v1", "nas_fcos", "DET-11"),
        ("voc-fcos-resnext101-improved-v1", "plain_fcos", "FCOS-X101"),
    ],
)
def test_rows_are_the_networks_of_the_tables(benchmark: str, row: str, printed: str, tmp_path: Path) -> None:
    assert params(benchmark, row, tmp_path) == PARAMS[printed]


@pytest.mark.parametrize("row", [0, 1])
def test_templates_on_cityscapes_are_the_published_ones_but_for_the_encoders_expansion(
    row: int, tmp_path: Path
) -> None:
    assert params("cityscapes-templates-v1", f"arch{row}", tmp_path) == PARAMS[f"TPL-{row}"] - EXPANSION


@pytest.mark.parametrize("row", [0, 1, 2])
def test_decoders_on_cityscapes_score_two_classes_less(row: int, tmp_path: Path) -> None:
    scored = 2 * (9 * 64 + 1)
    assert params("cityscapes-decoder-v1", f"arch{row}", tmp_path) == PARAMS[f"SEG-{row}"] - EXPANSION - scored


@pytest.mark.parametrize("row", [0, 1, 2])
@pytest.mark.parametrize("encoder", TRUNKS)
def test_decoders_on_other_encoders_differ_by_these_and_by_how_they_read_them(
    encoder: str, row: int, tmp_path: Path
) -> None:
    decoder = PARAMS[f"SEG-{row}"] - MOBILENET + WIDER
    assert params(f"voc-decoder-{encoder}-v1", f"arch{row}", tmp_path) == TRUNKS[encoder] + decoder


@pytest.mark.parametrize("part", ["fpn", "head"])
def test_fpn_and_head_alone_are_parts_of_the_published_decoder(part: str) -> None:
    both = read_protocol("voc-fcos-v3")
    whole = build(SPACES, both["benchmark"]["final_space"])
    alone = read_protocol(f"voc-fcos-resnet50-{part}-v1")
    space = build(SPACES, alone["benchmark"]["final_space"])
    found = whole.read(both["strategies"]["nas_fcos"]["genotype"]).as_dict()
    own = {name: value for name, value in found.items() if name.startswith(f"{part}.")}
    assert space.read(alone["strategies"]["nas_fcos"]["genotype"]).as_dict() == own
    assert isinstance(build(SPACES, alone["benchmark"]["space"]), type(space))
