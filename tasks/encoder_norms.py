"""Folded batch norms, made fit for training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


@torch.no_grad()
def refit_norms(encoder: nn.Module, batches: Iterable[Tensor]) -> None:
    """Give folded batch norms real statistics without changing what the encoder computes.

    A norm that was folded into its convolution has mean 0, variance 1 and computes y = w x + b. Its inputs' mean m and
    variance v over `batches` become its statistics, w * sqrt(v + eps) its weight and b + w m its bias: the same y in
    eval mode, and nearly the same in training mode, where the folded statistics would change every feature.
    """
    norms: list[Any] = [module for module in encoder.modules() if isinstance(module, nn.BatchNorm2d)]
    sums: dict[Any, list[Any]] = {
        norm: [torch.zeros(norm.num_features, dtype=torch.float64) for _ in "mv"] + [0] for norm in norms
    }

    def watch(norm: Any, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].double()
        total = sums[norm]
        total[0] += x.sum((0, 2, 3)).cpu()
        total[1] += x.square().sum((0, 2, 3)).cpu()
        total[2] += x.numel() // x.shape[1]

    handles = [norm.register_forward_pre_hook(watch) for norm in norms]
    encoder.eval()
    for batch in batches:
        encoder(batch)
    for handle in handles:
        handle.remove()
    for norm in norms:
        first, second, count = sums[norm]
        mean, scale = first / count, (norm.running_var.double() + norm.eps).sqrt()
        variance = (second / count - mean.square()).clamp_min(1e-8)
        weight = norm.weight.double() / scale  # the norm's effective factor
        bias = norm.bias.double() - weight * norm.running_mean.double()
        norm.weight.copy_(weight * (variance + norm.eps).sqrt())
        norm.bias.copy_(bias + weight * mean)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
