"""Weights of networks as mappings from names to tensors, and how one network takes over another's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Weights = Mapping[str, Any]
Inherit = Callable[[Weights, Weights], Weights]
"""From the weights of another network and the fresh ones of a network to those that it starts with."""


class Remapped(dict[str, Any]):
    """Weights of which some were made from others by other names or of other shapes; `sources` has the names of these."""

    def __init__(self, weights: Weights, sources: Mapping[str, str]):
        super().__init__(weights)
        self.sources = sources


def matching(weights: Weights, fresh: Weights) -> Weights:
    """What `weights` has of the same name and shape, the rest as in `fresh`."""
    return {
        name: weights[name] if name in weights and weights[name].shape == value.shape else value
        for name, value in fresh.items()
    }
