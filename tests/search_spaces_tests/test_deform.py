"""Deformable convolution: the CPU's way computes what mmcv's operation does, forward and backward."""

from __future__ import annotations

import pytest
import torch
from mmcv.ops import modulated_deform_conv2d

from search_spaces.deform import DeformConv, deform_conv
from tasks.complexity import madds, params


@pytest.mark.parametrize(("groups", "height", "width"), [(1, 7, 5), (2, 6, 9), (2, 1, 1), (4, 1, 3)])
def test_equals_mmcv(groups: int, height: int, width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = (
        (3, 8, height, width),
        (3, 18 * groups, height, width),
        (3, 9 * groups, height, width),
        (4, 8, 3, 3),
        (4,),
    )
    inputs = [torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_() for shape in shapes]
    theirs = modulated_deform_conv2d(*inputs, 1, 1, 1, 1, groups)
    ours = deform_conv(*inputs)
    assert torch.allclose(ours, theirs)
    weight = torch.randn(ours.shape, generator=generator, dtype=torch.float64)
    pairs = zip(*(torch.autograd.grad((y * weight).sum(), inputs) for y in (ours, theirs)), strict=True)
    assert all(torch.allclose(a, b) for a, b in pairs)


def test_the_module_learns_offsets_as_mmcvs_does() -> None:
    """The offset convolution's outputs are read in mmcv's order: the same weights give the same network there."""
    module = DeformConv(8)
    torch.manual_seed(0)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(2, 8, 6, 5)
    theirs = super(DeformConv, module).forward(x)
    assert torch.allclose(module(x), theirs, rtol=1e-4, atol=1e-4)


def test_counts_include_the_offsets() -> None:
    module = DeformConv(8)
    assert params(module) == 8 * 8 * 9 + 8 + 54 * (8 * 9 + 1)
    assert madds(module, (8, 5, 4)) == (8 * 8 * 9 + 54 * 8 * 9) * 20


def test_weights_are_loaded_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    module, other = DeformConv(4), DeformConv(4)
    torch.nn.init.normal_(module.conv_offset.weight)
    for weights in (module.state_dict(), dict(module.state_dict())):
        other.load_state_dict(weights)
        assert torch.equal(other.conv_offset.weight, module.conv_offset.weight)
    assert capfd.readouterr() == ("", "")
