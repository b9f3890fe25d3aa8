"""What learns apart is one layer when it is measured and taken home."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tasks.convolutions import Pointwise
from tasks.deployment import whole
from tasks.merging import merged


class Double(nn.Module):
    """Twice what a convolution makes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * self.conv(x)

    def merged(self) -> nn.Module:
        one = nn.Conv2d(3, 3, 1, bias=False)
        one.weight = nn.Parameter(2 * self.conv.weight.detach())
        return one


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 3, 3), nn.Sequential(nn.ReLU(), Double()))


@torch.no_grad()
def test_it_computes_the_same_wherever_it_stands() -> None:
    apart, x = network(), torch.rand(2, 3, 8, 8)
    before = apart(x)
    one = merged(apart)
    assert torch.allclose(one(x), before, atol=1e-6)
    assert [name for name, _ in one.named_parameters()] == ["0.weight", "0.bias", "1.1.weight"]
    assert type(one.get_submodule("1.1")) is Pointwise  # as quick as the rest
    assert merged(one) is one


def test_a_network_without_such_modules_stays_as_it_is() -> None:
    plain = nn.Sequential(nn.Conv2d(3, 3, 1))
    assert type(merged(plain)[0]) is nn.Conv2d  # type: ignore[index]


@torch.no_grad()
def test_weights_that_a_training_left_are_merged() -> None:
    trained, x = network(), torch.rand(1, 3, 8, 8)
    home = whole(network(), trained.state_dict())
    assert torch.allclose(home(x), trained(x), atol=1e-6)
    assert not any(isinstance(module, Double) for module in home.modules())
    with pytest.raises(ValueError, match="1 of the network's 3 tensors are not in these weights"):
        whole(network(), {name: value for name, value in trained.state_dict().items() if "1.1" not in name})
