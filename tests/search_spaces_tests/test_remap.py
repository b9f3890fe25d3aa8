"""Remapped weights: what must compute the same does, over random networks of inverted residuals."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from mmengine.registry import MODELS
from mmseg.models.backbones import MobileNetV2
from torch import Tensor, nn

from core import Remapped
from search_spaces.mbconv.network import MBConvNet
from search_spaces.mbconv.space import MBConv
from search_spaces.remap import channels, remapped, resized
from tasks.weights import changes, inherit

TAPS = ("2", "4", "8", "16", "32", "32+")
OPERATIONS = some.sampled_from([f"k{kernel}e{expansion}" for kernel in (3, 5, 7) for expansion in (1, 3, 6)])
STAGES = some.lists(some.lists(OPERATIONS, min_size=1, max_size=2), min_size=6, max_size=6)
WIDTHS = some.lists(some.sampled_from([8, 16, 24]), min_size=6, max_size=6)
STYLES = some.sampled_from([{}, dict(act="SiLU", excite=True)])
several = settings(max_examples=12, derandomize=True, deadline=None)


def network(stages: Any, channels: Any = (8,) * 6, seed: int = 0, **style: Any) -> MBConvNet:
    """A small network in which no tensor is what another one begins with."""
    torch.manual_seed(seed)
    made = MBConvNet(stages, 0.25, TAPS, [4 * width for width in channels], **style)
    for name, value in made.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            value.copy_(torch.rand_like(value) + 0.5 if "bn" in name else 0.3 * torch.randn_like(value))
    return made.eval()


@torch.no_grad()
def outputs(made: nn.Module) -> list[Tensor]:
    return list(made(torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))))


def started(made: MBConvNet, weights: Remapped) -> MBConvNet:
    assert weights.keys() == made.state_dict().keys()
    made.load_state_dict(weights)
    return made


def altered(stages: Any, change: Any) -> list[list[str]]:
    return [[change(operation) for operation in stage] for stage in stages]


@several
@given(stages=STAGES, widths=WIDTHS, style=STYLES, order=some.sampled_from(["first", "norm", "l1"]))
def test_a_network_of_the_same_shapes_is_bit_equal(stages: Any, widths: Any, style: Any, order: Any) -> None:
    old, new = network(stages, widths, **style).state_dict(), network(stages, widths, 1, **style).state_dict()
    made = remapped(old, new, order)
    assert made.sources == {name: name for name in new}
    assert all(torch.equal(value, old[name]) for name, value in made.items())
    assert set(changes(old, new, made).values()) == {"copied"}


@several
@given(stages=STAGES, style=STYLES, kernels=some.sampled_from([("3", "5"), ("3", "7"), ("5", "7")]))
def test_larger_kernels_compute_the_same(stages: Any, style: Any, kernels: tuple[str, str]) -> None:
    small, large = (altered(stages, lambda op, k=k: f"k{k}{op[2:]}") for k in kernels)
    before, after = network(small, **style), network(large, seed=1, **style)
    old, new = before.state_dict(), after.state_dict()
    made = remapped(old, new)
    assert set(changes(old, new, made).values()) == {"padded", "copied"}
    found = outputs(started(after, made))
    assert all(torch.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(found, outputs(before), strict=True))
    again = remapped(after.state_dict(), old)
    assert all(torch.equal(value, old[name]) for name, value in again.items())


@several
@given(stages=STAGES, style=STYLES, width=some.sampled_from([8, 16, 24]), rest=some.sampled_from(["zero", "fresh"]))
def test_wider_layers_compute_the_same(stages: Any, style: Any, width: int, rest: Any) -> None:
    """Inside a layer all of it, between layers the channels that were there."""
    stages = altered(stages, lambda op: op.replace("e1", "e3"))
    old = network(stages, **style)
    new = network(altered(stages, lambda op: op.replace("e3", "e6")), [width] * 6, 1, **style)
    expected = outputs(old)
    found = outputs(started(new, remapped(old.state_dict(), new.state_dict(), rest=rest)))
    for a, b in zip(found, expected, strict=True):
        assert torch.allclose(a[:, : b.shape[1]], b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("rest", "learns"), [("fresh", True), ("zero", False)])
def test_further_channels_learn_where_they_are_fresh_and_never_where_they_are_zero(rest: Any, learns: bool) -> None:
    new = MBConvNet([["k3e6"]] * 6, 0.25, TAPS)
    started(new, remapped(MBConvNet([["k3e3"]] * 6, 0.25, TAPS).state_dict(), new.state_dict(), rest=rest))
    tap = new(torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)))[2]
    (tap * torch.arange(tap.numel()).view_as(tap)).sum().backward()
    last = new.get_parameter("layer3.0.conv.2.conv.weight").grad
    assert last is not None
    assert bool(last[:, 24:].any()) is learns


def test_a_deeper_stage_repeats_the_last_layer() -> None:
    old = network([["k3e6", "k5e6"]] * 6).state_dict()
    new = network([["k3e6", "k5e6", "k5e6", "k7e3"]] * 6, seed=1).state_dict()
    made = remapped(old, new)
    deeper = {name: value for name, value in made.items() if name.startswith(("layer4.1.", "layer4.2."))}
    assert len(deeper) == 2 * 18
    for name, value in deeper.items():
        assert torch.equal(value, old[f"layer4.1.{name[9:]}"])
    assert made.sources["layer4.3.conv.1.conv.weight"] == "layer4.1.conv.1.conv.weight"
    report = changes(old, new, made)
    assert report["layer4.2.conv.1.conv.weight"] == "copied"
    assert report["layer4.3.conv.1.conv.weight"] == "cropped"  # of fewer channels, though its kernel is larger
    back = remapped(made, old)
    assert all(torch.equal(value, old[name]) for name, value in back.items())


SILENT = {
    "layer2 outside": 8,
    "layer2.1 inside": 48,
    "layer3.0 inside": 48,
    "layer4.0 inside": 24,
    "layer4.1 inside": 48,
}
FEW = {"layer2.1 few": 2, "layer3.0 few": 2}


@pytest.mark.parametrize(
    ("order", "style", "silent"), [("l1", dict(act="SiLU", excite=True), SILENT | FEW), ("norm", {}, SILENT)]
)
def test_channels_that_say_nothing_go_first_and_everywhere_alike(order: Any, style: Any, silent: Any) -> None:
    """Where half of the channels are zero, a network without them computes what the whole one did."""
    wide, narrow = [["k3e6", "k5e6"]] * 6, [["k3e6", "k5e6"]] * 6
    narrow[2] = ["k3e3", "k5e3"]
    old = network(wide, [16, 8, 16, 8, 8, 8], **style)
    new = network(narrow, [8, 8, 16, 8, 8, 8], 1, **style)
    state, generator = old.state_dict(), torch.Generator().manual_seed(0)
    zero = {group: torch.randperm(2 * count, generator=generator)[:count] for group, count in silent.items()}
    for name, (made, _) in channels(state).items():
        if made in zero and state[name].dim():
            state[name][zero[made]] = 1.0 if name.endswith("running_var") else 0.0
    expected = outputs(old)
    expected[1] = expected[1][:, sorted(set(range(16)) - set(zero["layer2 outside"].tolist()))]
    found = outputs(started(new, remapped(state, new.state_dict(), order)))
    assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in zip(found, expected, strict=True))
    other = outputs(started(new, remapped(state, new.state_dict())))
    assert not torch.allclose(other[2], expected[2], rtol=1e-4, atol=1e-5)


def test_a_mobilenet_gives_its_weights_to_every_network_of_the_space() -> None:
    """Its stages and layers are found by their names; what a head has of another name or shape is fresh."""
    seed = MobileNetV2(0.25, strides=(1, 2, 2, 2, 1, 2, 1), out_indices=(1, 2, 4, 6))
    old: dict[str, Any] = {f"backbone.{name}": value for name, value in seed.state_dict().items()}
    old["head.weight"] = torch.zeros(3, 4)
    space = MBConv(width=0.25)
    for number in range(3):
        arch = space.sample(Random(number))
        network = MODELS.build(space.model(arch)["backbone"])
        new = {f"backbone.{name}": value for name, value in network.state_dict().items()}
        new["head.weight"] = torch.zeros(4, 4)
        taken, report = inherit(old, new, lambda weights, fresh, one=arch: space.inherit(weights, fresh, None, one), "")
        assert report.new == 1
        assert taken["head.weight"] is new["head.weight"]
        assert report.changed == report.padded + report.cropped > 20
        assert report.copied + report.changed + report.new == len(new)


@pytest.mark.parametrize(
    ("old", "fresh", "expected"),
    [
        ([1.0, 2.0, 3.0], [9.0], [1.0]),
        ([1.0], [9.0, 8.0], [1.0, 8.0]),
        ([[1.0, 2.0], [3.0, 4.0]], [[9.0, 9.0, 9.0]], [[1.0, 2.0, 0.0]]),
        ([[1.0]], [[9.0, 9.0], [9.0, 9.0]], [[1.0, 0.0], [0.0, 0.0]]),
    ],
)
def test_the_first_channels_are_kept_and_the_rest_is_zero_but_in_vectors(old: Any, fresh: Any, expected: Any) -> None:
    assert resized(torch.tensor(old), torch.tensor(fresh)).tolist() == expected


def test_a_kernel_stands_in_the_middle_or_is_refused() -> None:
    small, large = torch.arange(1.0, 10).view(1, 1, 3, 3), torch.arange(25.0).view(1, 1, 5, 5)
    assert torch.equal(resized(small, large), nn.functional.pad(small, (1, 1, 1, 1)))
    assert torch.equal(resized(large, small), large[:, :, 1:4, 1:4])
    sentence = (
        "layer2.0.conv.1.conv.weight cannot take after layer2.0.conv.1.conv.weight: a kernel of 3 has no middle in"
    )
    names = ["layer2.0.conv.1.conv.weight", "layer2.0.conv.2.conv.weight"]
    with pytest.raises(ValueError, match=re.escape(f"{sentence} one of 4: take two odd or two even sizes")):
        remapped(dict.fromkeys(names, small), dict.fromkeys(names, torch.zeros(1, 1, 4, 4)))
    with pytest.raises(ValueError, match=re.escape("a tensor of shape (2,) cannot become one of shape (2, 2)")):
        resized(torch.zeros(2), torch.zeros(2, 2))


def test_weights_of_another_family_are_refused_with_what_does_not_match() -> None:
    new = network([["k3e6"]] * 6).state_dict()
    sentence = (
        "resnet.pth does not fit: the network takes over none of its 1 tensors, which begin with layer1.0.conv1.weight "
        "(64, 64, 1, 1), those of the network with conv1.conv.weight (8, 3, 3, 3)"
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        inherit({"layer1.0.conv1.weight": torch.zeros(64, 64, 1, 1)}, new, remapped, "resnet.pth")
