"""One network that holds all answers of a space at once, its weights serving all."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from core import did_you_mean
from search_spaces.architecture import Choice, Choices

Distributions = Mapping[str, Mapping[Choice, Tensor]]
Probabilities = Mapping[str, Mapping[Choice, float]]
Shares = Mapping[Any, Tensor | float]  # by choice; what weighs nothing is left out


class Supernet(nn.Module, ABC):
    """A module that computes what one answer's network would, or a mixture of all.

    How much there is of each, architecture weights may say; a supernet without any is trained and asked answer by answer.
    """

    alone: Any = None  # what `weigh` made of the answer that is held

    @abstractmethod
    def weigh(self, choices: Choices) -> Any:
        """How much there is of everything where one answer is all."""

    @contextmanager
    def held(self, choices: Choices) -> Iterator[None]:
        """While it lasts, the module computes what the network of one answer would, with the weights that it has here."""
        self.alone = self.weigh(choices)
        try:
            yield
        finally:
            self.alone = None

    @abstractmethod
    def derive(self, choices: Choices) -> dict[str, Tensor]:
        """The weights of one answer, under the names of the network that the space puts in the supernet's slot.

        Affine pairs of norms may be missing: 1 and 0 they give what the module computes while this answer is held.
        """

    def renamed(self, origins: Mapping[str, str]) -> dict[str, Tensor]:
        """The tensors of the modules that `origins` names, under other names: from a new name to the module's here."""
        weights = self.state_dict()
        return {
            new + name.removeprefix(old): weights[name]
            for new, old in origins.items()
            for name in weights
            if name.startswith(f"{old}.")
        }

    def operations(self) -> Mapping[str, Mapping[Choice, str]]:
        """Which module is only there for a choice, by decision; empty where a module serves several."""
        return {}

    def kernels(self) -> list[nn.Parameter]:
        """The filters that several branches may learn at once, to be mixed (E-DNAS); empty where there are none."""
        return []

    def architecture_parameters(self) -> list[nn.Parameter]:
        """What an architecture's optimiser learns."""
        return []

    def distributions(self) -> Distributions:
        """What the architecture weights hold, each by a dotted name, differentiable; the shares of one sum to 1."""
        return {}

    def probabilities(self) -> Probabilities:
        """The same as numbers."""
        return {
            name: {choice: float(share.detach()) for choice, share in shares.items()}
            for name, shares in self.distributions().items()
        }

    def discretise(self) -> Choices:
        """The answer that the architecture weights favour, as choices of the space; ties fall the same way always."""
        raise TypeError(f"{type(self).__name__} has no architecture weights: sample its space")

    def expected_cost(self, table: Mapping[str, Mapping[Choice, float]]) -> Tensor:
        """The sum of what the choices in `table` cost, by distribution, each by its share; differentiable.

        Raises ValueError where there is no such distribution.
        """
        known, total = self.distributions(), torch.zeros(())
        for name, costs in table.items():
            if name not in known:
                raise ValueError(did_you_mean("distribution", name, known))
            total = total + sum(share * costs[choice] for choice, share in known[name].items())
        return total


class ChoiceSupernet(Supernet):
    """One softmax for every decision of its space (the relaxation of DARTS, Liu et al., ICLR 2019, equation 2)."""

    def offer(self, decisions: Mapping[str, tuple[Choice, ...]]) -> None:
        """Make the architecture weights, `alphas`, all equal."""
        self.decisions = dict(decisions)
        self.alphas = nn.ParameterList(torch.zeros(len(options)) for options in decisions.values())

    def architecture_parameters(self) -> list[nn.Parameter]:
        return list(self.alphas)

    def distributions(self) -> Distributions:
        """One for each decision, by its name."""
        return {
            name: dict(zip(options, alpha.softmax(0), strict=True))
            for (name, options), alpha in zip(self.decisions.items(), self.alphas, strict=True)
        }

    def shares(self) -> Mapping[str, Shares]:
        """What each choice weighs now: all by their distributions, or the held one alone."""
        if self.alone is not None:
            return self.alone
        result: dict[str, Shares] = {}
        for (name, options), alpha in zip(self.decisions.items(), self.alphas, strict=True):
            softmax = alpha.softmax(0)
            values = [1.0] * len(options) if alpha.is_meta else softmax.tolist()  # only shapes flow there, through all
            present = zip(options, softmax, values, strict=True)
            result[name] = {choice: share for choice, share, value in present if value}
        return result

    def weigh(self, choices: Choices) -> Mapping[str, Shares]:
        return {name: {choices[name]: 1.0} for name in self.decisions}

    def discretise(self) -> dict[str, Choice]:
        """The most probable choice of every decision; of equal ones the first."""
        return {name: max(options, key=options.__getitem__) for name, options in self.probabilities().items()}


class JointSupernet(Supernet):
    """The supernets of a network, by their names in it, each with its own decisions; derived weights have its names."""

    def __init__(self, parts: Mapping[str, Supernet]):
        super().__init__()
        self.parts = dict(parts)  # which the network registers

    def weigh(self, choices: Choices) -> list[Any]:
        return [part.weigh(choices) for part in self.parts.values()]

    @contextmanager
    def held(self, choices: Choices) -> Iterator[None]:
        with ExitStack() as stack:
            for part in self.parts.values():
                stack.enter_context(part.held(choices))
            yield

    def derive(self, choices: Choices) -> dict[str, Tensor]:
        return {
            f"{place}.{name}" if place else name: value
            for place, part in self.parts.items()
            for name, value in part.derive(choices).items()
        }

    def operations(self) -> Mapping[str, Mapping[Choice, str]]:
        return {
            name: {choice: f"{place}.{module}" if place else module for choice, module in modules.items()}
            for place, part in self.parts.items()
            for name, modules in part.operations().items()
        }

    def kernels(self) -> list[nn.Parameter]:
        return [kernel for part in self.parts.values() for kernel in part.kernels()]

    def architecture_parameters(self) -> list[nn.Parameter]:
        return [parameter for part in self.parts.values() for parameter in part.architecture_parameters()]

    def distributions(self) -> Distributions:
        return {name: shares for part in self.parts.values() for name, shares in part.distributions().items()}

    def discretise(self) -> dict[str, Choice]:
        return {name: choice for part in self.parts.values() for name, choice in part.discretise().items()}


def supernet_in(network: nn.Module) -> JointSupernet:
    """All supernets among the modules of a network."""
    return JointSupernet({name: part for name, part in network.named_modules() if isinstance(part, Supernet)})


def mean_entropy(probabilities: Probabilities) -> float:
    """How undecided a supernet is: the mean of all entropies, each relative to the uniform one's; 0 to 1, and 0 of none."""
    shares = [
        -math.fsum(p * math.log(p) for p in options.values() if p > 0) / math.log(len(options))
        for options in probabilities.values()
        if len(options) > 1
    ]
    return math.fsum(shares) / max(len(shares), 1)


def skip_ratio(probabilities: Probabilities) -> float:
    """The share of the distributions with a "skip" in which it is ahead of all others; 0 where there are none.

    A supernet that collapses goes to 1.
    """
    offers = [options for options in probabilities.values() if "skip" in options]
    ahead = [all(options["skip"] > p for name, p in options.items() if name != "skip") for options in offers]
    return sum(ahead) / max(len(ahead), 1)
