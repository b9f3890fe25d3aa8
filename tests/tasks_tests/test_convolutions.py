"""Faster ways through plain convolutions compute the same, forwards and backwards; a network stays what it was."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tasks.convolutions import Depthwise, Dilated, Pointwise, quicken
from tasks.trainable import build_network


def passes(conv: nn.Module, x: Tensor) -> list[Tensor]:
    """The output, and the gradients of the input and of all weights."""
    x = x.clone(memory_format=torch.preserve_format).requires_grad_()
    made = conv(x)
    weights = list(conv.parameters())
    return [made, *torch.autograd.grad((made * torch.linspace(-1, 1, made.numel()).view_as(made)).sum(), [x, *weights])]


def pair(seed: int = 0, **settings: Any) -> tuple[nn.Conv2d, nn.Conv2d]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        plain, quick = nn.Conv2d(**settings), nn.Conv2d(**settings)
    quick.load_state_dict(plain.state_dict())
    quicken(quick)
    return plain, quick


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("outputs", "groups"), [(6, 1), (8, 4), (4, 4), (3, 1)])
def test_a_pointwise_one(outputs: int, groups: int, bias: bool, layout: torch.memory_format) -> None:
    plain, quick = pair(in_channels=8, out_channels=outputs, kernel_size=1, groups=groups, bias=bias)
    assert type(quick) is Pointwise
    x = torch.linspace(-2, 2, 3 * 8 * 5 * 4).reshape(3, 8, 5, 4).sin().contiguous(memory_format=layout)
    for one, other in zip(passes(plain, x), passes(quick, x), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    if layout is torch.channels_last:
        assert quick(x).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("channels", "groups"), [(3, 1), (8, 1), (12, 4)])
def test_a_pointwise_one_with_a_stride_and_few_channels(channels: int, groups: int) -> None:
    """Beside torch's own on maps of the other layout: on this one it may end the process."""
    plain, quick = pair(in_channels=channels, out_channels=16, kernel_size=1, stride=2, groups=groups)
    assert type(quick) is Pointwise
    x = torch.linspace(-2, 2, 2 * channels * 33 * 64).reshape(2, channels, 33, 64).sin()
    for one, other in zip(
        passes(plain, x), passes(quick, x.contiguous(memory_format=torch.channels_last)), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (6, 6), (7, 12), (24, 13)])
@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize(("kernel", "rate"), [(3, 3), (3, 12), (5, 6), (5, 2)])
def test_a_dilated_one_on_maps_of_every_size(kernel: int, rate: int, groups: int, size: tuple[int, int]) -> None:
    sizes = dict(in_channels=4, out_channels=4, kernel_size=kernel, groups=groups)
    plain, quick = pair(**sizes, padding=rate * (kernel // 2), dilation=rate)
    assert type(quick) is Dilated
    x = torch.linspace(-3, 3, 2 * 4 * size[0] * size[1]).reshape(2, 4, *size).cos()
    for one, other in zip(passes(plain, x), passes(quick, x), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("settings", [dict(padding=1), dict(stride=2), dict(padding=4, dilation=4)], ids=str)
def test_a_depthwise_one_computes_in_float32_whatever_surrounds_it(settings: dict[str, Any]) -> None:
    plain, quick = pair(in_channels=4, out_channels=8, kernel_size=3, groups=4, **settings)
    assert type(quick) is (Dilated if "dilation" in settings else Depthwise)
    x = torch.linspace(-3, 3, 2 * 4 * 9 * 7).reshape(2, 4, 9, 7).cos()
    for one, other in zip(passes(plain, x), passes(quick, x), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        made = quick(x)
    assert made.dtype == torch.bfloat16
    assert torch.equal(made, quick(x).bfloat16())


@pytest.mark.parametrize(
    "settings",
    [
        dict(kernel_size=1, padding=1),
        dict(kernel_size=3, padding=1),
        dict(kernel_size=3, padding=1, dilation=2),
        dict(kernel_size=3, padding=2, dilation=2, padding_mode="reflect"),
        dict(kernel_size=3, padding="same", dilation=2),
        dict(kernel_size=3, padding=1, groups=2),
    ],
)
def test_others_stay(settings: dict[str, Any]) -> None:
    for conv in (nn.Conv2d(4, 4, **settings), nn.Conv2d(16, 4, 1, stride=2)):
        quicken(conv)
        assert type(conv) is nn.Conv2d


def test_a_network_looks_the_same_and_has_the_same_weights() -> None:
    class Own(nn.Conv2d):
        """Somebody's own kind."""

    network = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 3, padding=2, dilation=2), Own(4, 4, 1))
    names, shown = list(network.state_dict()), str(network)
    quicken(network)
    assert [type(module) for module in network] == [Pointwise, Dilated, Own]
    assert (list(network.state_dict()), str(network)) == (names, shown)


def test_networks_that_are_built_have_them_on_a_processor_alone() -> None:
    config = dict(type="mmseg.MobileNetV2", widen_factor=0.25)
    assert any(type(module) is Pointwise for module in build_network(config, 0, "cpu").modules())
    assert not any(type(module) is Pointwise for module in build_network(config, 0, "meta").modules())
