"""One network that holds all answers of a space at once, for strategies that follow gradients."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager

from torch import nn

from search_spaces.architecture import Choice

Probabilities = Mapping[str, Mapping[Choice, float]]


class Supernet(nn.Module, ABC):
    """A module whose architecture parameters say how much of each answer it is; its weights serve all answers.

    It computes what a network of the space does, as a mixture of all of them.
    """

    @abstractmethod
    def architecture_parameters(self) -> list[nn.Parameter]:
        """What the architecture's optimiser learns."""

    @abstractmethod
    def discretise(self) -> dict[str, Choice]:
        """The answer that the architecture parameters favour, as choices of the space; ties fall the same way always."""

    @abstractmethod
    def held(self, choices: Mapping[str, Choice]) -> AbstractContextManager[None]:
        """While it lasts, the module computes what the network of one answer would, with the weights that it has here."""

    @abstractmethod
    def probabilities(self) -> Probabilities:
        """Each distribution that the architecture parameters hold, by a dotted name; the values of one sum to 1."""


def supernet_in(network: nn.Module) -> Supernet:
    """The supernet among the modules of a network."""
    return next(module for module in network.modules() if isinstance(module, Supernet))


def mean_entropy(probabilities: Probabilities) -> float:
    """How undecided a supernet is: the mean of all entropies, each relative to the uniform one's; 0 to 1."""
    shares = [
        -math.fsum(p * math.log(p) for p in options.values() if p > 0) / math.log(len(options))
        for options in probabilities.values()
        if len(options) > 1
    ]
    return math.fsum(shares) / len(shares)


def skip_ratio(probabilities: Probabilities) -> float:
    """The share of the distributions with a "skip" in which it is ahead of all others; 0 where there are none.

    A supernet that collapses goes to 1.
    """
    offers = [options for options in probabilities.values() if "skip" in options]
    ahead = [all(options["skip"] > p for name, p in options.items() if name != "skip") for options in offers]
    return sum(ahead) / max(len(ahead), 1)
