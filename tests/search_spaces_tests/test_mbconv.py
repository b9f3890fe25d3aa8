"""Backbones of inverted residuals: the space, its notation, MobileNetV2's weights, and published detectors' costs."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.models.backbones import EfficientNet
from mmdet.registry import MODELS
from mmseg.models.backbones import MobileNetV2
from PIL import Image

from search_spaces.mbconv.network import InvertedResidual, MBConvClassifier, MBConvNet, SqueezeExcite, deepened
from search_spaces.mbconv.space import (
    EFFICIENTNET,
    EFFICIENTNET_B0,
    FNA_SSDLITE,
    MOBILENET_V2,
    RANA_KIM,
    STRIDE_16,
    MBConv,
)
from tasks.checkpoint import read_checkpoint
from tasks.complexity import madds, params
from tasks.detection.templates import SSDLite


def test_size() -> None:
    assert MBConv(wide=(4,)).size == 6**5 * 3 * 7**15  # 1.1e17, as printed
    assert MBConv().size == 6**6 * 7**15


@pytest.mark.parametrize("genotype", [MOBILENET_V2, FNA_SSDLITE, RANA_KIM], ids=["mobilenet_v2", "fna", "rana_kim"])
def test_published_notation_goes_in_and_out(genotype: list[list[str]]) -> None:
    space = MBConv()
    assert space.write(space.read(genotype).as_dict()) == genotype


@pytest.mark.parametrize(
    "genotype", [[], FNA_SSDLITE[:5], [*FNA_SSDLITE[:5], ["k7e6", "k7e6"]], [5] * 6, [[1, 2], 3], None]
)
def test_what_is_no_genotype_is_refused(genotype) -> None:
    with pytest.raises(ValueError, match=r"is not a genotype of MBConv|unknown decision"):
        MBConv().read(genotype)


FIGURE_4 = [  # as Rana and Kim print it
    [[32, 16], ["k3_e1"], 1],
    [[16, 24], ["k7_e6", "k5_e6", "k3_e6", "k3_e3"], 2],
    [[24, 32], ["k7_e6", "k3_e6", "k5_e6", "k7_e3"], 2],
    [[32, 64], ["k5_e6", "k3_e6", "k3_e3", "k3_e6"], 2],
    [[64, 96], ["k3_e6", "k7_e6", "k3_e6", "k7_e3"], 1],
    [[96, 160], ["k5_e6", "k7_e6", "k7_e3", "k5_e3"], 2],
    [[160, 320], ["k3_e6"], 1],
]


def test_the_notation_of_figure_4_is_read() -> None:
    space = MBConv()
    assert space.read(FIGURE_4) == space.read(FIGURE_4[1:]) == space.read(RANA_KIM)
    others = ([[16, 24], ["k7_e6"], 1], [[16, 32], ["k7_e6"], 2], [[16, 24], ["k7_e6"]], ["k7_e6"])
    for wrong in (*([FIGURE_4[0], row, *FIGURE_4[2:]] for row in others), [[[32, 16], ["k5_e1"], 1], *FIGURE_4[1:]]):
        with pytest.raises(ValueError, match="is not a genotype of MBConv"):
            space.read(wrong)


@pytest.mark.parametrize("layers", [(4, 4, 4), (4, 4, 4, 4, 4, 0)])
def test_wrong_depths_are_refused(layers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="layers must be 6 numbers"):
        MBConv(layers)
    with pytest.raises(ValueError, match=r"wide must name stages from 0 to 5, not \(6,\)"):
        MBConv(wide=(6,))


@pytest.mark.parametrize(
    ("stage", "operation"),
    [(0, "skip"), (5, "skip"), (4, "k5e3")],
)
def test_a_stage_needs_its_first_layer_as_wide_as_it_is_asked_to_be(stage: int, operation: str) -> None:
    genotype = [list(operations) for operations in MOBILENET_V2]
    genotype[stage][0] = operation
    with pytest.raises(ValueError, match=f"'stage{stage}.layer0' cannot be '{operation}'"):
        MBConv(wide=(4,)).read(genotype)


def test_equal_networks_share_a_key_and_unequal_ones_do_not() -> None:
    space = MBConv()
    base, *rest = MOBILENET_V2
    first = space.read([["k3e6", "k5e3", "k7e6"], *rest])
    for same in (["k3e6", "skip", "k5e3", "k7e6"], ["k3e6", "k5e3", "skip", "k7e6"], ["k3e6", "k5e3", "k7e6", "skip"]):
        assert space.read([same, *rest]) == first
        assert space.model(space.read([same, *rest])) == space.model(first)
    assert space.read([["k3e6", "k7e6", "k5e3"], *rest]) != first
    assert space.read([base, *rest]) != first


def test_shallower_spaces() -> None:
    space = MBConv((1, 2, 1, 2, 1, 1), width=0.25)
    assert space.size == 6**6 * 7**2
    for seed in range(20):
        stages = space.model(space.sample(Random(seed)))["backbone"]["stages"]
        assert all(1 <= len(stage) <= depth for stage, depth in zip(stages, space.layers, strict=True))


@pytest.mark.parametrize("width", [0.35, 0.5, 0.75, 1.0, 1.4])
def test_mobilenet_v2_is_mmsegmentations(width: float) -> None:
    """The same names and shapes, and with the same weights the same outputs."""
    theirs = MobileNetV2(width, strides=(1, 2, 2, 2, 1, 2, 1), out_indices=(1, 2, 4, 6))
    theirs.eval()  # returns nothing
    ours = MBConvNet(MOBILENET_V2, width, ("4", "8", "16", "32", "16+", "32+")).eval()
    shapes = {name: value.shape for name, value in theirs.state_dict().items()}
    assert {name: value.shape for name, value in ours.state_dict().items() if not name.startswith("conv2.")} == shapes
    assert {name: value.shape for name, value in MBConvNet(MOBILENET_V2, width).state_dict().items()} == shapes
    ours.load_state_dict(theirs.state_dict(), strict=False)
    image = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected, (*found, tap, out) = theirs(image), ours(image)
        assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(found, expected, strict=True))
        assert torch.allclose(tap, theirs.layer6[0].conv[0](expected[2]), atol=1e-6)
        assert torch.allclose(out, ours.conv2(expected[3]), atol=1e-6)


def test_a_dilated_mobilenet_v2_is_mmsegmentations() -> None:
    theirs = MobileNetV2(0.5, **STRIDE_16, out_indices=(2, 6))
    theirs.eval()
    space = MBConv(width=0.5, **STRIDE_16)
    backbone = space.model(space.read(MOBILENET_V2))["backbone"]
    ours = MODELS.build({**backbone, "taps": ["8", "16"]}).eval()
    ours.load_state_dict(theirs.state_dict())
    image = torch.randn(1, 3, 80, 112, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(theirs(image), ours(image), strict=True))
        last = MODELS.build({**backbone, "taps": ["16+"]}).eval()(image)[0]
    assert last.shape == (1, 1280, 5, 7)
    with pytest.raises(ValueError, match="unknown tap '32'"):
        MODELS.build({**backbone, "taps": ["32"]})


@pytest.mark.parametrize(("kernel", "size"), [(3, 5), (5, 9), (7, 13)])
@torch.no_grad()
def test_dilated_kernels_see_further_and_keep_the_size(kernel: int, size: int) -> None:
    layer: Any = InvertedResidual(8, 8, kernel, None, 1, dilation=2).eval()
    conv = layer.conv[0]
    conv.conv.weight.fill_(1.0)
    image = torch.zeros(1, 8, 17, 17)
    image[0, 0, 8, 8] = 1.0
    seen = conv(image)[0, 0].nonzero()
    assert len(seen) == kernel**2
    assert (seen.max() - seen.min() + 1).item() == size


def test_imagenet_weights_recognise_a_photograph(shared) -> None:
    path = str(shared("mobilenetv2_imagenet") / "mobilenet_v2_1.0_torchvision_layout_dequant.pth")
    network = MBConvNet(MOBILENET_V2, taps=("32+",)).eval()
    weights, report = read_checkpoint(path, network)
    network.load_state_dict(weights)
    assert "left over ['classifier']" in report
    photograph = Image.open(shared("bsds500") / "BSDS500/data/images/test/196088.jpg")
    scale = 256 / min(photograph.size)
    photograph = photograph.resize([round(side * scale) for side in photograph.size], Image.Resampling.BILINEAR)
    left, top = ((side - 224) // 2 for side in photograph.size)
    pixels = np.asarray(photograph.crop((left, top, left + 224, top + 224)), np.float32) / 255
    pixels = (pixels - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    classifier = torch.load(path, weights_only=True)
    with torch.no_grad():
        features = network(torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None])[0].mean((2, 3))
        scores = torch.softmax(features @ classifier["classifier.1.weight"].T + classifier["classifier.1.bias"], 1)
    assert scores.argmax() == 45  # Gila monster
    assert scores[0, 45] > 0.99


@pytest.mark.parametrize(
    ("width", "depth", "count"),  # as torchvision has them
    [(1.0, 1.0, 5_288_548), (1.0, 1.1, 7_794_184), (1.1, 1.2, 9_109_994), (1.2, 1.4, 12_233_232)],
)
def test_efficientnets_count_exactly(width: float, depth: float, count: int) -> None:
    space = MBConv(width=width, depth=depth, **EFFICIENTNET)
    backbone = space.model(space.read(EFFICIENTNET_B0))["backbone"]
    network = MODELS.build({**backbone, "type": "densebench.MBConvClassifier", "classes": 1000})
    assert isinstance(network, MBConvClassifier)
    assert params(network) == count


def test_efficientnet_b0_has_the_layers_of_mmdetection() -> None:
    theirs = EfficientNet("b0")
    ours = MBConvNet(EFFICIENTNET_B0, taps=("8", "32", "32+"), **EFFICIENTNET).eval()
    shapes = [tuple(weight.shape) for weight in theirs.parameters()]
    assert [tuple(weight.shape) for weight in ours.parameters()] == shapes
    with torch.no_grad():
        assert [tuple(x.shape) for x in ours(torch.zeros(1, 3, 64, 64))] == [
            (1, 40, 8, 8), (1, 320, 2, 2), (1, 1280, 2, 2)
        ]  # fmt: skip


@torch.no_grad()
def test_channels_are_weighted_by_what_their_means_say() -> None:
    torch.manual_seed(0)
    layer, x = SqueezeExcite(4, 2, "SiLU"), torch.randn(2, 4, 3, 5)
    hidden = torch.nn.functional.silu(layer.conv1.conv(x.mean((2, 3), keepdim=True)))
    factors = torch.sigmoid(layer.conv2.conv(hidden))
    assert torch.allclose(layer(x), x * factors)
    assert params(layer) == 4 * 2 + 2 + 2 * 4 + 4


@pytest.mark.parametrize(("depth", "layers"), [(1.0, "abc"), (1.1, "abcc"), (2.0, "abcccc")])
def test_the_last_layer_of_a_deeper_stage_is_repeated(depth: float, layers: str) -> None:
    assert deepened("abc", depth) == list(layers)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (dict(depth=0.9), "depth must be at least 1, not 0.9"),
        (dict(act="Swish"), "act must be one of ReLU6, ReLU, HSwish, SiLU, or 7 of them, not 'Swish'"),
        (dict(act=["ReLU6"] * 6), "or 7 of them, not"),
        (dict(channels=[24, 40]), r"layers must be 2 numbers from 1 on, not \(4, 4, 4, 4, 4, 1\)"),
        (dict(channels=[]), r"channels must be 0 numbers from 1 on"),
        (dict(ends=[32, 16]), r"ends must be 3 numbers from 1 on, not \(32, 16\)"),
        (dict(operations=["k3e6", "k4e6"]), "there is no operation 'k4e6': write kernel and expansion as in k3e6"),
        (dict(operations=[]), r"operations must be different ones such as k3e3, .*, not \(\)"),
        (dict(operations=["k3e6", "k3e6"]), "operations must be different ones"),
        (dict(operations=["k3e3"], wide=[3]), r"an expansion of 6, which none of \('k3e3',\) has: add one"),
        (dict(first="k3e0"), "there is no operation 'k3e0'"),
        (dict(operations=["k3w00"]), "there is no operation 'k3w00'"),
        (dict(first="3e1"), "there is no operation '3e1'"),
        (dict(width=0), "width must be positive, not 0"),
        (dict(strides=[1, 2, 2]), r"strides must be 7 numbers from 1 on, not \(1, 2, 2\)"),
        (dict(dilations=[0] * 7), r"dilations must be 7 numbers from 1 on, not \(0, 0, 0, 0, 0, 0, 0\)"),
    ],
)
def test_wrong_sizes_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        MBConv(**settings)


STRIDES = {"2": 2, "2+": 2, "4": 4, "4+": 4, "8": 8, "8+": 8, "16": 16, "16+": 16, "32": 32, "32+": 32}


@pytest.mark.parametrize(
    ("width", "channels"),
    [
        (0.25, (8, 48, 8, 48, 8, 48, 24, 144, 80, 1280)),
        (1.0, (16, 96, 24, 144, 32, 192, 96, 576, 320, 1280)),
        (1.4, (24, 144, 32, 192, 48, 288, 136, 816, 448, 1792)),
    ],
)
@torch.no_grad()
def test_taps(width: float, channels: tuple[int, ...]) -> None:
    space = MBConv(width=width)
    backbone = space.model(space.read(RANA_KIM))["backbone"]
    network = MODELS.build({**backbone, "taps": list(STRIDES)}).eval()
    image = torch.randn(2, 3, 100, 64, generator=torch.Generator().manual_seed(0))
    maps = network(image)
    shapes = [
        (2, width, math.ceil(100 / stride), 64 // stride)
        for width, stride in zip(channels, STRIDES.values(), strict=True)
    ]
    assert [tuple(x.shape) for x in maps] == shapes
    for taps in (("16+", "32+"), ("4", "8", "16", "32"), ("32",), ("16", "16+")):
        fewer = MODELS.build({**backbone, "taps": taps}).eval()
        left = fewer.load_state_dict(network.state_dict(), strict=False)
        assert (left.missing_keys, bool(left.unexpected_keys)) == ([], "32+" not in taps)
        assert all(torch.equal(x, maps[list(STRIDES).index(tap)]) for x, tap in zip(fewer(image), taps, strict=True))


@torch.no_grad()
def test_what_a_layer_without_expansion_leaves_is_what_it_reads() -> None:
    network = MBConvNet([*MOBILENET_V2[:4], ["k3e1"], ["k3e6"]], 0.25, taps=("16", "16+", "32")).eval()
    last, read, _ = network(torch.rand(1, 3, 64, 64))
    assert torch.equal(last, read)


def test_a_tap_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown tap '64'"):
        MBConvNet(MOBILENET_V2, taps=("64",))


@pytest.mark.parametrize(
    ("genotype", "classes", "count", "cost"),
    [
        (FNA_SSDLITE, 80, 4_630_316, 880_333_504),
        (MOBILENET_V2, 80, 4_322_988, 808_218_304),
        (RANA_KIM, 80, 4_507_140, 992_960_704),
        (RANA_KIM, 79, 4_490_952, 991_175_872),  # the article does not say how many classes it counts with
        (RANA_KIM, 90, 4_669_020, 1_010_809_024),
    ],
)
def test_published_detectors_count_exactly(genotype: list[list[str]], classes: int, count: int, cost: int) -> None:
    space = MBConv()
    detector = MODELS.build(SSDLite().config(space.model(space.read(genotype)), {}, classes, (320, 320)))
    assert params(detector) == count
    assert madds(detector, (3, 320, 320)) == cost
