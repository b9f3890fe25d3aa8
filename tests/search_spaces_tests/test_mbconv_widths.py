"""Widths of inverted residuals: the start is the network that it names, residuals stay, and weights are truncated alike."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from mmengine.registry import MODELS

from core import build
from search_spaces import SPACES, Architecture
from search_spaces.mbconv.network import MBConvNet
from search_spaces.mbconv.space import MOBILENET_V2, MOBILENET_V3_SMALL, V3_SMALL, MBConv
from search_spaces.mbconv.widths import MBConvWidths

START = [["k3e6"] * 2, ["k3e3"] * 2, ["k5e6"], ["k3e6"], ["k3e6"], ["k3e6"]]
SPACE = MBConvWidths(START, width=0.5)


def built(space: MBConvWidths, arch: Architecture) -> MBConvNet:
    return MODELS.build(space.model(arch)["backbone"])


def largest(space: MBConvWidths) -> Architecture:
    return space.architecture({name: max(widths) for name, widths in space.decisions.items()})


@pytest.mark.parametrize("width", [0.25, 0.35, 0.5, 0.75, 1.0, 1.4])
def test_the_widest_network_is_the_start(width: float) -> None:
    space, whole = MBConvWidths(width=width), MBConv(width=width)
    start = MODELS.build(whole.model(whole.read(MOBILENET_V2))["backbone"])
    shapes = [
        {name: value.shape for name, value in one.state_dict().items()} for one in (built(space, largest(space)), start)
    ]
    assert shapes[0] == shapes[1]
    assert space.width_decisions == space.decisions.keys()


def test_a_start_of_mobilenet_v3_comes_from_a_config() -> None:
    config = dict(type="MBConvWidths", start=MOBILENET_V3_SMALL, mbconv=V3_SMALL)
    space, whole = build(SPACES, config), MBConv(**V3_SMALL)
    backbone = whole.model(whole.read(MOBILENET_V3_SMALL))["backbone"]
    with torch.device("meta"):
        start, widest = (MODELS.build(one) for one in (backbone, space.model(largest(space))["backbone"]))
    assert [value.shape for value in start.state_dict().values()] == [one.shape for one in widest.state_dict().values()]


def test_widths_of_a_start_that_says_widths() -> None:
    start = [["k3w48"], ["k5w96", "k3e6"]]
    whole = dict(channels=[24, 32], strides=[1, 2, 2], dilations=[1] * 3, operations=["k3w48", "k5w96", "k3e6"])
    space = MBConvWidths(start, mbconv=whole)
    assert [max(space.decisions[f"stage{place}.inside"]) for place in ("0.layer0", "1.layer0", "1.layer1")] == [
        48,
        96,
        192,
    ]
    with pytest.raises(ValueError, match="'k3e1' in start expands nothing"):
        MBConvWidths([["k3e1"], ["k3e6"]], mbconv={**whole, "operations": ["k3e1", "k3e6"]})


def test_networks_are_as_wide_as_they_say_and_keep_their_residuals() -> None:
    whole = built(SPACE, largest(SPACE))
    residuals = [name for name, module in whole.named_modules() if getattr(module, "residual", False)]
    assert residuals == ["layer2.1", "layer3.1"]
    for seed in range(10):
        arch = SPACE.sample(Random(seed))
        network = built(SPACE, arch)
        for name, width in arch.as_dict().items():
            stage = int(name[5]) + 2
            if name.endswith("outside"):
                for layer in network.get_submodule(f"layer{stage}").children():
                    assert layer.conv[-1].out_channels == width  # type: ignore[union-attr, index]
            else:
                assert network.get_submodule(f"layer{stage}.{name[12]}.conv.1").out_channels == width
        assert all(network.get_submodule(name).residual for name in residuals)


@pytest.mark.parametrize("name", ["stage1.layer1.inside", "stage1.outside"])
def test_a_narrower_child_has_the_heaviest_channels_of_its_parent(name: str) -> None:
    torch.manual_seed(0)
    parent = largest(SPACE)
    child = SPACE.architecture({**parent.as_dict(), name: 8})
    old: dict[str, Any] = {f"backbone.{key}": value for key, value in built(SPACE, parent).state_dict().items()}
    fresh = {f"backbone.{key}": value for key, value in built(SPACE, child).state_dict().items()}
    old["decode_head.convs.1.conv.weight"], fresh["decode_head.convs.1.conv.weight"] = torch.rand(32, 16, 1, 1), None
    fresh["decode_head.convs.1.conv.weight"] = torch.rand(32, 8 if name.endswith("outside") else 16, 1, 1)
    taken = SPACE.inherit(old, fresh, parent, child)
    makers = {
        "stage1.layer1.inside": ["layer3.1.conv.0.conv.weight", "layer3.1.conv.1.conv.weight"],
        "stage1.outside": ["layer3.0.conv.2.conv.weight", "layer3.1.conv.2.conv.weight"],
    }[name]
    worth = sum(old[f"backbone.{maker}"].abs().sum((1, 2, 3)) for maker in makers)
    kept = sorted(torch.as_tensor(worth).argsort(descending=True)[:8].tolist())
    for maker in makers:
        assert torch.equal(taken[f"backbone.{maker}"], old[f"backbone.{maker}"][kept])
    reader = {"stage1.layer1.inside": "backbone.layer3.1.conv.2", "stage1.outside": "decode_head.convs.1"}[name]
    for one in (f"{reader}.conv.weight", "backbone.layer4.0.conv.0.conv.weight")[: 1 if "inside" in name else 2]:
        assert torch.equal(taken[one], old[one][:, kept])
    changed = [one for one in fresh if taken[one] is not old[one]]
    assert all(one.startswith(("backbone.layer3", "backbone.layer4.0.conv.0", "decode_head")) for one in changed)
    assert not any(taken[one] is fresh[one] for one in fresh)


def test_widths_of_odd_divisors_are_refused() -> None:
    with pytest.raises(ValueError, match="divisor must be a multiple of 8, not 4"):
        MBConvWidths(divisor=4)
    with pytest.raises(ValueError, match=r"'stage0\.layer0' cannot be 'k3e1'"):
        MBConvWidths([["k3e1"], *START[1:]])
