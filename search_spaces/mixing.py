"""Maps and operations mixed by their shares, as supernets do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

import torch
from torch import Tensor, nn

from search_spaces.ops import largest, resize
from search_spaces.supernet import Shares


def total(maps: Iterable[Tensor]) -> Tensor:
    return reduce(torch.add, maps)


def mixed(maps: Sequence[Tensor], shares: Shares) -> Tensor:
    """The sum of the maps by their shares, at the size of the largest that has one."""
    size = largest([maps[place] for place in shares])
    return total([resize(share * maps[place], size) for place, share in shares.items()])


def applied(modules: Mapping[str, nn.Module], shares: Shares, *inputs: Tensor) -> Tensor:
    """The sum of what the modules make of the inputs, by their shares. What has none is not run."""
    return total([share * modules[name](*inputs) for name, share in shares.items()])


def loose(places: Iterable[int], picks: Sequence[Shares]) -> Shares:
    """The probability that none of the picks, which are independent, falls on each of the places."""
    chances = {place: math.prod(1 - pick.get(place, 0.0) for pick in picks) for place in places}
    return {place: chance for place, chance in chances.items() if chance}
