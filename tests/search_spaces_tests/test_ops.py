"""The operations: one grammar, one factory, several styles of writing layers."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from search_spaces.head_cells.network import STYLE
from search_spaces.ops import PLAIN, Style, operation
from search_spaces.restoration_cells.network import INNER
from tasks.complexity import params

NAMES = ["conv1", "conv3_dil12", "sep3", "sep5_dil6", "dil5", "deform", "gap", "skip", "zero", "none"]
STYLES = {"plain": PLAIN, "groups": STYLE, "activation first": INNER, "deep": Style(affine=False, repeats=3)}


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("name", NAMES)
def test_all_keep_channels_and_size(name: str, style: Style) -> None:
    x = torch.rand(2, 8, 6, 7)
    assert operation(name, 8, style)(x).shape == x.shape


@pytest.mark.parametrize("name", ["conv", "conv3_dil", "sep3x3", "max3", "Skip", "", "conv3_dil2_dil2"])
def test_an_unknown_one_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"there is no operation '{name}': give conv<k>"):
        operation(name, 8)


def test_a_style_orders_and_names_the_modules_of_a_layer() -> None:
    named = [name for name, _ in operation("conv3", 8).named_children()]
    assert named == ["conv", "bn", "relu"]
    kinds = [type(module) for module in operation("conv3", 8, INNER)]  # type: ignore[arg-type]
    assert kinds == [nn.LeakyReLU, nn.Conv2d, nn.BatchNorm2d]
    assert [name for name, _ in operation("conv3", 8, INNER).named_children()] == ["0", "1", "2"]
    linear = Style(order=("conv", "norm"), norm=partial(nn.GroupNorm, 2), names=("a", "b")).conv(8, 4, 3, 2)
    assert [(name, type(module)) for name, module in linear.named_children()] == [("a", nn.Conv2d), ("b", nn.GroupNorm)]
    assert linear(torch.rand(1, 8, 9, 9)).shape == (1, 4, 9, 9)


def test_a_separable_one_comes_as_often_as_the_style_says() -> None:
    once = 9 * 8 + 64 + 16
    for repeats in (1, 2, 5):
        assert params(operation("sep3", 8, Style(repeats=repeats))) == repeats * once
        assert params(operation("conv3", 8, Style(repeats=repeats))) == 9 * 64 + 16
    assert params(operation("sep3", 8, Style(affine=False))) == once - 16


def test_dilations_and_nothing_have_two_spellings() -> None:
    torch.manual_seed(0)
    first = operation("dil3", 8, INNER).eval()
    torch.manual_seed(0)
    second, x = operation("conv3_dil2", 8, INNER).eval(), torch.rand(1, 8, 9, 9)
    assert torch.equal(first(x), second(x))
    assert torch.equal(operation("none", 8)(x), operation("zero", 8)(x))
