"""Statistics of batch norms, gathered anew where the running ones are of other weights, or of none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

IMAGES = 128  # that statistics are gathered from, where an epoch has as many
# In batches of at least this many: a deep network sees through the norms of four small crops what it will not see later.
BATCH = 32


@contextmanager
def fresh_statistics(network: nn.Module) -> Iterator[list[_BatchNorm]]:
    """While it lasts, the batch norms that are in training mode forget their statistics and gather those of what they see.

    Gives these norms; their statistics are plain means over the batches. Averaged weights need it (Izmailov et al.,
    "Averaging Weights Leads to Wider Optima", UAI 2018, section 3.2), and a single answer of a supernet, whose running
    statistics are of the mixture (Bender et al., ICML 2018, section 3.3).
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm) and module.training]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    try:
        yield norms
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


@contextmanager
def folded(network: nn.Module) -> Iterator[None]:
    """While it lasts, batch norms in eval mode that follow a convolution in a sequence are part of its weights.

    What the network computes without gradients is the same up to rounding, and a map is gone through once instead of twice.
    """
    taken: list[tuple[nn.Sequential, int, nn.Module, nn.Module]] = []
    for chain in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        for place in range(len(chain) - 1):
            conv, norm = chain[place], chain[place + 1]
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d) and not norm.training:
                taken.append((chain, place, conv, norm))
                chain[place], chain[place + 1] = fuse_conv_bn_eval(conv, norm), nn.Identity()
    try:
        yield
    finally:
        for chain, place, conv, norm in taken:
            chain[place], chain[place + 1] = conv, norm


@torch.no_grad()
def refit_norms(encoder: nn.Module, batches: Iterable[Tensor]) -> None:
    """Give folded batch norms real statistics without changing what the encoder computes.

    A norm that was folded into its convolution has mean 0, variance 1 and computes y = w x + b. Its inputs' mean m and
    variance v over `batches` become its statistics, w * sqrt(v + eps) its weight and b + w m its bias: the same y in
    eval mode, and nearly the same in training mode, where the folded statistics would change every feature.
    """
    norms: list[Any] = [module for module in encoder.modules() if isinstance(module, nn.BatchNorm2d)]
    # By channel: the sums of the inputs and of their squares, and how many there were.
    sums = {norm: torch.zeros(3, norm.num_features, dtype=torch.float64) for norm in norms}

    def watch(norm: Any, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].double().transpose(0, 1).flatten(1)
        sums[norm] += torch.stack([x.sum(1), x.square().sum(1), torch.full_like(x[:, 0], x.shape[1])]).cpu()

    handles = [norm.register_forward_pre_hook(watch) for norm in norms]
    encoder.eval()
    for batch in batches:
        encoder(batch)
    for handle in handles:
        handle.remove()
    for norm, (first, second, count) in sums.items():
        mean, scale = first / count, (norm.running_var.double() + norm.eps).sqrt()
        variance = (second / count - mean.square()).clamp_min(1e-8)
        weight = norm.weight.double() / scale  # the norm's effective factor
        bias = norm.bias.double() - weight * norm.running_mean.double()
        norm.weight.copy_(weight * (variance + norm.eps).sqrt())
        norm.bias.copy_(bias + weight * mean)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
