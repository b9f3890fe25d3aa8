"""MobileNetV3 as members of `MBConv`: MMSegmentation's networks to the weight, its classifier, and what else they serve as."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmseg.models.backbones import MobileNetV3

from search_spaces.mbconv.network import InvertedResidual, MBConvClassifier, MBConvNet
from search_spaces.mbconv.space import MOBILENET_V3_LARGE, MOBILENET_V3_SMALL, V3_LARGE, V3_SMALL, MBConv
from tasks.complexity import params
from tasks.detection.templates import SSDLite

MEMBERS = {"large": (V3_LARGE, MOBILENET_V3_LARGE), "small": (V3_SMALL, MOBILENET_V3_SMALL)}
DILATED: dict[str, dict[str, Any]] = {  # as MMSegmentation's are
    "large": dict(strides=(1, 2, 2, 1, 1, 1), dilations=(1, 1, 1, 2, 2, 4)),
    "small": dict(strides=(2, 2, 1, 1, 1), dilations=(1, 1, 2, 2, 4)),
}


def backbone(name: str, **settings: Any) -> dict[str, Any]:
    given, genotype = MEMBERS[name]
    space = MBConv(**{**given, **settings})
    assert space.write(space.read(genotype).as_dict()) == genotype
    return space.model(space.read(genotype))["backbone"]


@pytest.mark.parametrize(("name", "layers"), [("large", (3, 15, 16)), ("small", (1, 11, 12))])
@torch.no_grad()
def test_it_is_mmsegmentations(name: str, layers: tuple[int, ...]) -> None:
    """The same weights in the same order, and with them the same outputs: of an odd size, as it pads even ones otherwise."""
    theirs = MobileNetV3(name, out_indices=layers)
    theirs.eval()
    ours = MODELS.build({**backbone(name, **DILATED[name]), "taps": ["4", "8", "8+"]}).eval()
    generator = torch.Generator().manual_seed(0)
    for weight in theirs.state_dict().values():
        if weight.dim() == 1:
            weight.uniform_(0.5, 1.5, generator=generator)
    known, found = theirs.state_dict(), ours.state_dict()
    assert [tuple(weight.shape) for weight in found.values()] == [tuple(weight.shape) for weight in known.values()]
    ours.load_state_dict(dict(zip(found, known.values(), strict=True)))
    image = torch.randn(1, 3, 65, 97, generator=generator)
    for wanted, shown in zip(theirs(image), ours(image), strict=True):
        assert torch.allclose(shown, wanted, rtol=1e-4, atol=1e-5 * wanted.abs().max())


@pytest.mark.parametrize(("name", "hidden", "count"), [("large", 1280, 5_483_032), ("small", 1024, 2_542_856)])
def test_the_classifiers_count_exactly(name: str, hidden: int, count: int) -> None:
    """As torchvision's do."""
    classifier = dict(type="densebench.MBConvClassifier", classes=1000, hidden=hidden)
    assert params(MODELS.build({**backbone(name), **classifier})) == count


@torch.no_grad()
def test_the_maps_are_averaged_before_the_last_layer() -> None:
    settings = dict(stages=[["k3e3"]] * 6, width=0.25, ends=(32, 16, 64))
    network = MBConvClassifier(classes=5, hidden=8, **settings).eval()
    image = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    means = network.backbone(image)[0].mean((2, 3))
    assert means.shape == (2, 64)
    first, _, second = network.classifier  # type: ignore[misc]
    x = first(means)
    assert torch.allclose(network(image), second(x * (x + 3).clamp(0, 6) / 6), atol=1e-6)


@torch.no_grad()
def test_squeeze_excite_of_a_layer() -> None:
    """A quarter of the expanded channels as a multiple of 8, and a hard sigmoid (as in the paper's section 5.3)."""
    layer: Any = InvertedResidual(16, 24, 5, 72, 2, "HSwish", "MobileNetV3").eval()
    excite, x = layer.conv[2], torch.randn(2, 72, 3, 3, generator=torch.Generator().manual_seed(0))
    assert tuple(excite.conv1.conv.weight.shape) == (24, 72, 1, 1)
    logits = excite.conv2.conv(excite.conv1.conv(x.mean((2, 3), keepdim=True)).relu())
    assert torch.allclose(excite(x), x * ((logits + 3) / 6).clamp(0, 1), atol=1e-6)
    assert layer(torch.zeros(1, 16, 9, 9)).shape == (1, 24, 5, 5)


@pytest.mark.parametrize(("name", "channels"), [("large", (672, 960)), ("small", (288, 576))])
def test_detectors_tap_the_expansion_at_stride_16(name: str, channels: tuple[int, int]) -> None:
    config = SSDLite().config({"backbone": backbone(name)}, {}, 20, (64, 64))
    built = MODELS.build(config)
    with torch.no_grad():
        maps = built.backbone(torch.zeros(1, 3, 64, 64))
    assert [tuple(x.shape) for x in maps] == [(1, channels[0], 4, 4), (1, channels[1], 2, 2)]


def test_squeeze_excite_may_be_searched() -> None:
    space = MBConv((2,) * 6, width=0.25, wide=(0,), operations=("k3e3", "k3e6", "k3e6s", "k5e6.5s"))
    assert space.size == 2 * 5 * (4 * 5) ** 5
    assert space.decisions["stage0.layer0"] == ("k3e6", "k3e6s")
    arch = space.sample(Random(0))
    network: MBConvNet = MODELS.build(space.model(arch)["backbone"]).eval()
    wanted = sum(str(choice).endswith("s") for choice in arch.as_dict().values())
    assert wanted == sum(type(module).__name__ == "SqueezeExcite" for module in network.modules())


def test_a_block_with_a_stride_has_no_expansion_to_tap() -> None:
    with pytest.raises(ValueError, match=r"unknown tap '2[+]'"):
        MODELS.build({**backbone("small"), "taps": ["2+"]})
