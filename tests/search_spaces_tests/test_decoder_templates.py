"""The templates of Nekrasov et al. (WACV 2020): size, notation, wiring, strides, and when two spellings are one network."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
import torch
from mmseg.registry import MODELS
from scrambled import noise, scramble
from torch import Tensor
from torch.nn import functional as F

from benchmarks.published.networks import TEMPLATES0, TEMPLATES1
from search_spaces.decoder_templates.network import Repetition
from search_spaces.decoder_templates.space import DecoderTemplates
from search_spaces.ops import resize

SEP3, SEP5, GAP, MAX3, SEP5_DIL6, SKIP = range(6)
SUM, CONCAT = range(2)
WIDTHS = (8, 12)
ARCH0 = [
    [[3, 0, 1], [4, 1, 1], [3, 1, 1]],
    [
        [0, 1, 0, 0, 1],
        [2, 1, 2, 1, 0],
        [3, 1, 1, 1, 0],
        [1, 1, 2, 0, 0],
        [3, 0, 2, 0, 0],
        [5, 3, 2, 1, 0],
        [0, 5, 0, 1, 0],
    ],
]
ARCH1 = [
    [[1, 1, 0], [1, 3, 0], [3, 4, 0]],
    [
        [1, 1, 0, 0, 0],
        [0, 1, 1, 1, 1],
        [3, 1, 2, 3, 0],
        [3, 0, 2, 2, 0],
        [0, 1, 2, 0, 0],
        [2, 1, 1, 3, 0],
        [4, 0, 2, 2, 0],
    ],
]
SMALL = DecoderTemplates(4, 1, templates=2, layers=2)


def decoder(genotype: Any, **settings: Any) -> Any:
    plain = dict(type="densebench.TemplateDecoder", in_channels=list(WIDTHS), channels=6, num_classes=3)
    return scramble(MODELS.build({**plain, "genotype": genotype, **settings}))


def taps(height: int = 16, width: int = 16) -> list[Tensor]:
    return [noise(2, channels, height // 2**k, width // 2**k) for k, channels in enumerate(WIDTHS)]


def test_size() -> None:
    assert DecoderTemplates().size == 72**3 * 40_320**2 * (3 * 4) ** 7 * 2**3  # 8! inputs a side
    assert f"{DecoderTemplates().size:.1e}" == "1.7e+23"  # as printed


@pytest.mark.parametrize(("genotype", "row"), [(ARCH0, TEMPLATES0), (ARCH1, TEMPLATES1)], ids=["arch0", "arch1"])
def test_both_notations_go_in_and_out(genotype: list[list[list[int]]], row: list[int]) -> None:
    space = DecoderTemplates()
    assert len(row) == 44
    for one in (genotype, row):
        assert space.write(space.read(one).as_dict()) == genotype
        assert space.row(space.read(one).as_dict()) == row


@pytest.mark.parametrize(
    ("genotype", "sentence"),
    [
        ([0] * 43, r"is not a genotype of DecoderTemplates.*or its 44 numbers in a row"),
        ([0] * 45, "is not a genotype"),
        ([*[0] * 43, True], "is not a genotype"),
        ([-1, *[0] * 43], "is not a genotype"),
        ([[[0, 0, 2]] * 3, ARCH0[1]], "is not a genotype"),
        ([*[0] * 9, 2, *[0] * 34], r"'layer0\.a' cannot be 2"),
        ([*[0] * 43, 1], r"unknown decision 'layer6\.stride'"),
        ([ARCH0[0]], "is not a genotype"),
        ("arch0", "is not a genotype"),
    ],
)
def test_what_is_no_genotype_is_refused(genotype: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        DecoderTemplates().read(genotype)


def test_templates_have_no_numbers_of_their_own() -> None:
    space = DecoderTemplates(templates=3, layers=2)
    one = space.read([[[SEP3, GAP, SUM], [0, 0, 0], [SKIP, MAX3, CONCAT]], [[0, 1, 2, 1, 0], [1, 2, 0, 1, 0]]])
    other = space.read([[[SKIP, MAX3, CONCAT], [SEP3, GAP, SUM], [1, 1, 1]], [[0, 1, 0, 1, 0], [1, 2, 1, 1, 0]]])
    same = [SEP3, GAP, SUM]
    assert one == other
    assert space.read([[same] * 3, [[0, 1, 2, 1, 0], [1, 2, 0, 0, 0]]]) == space.read(
        [[same, [0, 0, 0], [0, 0, 0]], [[0, 1, 0, 1, 0], [1, 2, 0, 0, 0]]]
    )
    assert {space.mutate(one, Random(seed))["template1.a"] for seed in range(40)} == {one["template1.a"]}  # unused


@torch.no_grad()
@pytest.mark.parametrize("join", [SUM, CONCAT])
def test_sides_can_be_exchanged_only_where_nothing_is_repeated(join: int) -> None:
    """With the weights carried over, both spellings of a network compute the same."""

    def genotype(swapped: bool, times: int) -> list[list[list[int]]]:
        template = [MAX3, SEP3, join] if swapped else [SEP3, MAX3, join]
        return [[template, [SKIP, SKIP, SUM]], [[*((1, 0) if swapped else (0, 1)), 0, times, 0], [2, 2, 1, 0, 0]]]

    assert SMALL.read(genotype(False, 0)) == SMALL.read(genotype(True, 0))
    assert SMALL.read(genotype(False, 1)) != SMALL.read(genotype(True, 1))
    first, second = (decoder(genotype(swapped, 0)) for swapped in (False, True))
    ours, theirs = first.layers[0].times[0], second.layers[0].times[0]
    for side in (0, 1):
        theirs.ops[1 - side].load_state_dict(ours.ops[side].state_dict())
        theirs.adapters[1 - side].load_state_dict(ours.adapters[side].state_dict())
    if join == SUM:
        theirs.join.a.copy_(ours.join.b)
        theirs.join.b.copy_(ours.join.a)
    else:
        half = ours.channels
        for name, value in theirs.join.state_dict().items():
            if value.dim():
                value.copy_(ours.join.state_dict()[name].roll(half, 1 if value.dim() == 4 else 0))
    for part in ("merge", "conv_seg"):
        getattr(second, part).load_state_dict(getattr(first, part).state_dict())
    second.layers[1].load_state_dict(first.layers[1].state_dict())
    assert torch.allclose(first(taps()), second(taps()), rtol=1e-4, atol=1e-4)


def test_a_layer_that_is_not_repeated_takes_the_order_of_those_that_are() -> None:
    """So a canonical form needs no more templates than there are."""
    space = DecoderTemplates(templates=1, layers=2)
    arch = space.read([[[SKIP, SEP3, SUM]], [[0, 1, 0, 1, 0], [2, 0, 0, 0, 0]]])
    assert space.canonical(arch.as_dict()) == arch.as_dict()


# What a network computes.


def norm(x: Tensor, bn: Any) -> Tensor:
    return F.batch_norm(x, bn.running_mean, bn.running_var, bn.weight, bn.bias, eps=bn.eps)


def separable(modules: Sequence[Any], x: Tensor, stride: int) -> Tensor:
    depthwise, pointwise, bn, _ = modules
    x = F.conv2d(x, depthwise.weight, stride=stride, padding=1, groups=x.shape[1])
    return F.relu(norm(F.conv2d(x, pointwise.weight), bn))


@torch.no_grad()
def test_a_decoder_by_hand() -> None:
    """A strided sum, repeated, and a concatenation that reads it and the finest map, in the second half of the layers."""
    net = decoder([[[SEP3, MAX3, SUM], [SKIP, GAP, CONCAT]], [[0, 1, 0, 1, 1], [2, 0, 1, 0, 0]]], repeats=2)
    fine, coarse = taps()
    first, second = net.layers[0].times
    a = separable(first.ops[0][4:], separable(first.ops[0][:4], fine, 2), 2)  # 16 channels at a quarter
    a = F.relu(norm(F.conv2d(a, first.adapters[0].conv.weight), first.adapters[0].bn))  # 24, as the other side has
    b = F.max_pool2d(norm(F.conv2d(coarse, first.ops[1][0].weight), first.ops[1][1]), 3, 2, 1)
    assert (a.shape, b.shape) == ((2, 24, 4, 4), (2, 24, 4, 4))
    once = first.join.a * a + first.join.b * b
    a = separable(second.ops[0][4:], separable(second.ops[0][:4], coarse, 2), 2)  # now of the second input
    a = F.relu(norm(F.conv2d(a, second.adapters[0].conv.weight), second.adapters[0].bn))
    b = F.max_pool2d(norm(F.conv2d(once, second.ops[1][0].weight), second.ops[1][1]), 3, 2, 1)
    assert (a.shape, b.shape) == ((2, 24, 2, 2), (2, 24, 2, 2))  # 12 channels, no longer doubled, were adapted
    layer0 = second.join.a * a + second.join.b * b

    last = net.layers[1].times[0]
    pooled = F.relu(norm(F.conv2d(fine.mean((2, 3), keepdim=True), last.ops[1].conv.conv.weight), last.ops[1].conv.bn))
    wide = F.relu(norm(F.conv2d(pooled.expand(-1, -1, 16, 16), last.adapters[1].conv.weight), last.adapters[1].bn))
    z = torch.cat([resize(layer0, (16, 16)), wide], 1)
    layer1 = F.conv2d(F.relu(norm(z, last.join.bn)), last.join.conv.weight)
    merged = F.relu(norm(F.conv2d(F.relu(layer1), net.merge.conv.weight), net.merge.bn))
    expected = F.conv2d(merged, net.conv_seg.weight, net.conv_seg.bias, padding=1)
    assert torch.allclose(net(taps()), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize(
    ("op", "repeats", "times", "side"),
    [
        (SEP3, 1, 1, 32), (SEP3, 2, 1, 16), (SEP3, 2, 2, 4), (SEP5_DIL6, 2, 1, 16), (MAX3, 2, 1, 32), (MAX3, 2, 3, 8),
        (SKIP, 2, 3, 64), (GAP, 2, 3, 64),
    ],
)  # fmt: skip
def test_a_stride_holds_in_every_repetition_but_for_skips_and_pooling(
    op: int, repeats: int, times: int, side: int
) -> None:
    net = decoder([[[op, op, SUM]], [[0, 0, 0, times - 1, 1], [2, 2, 0, 0, 0]]], repeats=repeats)
    maps = [noise(1, WIDTHS[0], 64, 64), noise(1, WIDTHS[1], 32, 32)]
    assert net.layers[0](maps[0], maps[0]).shape == (1, 2 * WIDTHS[0], side, side)  # doubled once


def test_repetitions_have_weights_of_their_own() -> None:
    net = decoder([[[SEP3, SEP3, CONCAT]], [[1, 1, 0, 3, 0], [2, 2, 0, 0, 0]]])
    ids = [id(weight) for one in net.layers[0].times for weight in one.parameters()]
    assert len(net.layers[0].times) == 4
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("larger", "size"), [(True, (5, 9)), (False, (6, 4))])
def test_maps_are_compared_by_their_area(larger: bool, size: tuple[int, int]) -> None:
    """And not, as in the authors' code, by their height first."""
    layer = Repetition([SKIP, SKIP, SUM], (4, 4), 1, 1, larger, 1)
    for maps in ([noise(1, 4, 5, 9), noise(1, 4, 6, 4)], [noise(1, 4, 6, 4), noise(1, 4, 5, 9)]):
        assert layer(*maps).shape[-2:] == size


def test_another_number_of_maps_is_refused() -> None:
    with pytest.raises(ValueError, match="a TemplateDecoder reads 2 maps, not 4"):
        decoder(ARCH0, in_channels=[8] * 4, in_index=[0, 1, 2, 3])


@pytest.mark.parametrize("name", ["channels", "repeats", "templates", "layers"])
def test_settings_must_be_positive(name: str) -> None:
    with pytest.raises(ValueError, match="channels, repeats, templates and layers must be at least 1"):
        DecoderTemplates(**{name: 0})
