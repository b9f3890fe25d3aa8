"""Statistics of batch norms, gathered anew where the running ones are of other weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

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
