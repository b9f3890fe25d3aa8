"""Modules whose parts are stored apart while they learn, and are one layer once they have learnt."""

from __future__ import annotations

from torch import nn

from tasks.convolutions import quicken


def merged(network: nn.Module) -> nn.Module:
    """The network, in which each module that has a method `merged` is what that returns: it computes the same, and costs less.

    What a network costs and what is taken home is told of this form; its weights have other names than those that learn.
    """
    apart = {name: module for name, module in network.named_modules() if name and hasattr(module, "merged")}
    for name, module in apart.items():
        network.set_submodule(name, module.merged())  # type: ignore[operator]
    if apart and all(weight.device.type == "cpu" for weight in network.parameters()):
        quicken(network)
    return network
