"""Model templates: which parts they take, what they tell a backbone, and any decode head in the segmentation template."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import MODELS
from torch import Tensor, nn

from core import build
from search_spaces.mbconv.space import MOBILENET_V2
from strategies.baseline import Baseline
from tasks import TASKS, Stage
from tasks.decoding.scores import scores_of
from tasks.registry import TEMPLATES
from tasks.segmentation.task import SegmentationTask
from tasks.templates import outputs, takes, told

RESNET = dict(type="mmseg.ResNet", depth=18, out_indices=(0, 1, 2, 3))
MBCONV = dict(type="densebench.MBConvNet", stages=MOBILENET_V2, width=0.25)
SIZE = (64, 64)


@MODELS.register_module()
class Steps(nn.Module):
    """A backbone that gives maps of the strides that it is told, 8 channels each."""

    built = 0

    def __init__(self, taps: Sequence[str]):
        super().__init__()
        type(self).built += 1
        self.convs = nn.ModuleList(nn.Conv2d(3, 8, int(tap), int(tap)) for tap in taps)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [conv(x) for conv in self.convs]


def config(parts: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return build(TEMPLATES, dict(type="EncoderDecoder", **settings)).config(parts, RESNET, 3, SIZE)


def test_backbones_are_told_the_taps_where_they_can_be() -> None:
    assert takes(dict(type="Steps"), "taps")
    assert told(dict(type="Steps"), ("4", "8")) == dict(type="Steps", taps=["4", "8"])
    assert told(RESNET, ("4", "8")) == RESNET
    assert config({"backbone": dict(type="Steps")})["backbone"]["taps"] == ["4", "8", "16", "32"]
    short = config({"backbone": dict(type="Steps")}, taps=["4", "8"])
    assert (short["backbone"]["taps"], short["decode_head"]["in_channels"]) == (["4", "8"], [8, 8])


def test_a_backbone_is_looked_at_once() -> None:
    before = Steps.built
    for _ in range(3):
        assert outputs(dict(type="Steps", taps=["16", "2"])) == ([8, 8], [16, 2])
    assert Steps.built == before + 1


def test_torchs_global_generator_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    outputs(dict(type="Steps", taps=["1"]))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"EncoderDecoder 'neck': choose one of backbone, decoder.*another space"):
        config({"neck": {}})
    two = {**RESNET, "out_indices": (0, 3)}
    with pytest.raises(
        ValueError, match=r"ResNet gives maps of strides \[4, 32\].*EncoderDecoder needs \[4, 8, 16, 32\]"
    ):
        config({"backbone": two})
    with pytest.raises(ValueError, match=r"there is no module 'mmseg.FNCHead'"):
        config({"decoder": dict(type="mmseg.FNCHead")})
    with pytest.raises(ValueError, match=r"taps must be some of 4, 8, 16, 32 in this order, not \['8', '4'\]"):
        config({}, taps=["8", "4"])
    with pytest.raises(ValueError, match="unknown model template 'EncoderDecodr': did you mean 'EncoderDecoder'"):
        build(TEMPLATES, dict(type="EncoderDecodr"))


def test_a_part_takes_the_place_of_the_plain_one() -> None:
    plain = config({}, width=16)["decode_head"]
    assert (plain["type"], plain["channels"], plain["in_channels"]) == ("mmseg.SegformerHead", 16, [64, 128, 256, 512])
    head = dict(type="mmseg.FCNHead", channels=8, in_index=1)
    assert config({}, decoder=head)["decode_head"]["in_channels"] == 128
    assert config({"decoder": {**head, "in_index": -1}}, decoder=head)["decode_head"]["in_channels"] == 512


BN = dict(type="BN")
HEADS = {
    "plain": None,
    "all taps, as it says itself": dict(type="mmseg.UPerHead", channels=8, norm_cfg=BN),
    "FPN": dict(type="mmseg.FPNHead", channels=8, feature_strides=[4, 8, 16, 32], norm_cfg=BN),
    "light RefineNet": dict(type="mmseg.LightRefineNetHead", channels=8),
    "pyramid pooling": dict(type="mmseg.PSPHead", channels=8, norm_cfg=BN),
    "scores of its branches": dict(type="mmseg.DAHead", channels=8, pam_channels=4, norm_cfg=BN),
    "attention": dict(type="mmseg.NLHead", channels=8, norm_cfg=BN),
    "some taps": dict(type="mmseg.ANNHead", channels=8, project_channels=4, in_index=[2, 3], norm_cfg=BN),
    "DeepLabv3": dict(type="mmseg.ASPPHead", channels=8, dilations=(1, 2), norm_cfg=BN),
    "DeepLabv3, light": dict(type="mmseg.LightASPPHead", channels=8, dilations=(1, 2), norm_cfg=BN),
    "last tap": dict(type="mmseg.FCNHead", channels=8, num_convs=1, norm_cfg=dict(type="BN")),
    "resized": dict(type="mmseg.FCNHead", channels=8, in_index=[1, 2], input_transform="resize_concat", num_convs=1),
    "DeepLabv3+": dict(
        type="mmseg.DepthwiseSeparableASPPHead", channels=8, c1_in_channels=256, c1_channels=4, dilations=(1, 2),
        norm_cfg=dict(type="BN"), loss_decode=dict(type="mmseg.CrossEntropyLoss", loss_weight=0.4),
    ),
    "DeepLabv3+ without refinement": dict(
        type="mmseg.DepthwiseSeparableASPPHead", channels=8, c1_in_channels=0, c1_channels=0, dilations=(1, 2)
    ),
}  # fmt: skip


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("parts", [{}, {"backbone": MBCONV}], ids=["encoder", "mbconv"])
def test_any_head_trains_on_any_backbone(folder_data: Path, tmp_path: Path, head: Any, parts: dict[str, Any]) -> None:
    task: SegmentationTask = build(
        TASKS,
        dict(
            type="SegmentationTask",
            data=dict(type="FolderSegmentation", root=str(folder_data), layout="folders"),
            encoder=dict(width=0.1),
            template=dict(decoder=head),
            input_size=SIZE,
            cache=str(tmp_path),
        ),
    )
    recipe = dict(epochs=2, batch=2)
    stage = Stage.of(dict(name="s", view=dict(size=SIZE, eval_size=SIZE), recipe=recipe, options=dict(aux=0.1)))
    task.prepare([stage])
    first, again = (task.fit(parts, stage, seed=1).metrics for _ in "ab")
    assert first == again  # also with dropout
    assert set(first) == set(task.metrics)
    assert scores_of(task.network(parts)(torch.zeros(1, *task.input_shape)))[0].shape[1] == 3


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        (dict(type="mmseg.EncHead", channels=8, num_codes=4), "does not score pixels alone, and has losses of its own"),
        (
            dict(type="mmseg.OCRHead", channels=8, ocr_channels=8),
            "missing 1 required positional argument: 'prev_output'",
        ),
        (dict(type="mmseg.ANNHead", channels=8, project_channels=8), r"assert isinstance\(in_channels, "),
    ],
)
def test_a_head_that_cannot_be_trained_here_is_refused_before_a_run(head: Any, sentence: str, tmp_path: Path) -> None:
    task = dict(type="SegmentationTask", data=dict(type="ScenesSegmentation"), encoder=dict(width=0.1), cache="")
    with pytest.raises(ValueError, match=f"the baseline .* cannot be built: .*{sentence}"):
        Baseline(dict(decoder=head)).prepare(SimpleNamespace(task=build(TASKS, task), task_config="{}"))  # type: ignore


def test_published_sizes_of_light_refinenet() -> None:
    """The paper prints 27, 46 and 62 M with ResNet-50, 101 and 152, for the 21 classes of VOC."""
    for depth, millions in ((50, 27), (101, 46), (152, 62)):
        backbone = dict(type="mmseg.ResNet", depth=depth, out_indices=(0, 1, 2, 3))
        template = build(TEMPLATES, dict(type="EncoderDecoder", decoder=dict(type="mmseg.LightRefineNetHead")))
        whole = MODELS.build(ConfigDict(template.config({}, backbone, 21, SIZE)))
        assert round(sum(weight.numel() for weight in whole.parameters()) / 1e6) == millions


def test_a_dilated_backbone_has_finer_taps(folder_data: Path) -> None:
    dilated = {**RESNET, "strides": (1, 2, 2, 1), "dilations": (1, 1, 1, 2)}
    assert config({"backbone": dilated})["backbone"]["dilations"] == (1, 1, 1, 2)
    with pytest.raises(ValueError, match=r"gives maps of strides \[4, 8, 16, 16\], the template FCOS needs"):
        build(TEMPLATES, dict(type="FCOS")).config({}, dict(dilated, out_indices=(0, 1, 2, 3)), 3, SIZE)
