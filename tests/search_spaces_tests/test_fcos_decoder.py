"""FPN and head of FCOS together (NAS-FCOS): notation, refusals, one searched while the other stays, whole detectors."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from mmcv.ops import ModulatedDeformConv2dPack
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from benchmarks.published.networks import PUBLISHED
from core import build
from search_spaces import SPACES
from search_spaces.fcos_decoder.space import FCOSDecoder
from search_spaces.fpn_cells.space import FPNCells
from search_spaces.head_cells.space import HeadCells
from search_spaces.joint import Joint
from tasks import TASKS

FPN, _, HEAD = GENOTYPE = next(network for network in PUBLISHED if network.id == "DET-1").genotype
WIDTH = 8
PUBLISHED_OPS = ["deform", "conv3", "deform", "conv1", "skip", "skip"]


def test_published_notation_goes_in_and_out() -> None:
    model = FCOSDecoder().model(FCOSDecoder().read(GENOTYPE))
    assert model["neck"]["genotype"] == [list(block) for block in FPN]
    assert (model["head"]["ops"], model["head"]["split"]) == (PUBLISHED_OPS, 0)


NO_FIRSTS = ([3, 3, 4, 4], [3, 3, 4, 5, 1], [3, 3, 4, -1, 1], [3, 3, 4, 4, 2], [3, 4, 4, 4, 1])  # it sees no place 4
NO_FPNS = ("fpn", FPN[:6], [*FPN, [0, 0, 0, 0, 0]], *([block, *FPN[1:]] for block in NO_FIRSTS))
NO_HEADS = ((7, HEAD), (0, HEAD[:5]), (0, [*HEAD, 0]), (0, [*HEAD[:5], 6]), (0, [*HEAD[:5], -1]), (0, None))


@pytest.mark.parametrize(
    "genotype", [None, (FPN, 0), *((fpn, 0, HEAD) for fpn in NO_FPNS), *((FPN, *head) for head in NO_HEADS)]
)
def test_what_is_no_genotype_is_refused(genotype: Any) -> None:
    with pytest.raises(ValueError, match=r"is not an? .*genotype|decision"):
        FCOSDecoder().read(genotype)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: FPNCells(blocks=2), "blocks must be at least 3"),
        (lambda: FPNCells(channels=9), "channels must be even"),
        (
            lambda: build(SPACES, dict(type="FPNCells", variant="port")),
            "must be one of 'official', 'mmdet', not 'port'",
        ),
        (lambda: FCOSDecoder(8, head_channels=12), "head_channels must be channels, 8, or twice as many, not 12"),
        (lambda: HeadCells(channels=18), "channels must be a multiple of 4"),
        (lambda: Joint(FPNCells(8), HeadCells(8), FPNCells(16)), r"have a decision 'fpn\.block.*rename one"),
    ],
)
def test_settings_that_make_no_space_are_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


def test_fewer_than_three_outputs_are_no_network() -> None:
    chain = [[3 + block, 0, 0, 0, 0] for block in range(7)]  # every block uses the one before
    with pytest.raises(ValueError, match="make no network: 1 blocks are left over for the 3 outputs"):
        FCOSDecoder().read((chain, 0, HEAD))
    for space in (FPNCells(WIDTH, 3), FPNCells(WIDTH, 7), FCOSDecoder(WIDTH)):
        arch = space.sample(Random(0))
        for seed in range(100):
            arch = space.mutate(arch, Random(seed))
            for answer in (space.sample(Random(seed)), arch):
                genotype = space.model(answer)["neck"]["genotype"]
                used = {place for block in genotype for place in block[:2]}
                assert len(set(range(4, 4 + len(genotype))) - used) >= 3


def test_the_fpn_stays_while_only_the_head_is_searched() -> None:
    space = FCOSDecoder(WIDTH)
    rest = space.read(GENOTYPE)
    part = space.only("head.", rest)
    models = [part.model(part.mutate(part.sample(Random(seed)), Random(seed))) for seed in range(10)]
    assert all(model["neck"] == space.model(rest)["neck"] for model in models)
    assert len({json.dumps(model["head"]) for model in models}) == len(models)


def detector(cache: Path, part: dict[str, Any]) -> Any:
    task = dict(type="DetectionTask", data=dict(type="ScenesDetection"), encoder=dict(width=0.1), cache=str(cache))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = MODELS.build(ConfigDict(build(TASKS, task).config(part)))
        network.init_weights()
    return network


@pytest.mark.parametrize("head_channels", [None, 2 * WIDTH])
@pytest.mark.parametrize("variant", ["official", "mmdet"])
@torch.no_grad()
def test_levels_of_an_odd_image(tmp_path: Path, variant: str, head_channels: int | None) -> None:
    space = FCOSDecoder(WIDTH, variant=variant, head_channels=head_channels)
    sizes = [(10, 13), (5, 7), (3, 4), (2, 2), (1, 1)]
    for seed in range(2):
        outputs = detector(tmp_path, space.model(space.sample(Random(seed)))).eval()(torch.zeros(1, 3, 75, 101))
        for maps, channels in zip(outputs, (6, 4, 1), strict=True):
            assert [tuple(x.shape) for x in maps] == [(1, channels, *size) for size in sizes]


def test_a_head_may_be_twice_as_wide_as_the_fpn() -> None:
    """All parts of one width are those that they always were; of two, only widths change."""
    arch = FCOSDecoder().read(GENOTYPE)
    one, two = FCOSDecoder().model(arch), FCOSDecoder(128, head_channels=256).model(arch)
    assert repr(FCOSDecoder(head_channels=256).model(arch)) == repr(one)
    assert one["head"] == two["head"]
    assert two["neck"] == {**one["neck"], "channels": 128}
    assert one["head"]["in_channels"] == one["head"]["feat_channels"] == 256


def test_a_found_detector_is_a_stock_config(tmp_path: Path) -> None:
    """MMDetection starts, trains and predicts with the config alone, through its own interfaces."""
    space = FCOSDecoder(WIDTH)
    network = detector(tmp_path, space.model(space.read(GENOTYPE)))
    assert torch.allclose(network.bbox_head.conv_cls.bias.sigmoid(), torch.tensor(0.01))
    deforms = [module for module in network.modules() if isinstance(module, ModulatedDeformConv2dPack)]
    assert not any(deform.conv_offset.weight.any() or deform.conv_offset.bias.any() for deform in deforms)
    assert min(deform.weight.std() for deform in deforms) > 0.05  # uniform within 1 / sqrt(9 * channels)

    sample = DetDataSample(metainfo=dict(img_shape=(96, 64), ori_shape=(96, 64), scale_factor=(1.0, 1.0)))
    sample.gt_instances = InstanceData(bboxes=torch.tensor([[8.0, 8, 56, 72]]), labels=torch.tensor([2]))
    data = dict(inputs=[torch.zeros(3, 96, 64, dtype=torch.uint8)] * 2, data_samples=[sample] * 2)
    losses = network.train()(**network.data_preprocessor(data, training=True), mode="loss")
    assert set(losses) == {"loss_cls", "loss_bbox", "loss_centerness"}
    sum(losses.values()).backward()
    assert all(torch.isfinite(weight.grad).all() for weight in network.bbox_head.parameters())
    network.eval()
    network.test_cfg.score_thr = 0.0
    with torch.no_grad():
        found = network(**network.data_preprocessor(data), mode="predict")[0].pred_instances
    assert len(found) > 0
    assert torch.equal(found.bboxes, found.bboxes.clamp(torch.zeros(4), torch.tensor([64, 96, 64, 96])))
