"""The questions of a search: what may vary, and how an answer becomes a network."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from random import Random
from typing import Any

from search_spaces.architecture import Architecture, Choice, architecture_of
from search_spaces.registry import did_you_mean


class SearchSpace(ABC):
    """Named decisions with a finite number of choices each.

    `decisions` maps a flat dotted name to its choices (`"fpn.block0.op1": ("sep3", "dil3", "skip")`). Randomness is
    handed in as a `random.Random`; the space holds none.
    """

    decisions: Mapping[str, tuple[Choice, ...]]
    partial = False  # a part of the decisions of another space, as `only` makes it

    @property
    def size(self) -> int:
        """How many answers there are, counted before networks that are equal are recognised."""
        return math.prod(len(choices) for choices in self.decisions.values())

    def architecture(self, choices: Mapping[str, Choice]) -> Architecture:
        """The answer with these choices. Raises ValueError where a decision is missing, unknown or out of range."""
        for name in choices:
            if name not in self.decisions:
                raise ValueError(did_you_mean("decision", name, self.decisions))
        for name, options in self.decisions.items():
            if name not in choices:
                raise ValueError(f"decision {name!r} has no choice: give one of {options}")
            if choices[name] not in options:
                raise ValueError(f"decision {name!r} cannot be {choices[name]!r}: give one of {options}")
        flaw = self.flaw(choices)
        if flaw is not None:
            raise ValueError(f"these choices make no network: {flaw}")
        return architecture_of(choices, self.canonical(choices))

    def canonical(self, choices: Mapping[str, Choice]) -> Mapping[str, Choice]:
        """The one spelling of all choices that build the same network; the content key is its hash."""
        return choices

    def flaw(self, choices: Mapping[str, Choice]) -> str | None:
        """Why no network can be built from these choices, legal one by one; None: one can."""
        return None

    def sample(self, rng: Random) -> Architecture:
        """An answer drawn uniformly, decision by decision, until it has no flaw."""
        while True:
            choices = {name: rng.choice(options) for name, options in self.decisions.items()}
            if self.flaw(choices) is None:
                return self.architecture(choices)

    def mutate(self, arch: Architecture, rng: Random) -> Architecture:
        """The same answer with another choice at one decision, both drawn uniformly until the result has no flaw."""
        names = [name for name, options in self.decisions.items() if len(options) > 1]
        while True:
            name = rng.choice(names)
            other = rng.choice([option for option in self.decisions[name] if option != arch[name]])
            choices = {**arch.as_dict(), name: other}
            if self.flaw(choices) is None:
                return self.architecture(choices)

    def only(self, prefix: str, rest: Architecture) -> SearchSpace:
        """This space with every decision outside `prefix` held at its choice in `rest` (progressive search)."""
        if not any(name.startswith(prefix) for name in self.decisions):
            raise ValueError(f"no decision starts with {prefix!r}: the space has {', '.join(self.decisions)}")
        part = copy.copy(self)
        part.partial = True
        part.decisions = {
            name: options if name.startswith(prefix) else (rest[name],) for name, options in self.decisions.items()
        }
        return part

    @abstractmethod
    def model(self, arch: Architecture) -> dict[str, Any]:
        """The part of an MMEngine model config that `arch` decides, as plain data; the task's template holds the rest."""

    def supernet(self) -> dict[str, Any]:
        """The part of a model config, as `model` gives it, that holds all answers at once: in it is a `Supernet`.

        Raises TypeError where the space has none.
        """
        raise TypeError(f"the space {type(self).__name__} has no supernet: use a strategy that asks and tells")
