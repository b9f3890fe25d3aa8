"""Modules and maps without a zero or one that hides a mistake, and what is equal between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


@torch.no_grad()
def scramble(module: nn.Module) -> Any:
    """No weight or statistic is left at the zero or one that it starts from; in eval mode."""
    generator = torch.Generator().manual_seed(0)
    for name, value in module.state_dict().items():
        if value.dtype.is_floating_point:
            value.copy_(torch.rand(value.shape, generator=generator) + (0.5 if "var" in name else -0.4))
    return module.eval()


@torch.no_grad()
def carry(source: nn.Module, target: nn.Module) -> Any:
    """Weights and statistics from a module to one with other names in the same order."""
    for theirs, ours in zip(source.state_dict().values(), target.state_dict().values(), strict=True):
        ours.copy_(theirs)
    return target.eval()


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def same(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> list[bool]:
    """Of each pair, is it equal but for rounding?"""
    pairs = zip(ours, theirs, strict=True)
    return [torch.allclose(a, b, rtol=1e-4, atol=1e-4 * float(b.abs().max())) for a, b in pairs]
