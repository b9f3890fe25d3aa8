"""Meta-kernels: kernels that add up to one, the backbones made of them, and the network that they are compared with."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from mmengine.registry import MODELS
from scrambled import noise
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.meta_kernel.kernels import SIZES, MetaKernel, centred, convolved, spread
from search_spaces.meta_kernel.mobilenet import MobileNetV1, MobileNetV1Classifier
from search_spaces.meta_kernel.network import MetaKernelNet, edges, first_step
from search_spaces.meta_kernel.space import OPERATIONS, MetaKernels
from search_spaces.nasnet_cells.network import stages_of
from search_spaces.nasnet_cells.space import NASNetCells
from search_spaces.space import SearchSpace
from tasks.complexity import madds, params
from tasks.detection.ssdlite import map_sizes
from tasks.detection.templates import SSDLite
from tasks.merging import merged

SPACE = MetaKernels(channels=4)


def meta_kernel(**how: int) -> MetaKernel:
    torch.manual_seed(0)
    made = MetaKernel(4, **how)
    nn.init.normal_(made.mixing)
    return made


def test_additivity_by_hand() -> None:
    """A pixel of 1 under a centre of 2, and under a ring of 1 around a centre of 3: K1 * I + K2 * I = (K1 + K2) * I."""
    image = torch.zeros(1, 1, 5, 5)
    image[0, 0, 2, 2] = 1
    point, ring = torch.zeros(1, 1, 3, 3), torch.ones(1, 1, 5, 5)
    point[0, 0, 1, 1], ring[0, 0, 2, 2] = 2, 3
    both = centred([point, ring])
    expected = torch.ones(5, 5)
    expected[2, 2] = 5
    assert torch.equal(both[0, 0], expected)
    assert torch.equal(convolved(image, both)[0, 0], expected)
    assert torch.equal(convolved(image, point) + convolved(image, ring), convolved(image, both))


@torch.no_grad()
def test_it_fails_with_an_activation_between() -> None:
    kernel, x = meta_kernel(), noise(1, 4, 9, 9)
    parts = [share * convolved(x, one) for share, one in zip(kernel.mixing.softmax(0), kernel.filters, strict=True)]
    together = convolved(x, kernel.kernel())
    assert torch.allclose(sum(parts), together, atol=1e-5)  # type: ignore[arg-type]
    assert not torch.allclose(sum(part.relu() for part in parts), together.relu(), atol=1e-2)  # type: ignore[union-attr]


@settings(max_examples=25, derandomize=True, deadline=None)
@given(
    stride=some.sampled_from([1, 2, 4]),
    dilation=some.sampled_from([1, 2]),
    size=some.tuples(some.integers(1, 12), some.integers(1, 12)),
)
@torch.no_grad()
def test_three_filters_are_one_convolution(stride: int, dilation: int, size: tuple[int, int]) -> None:
    kernel, x = meta_kernel(stride=stride, dilation=dilation), noise(2, 4, *size)
    shares = kernel.mixing.softmax(0)
    apart: Any = sum(
        share * F.conv2d(x, one, None, stride, dilation * (one.shape[-1] // 2), dilation, 4)
        for share, one in zip(shares, kernel.filters, strict=True)
    )
    one = kernel.merged()
    assert torch.allclose(kernel(x), apart, atol=1e-5)
    assert torch.allclose(one(x), apart, atol=1e-5)
    assert (one.stride, one.dilation, one.groups) == ((stride,) * 2, (dilation,) * 2, 4)
    assert tuple(apart.shape[2:]) == tuple(-(-side // stride) for side in size)


def test_a_channel_has_83_weights_while_it_learns_and_49_then() -> None:
    kernel = meta_kernel()
    assert [one[0].numel() for one in kernel.filters] == [9, 25, 49]
    assert params(kernel) == 4 * 83 + len(SIZES)
    assert params(kernel.merged()) == 4 * 49
    kernel(noise(1, 4, 9, 9)).square().sum().backward()
    assert all(weight.grad is not None and (weight.grad != 0).all() for weight in kernel.parameters())


@torch.no_grad()
def test_a_dilated_filter_is_one_with_zeros() -> None:
    x, filters = noise(1, 4, 9, 8), torch.randn(4, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(convolved(x, spread(filters, 2)), F.conv2d(x, filters, None, 1, 2, 2, 4), atol=1e-6)


def test_the_first_step_sees_eleven_by_eleven_pixels() -> None:
    step = first_step(16)
    assert params(step) == 3 * 121 + 3 * 16 + 2 * 16
    assert madds(step, (3, 64, 96)) == (363 + 48) * 32 * 48


def test_layers_read_the_two_before_them() -> None:
    assert edges(8, 2)[:4] == [
        [(8, 8, 2)],
        [(8, 8, 1), (8, 8, 2)],
        [(8, 16, 2), (8, 16, 2)],
        [(16, 16, 1), (8, 16, 2)],
    ]
    assert edges(8, 1)[1] == [(8, 16, 2), (8, 16, 4)]
    network = MetaKernelNet(SPACE.everywhere("skip"), channels=4).eval()
    seen: list[Any] = []
    maps = network.through(
        torch.zeros(1), [[lambda x: x + 1], [lambda x: 10 * x, lambda x: x + 1], *[[lambda x: x] * 2] * 6]
    )
    seen = [int(x) for x in maps]  # 0, 1, 11, 12, 23, 35, ...
    assert seen == [11, 23, 58, 151]


@pytest.mark.parametrize("depth", [1, 2, 3])
@torch.no_grad()
def test_all_answers_are_backbones_of_four_taps(depth: int) -> None:
    space = MetaKernels(depth=depth, channels=4)
    assert space.size == 8 ** (8 * depth - 1)
    for seed in range(4):
        network = MODELS.build(space.model(space.sample(Random(seed)))["backbone"]).eval()
        for size in ((64, 96), (61, 33)):
            shapes = [tuple(x.shape) for x in network(noise(1, 3, *size))]
            expected = [4 * 2**k for k in range(4)]
            assert shapes == [
                (1, 4 * 2**k, *(-(-side // stride) for side in size)) for k, stride in enumerate(expected)
            ]


@pytest.mark.parametrize("operation", OPERATIONS)
@torch.no_grad()
def test_a_network_may_have_one_operation_everywhere(operation: str) -> None:
    genotype = SPACE.everywhere(operation)
    arch = SPACE.read(genotype)
    assert SPACE.write(arch.as_dict()) == genotype
    network = MODELS.build({**SPACE.model(arch)["backbone"], "taps": ["32"]}).eval()
    x = noise(1, 3, 64, 64)
    (before,) = network(x)
    assert before.shape == (1, 32, 2, 2)
    apart = params(network)
    (after,) = merged(network)(x)
    assert torch.allclose(before, after, atol=1e-4 * float(before.abs().max()))
    inputs = sum(inputs for of in edges(4, 2) for inputs, *_ in of)
    saved = inputs * (83 - 49) + len(SIZES) * len(SPACE.decisions)
    assert apart - params(network) == (saved if operation == "meta" else 0)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (dict(operations=()), "operations must be different ones of meta, sep3"),
        (dict(operations=("sep3", "sep3")), "operations must be different ones of meta, sep3"),
        (dict(operations=("sep9",)), "operations must be different ones of meta, sep3"),
        (dict(depth=0), "depth and channels must be at least 1, not 0 and 16"),
        (dict(channels=0), "depth and channels must be at least 1, not 2 and 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        MetaKernels(**settings)


@pytest.mark.parametrize("genotype", [[["meta"]], [["meta"] * 2] * 8, [["sep9"], *[["meta"] * 2] * 7], 3, "meta"])
def test_what_is_no_genotype_is_refused(genotype: Any) -> None:
    with pytest.raises(ValueError, match=r"is not a genotype of MetaKernels: write it as the op|cannot be 'sep9'"):
        SPACE.read(genotype)


def test_an_unknown_tap_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown tap '2'"):
        MetaKernelNet(SPACE.everywhere("skip"), channels=4, taps=["2"])


@pytest.mark.parametrize("space", [SPACE, NASNetCells(depth=1, channels=4)], ids=lambda space: type(space).__name__)
@torch.no_grad()
def test_backbones_of_four_stages_stand_under_ssdlite(space: SearchSpace) -> None:
    """Its taps are "16+" and "32+": where no layer widens a map before the next stride, the plus changes nothing."""
    size = (64, 96)
    detector = MODELS.build(SSDLite().config(space.model(space.sample(Random(0))), {}, 3, size)).eval()
    scores, _ = detector(noise(1, 3, *size))
    assert [tuple(x.shape[2:]) for x in scores] == map_sizes(size)
    assert stages_of(["16+", "32+"]) == stages_of(["16", "32"]) == [2, 3]


def test_mobilenet_counts_to_what_is_printed() -> None:
    """4.2 M and 569 M (Howard et al., 2017, table 8)."""
    with torch.device("meta"):
        network = MobileNetV1Classifier(1000)
    assert params(network) == 4_231_976
    assert madds(network, (3, 224, 224)) == 568_740_352


@torch.no_grad()
def test_mobilenet_has_four_taps() -> None:
    maps: tuple[Tensor, ...] = MobileNetV1(0.25).eval()(noise(1, 3, 64, 96))
    assert [tuple(x.shape) for x in maps] == [(1, 32, 16, 24), (1, 64, 8, 12), (1, 128, 4, 6), (1, 256, 2, 3)]
    fewer = MobileNetV1(0.25, taps=["8"])
    assert [tuple(x.shape) for x in fewer(noise(1, 3, 64, 96))] == [(1, 64, 8, 12)]
    assert len(fewer.stages) == 2
