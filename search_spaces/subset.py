"""Part of a space: fewer choices at some decisions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from core import Weights, build, did_you_mean
from search_spaces.architecture import Architecture, Choice, Choices
from search_spaces.registry import SPACES
from search_spaces.space import FiniteSpace


class Subset(FiniteSpace):
    """The answers of `space`, a config, whose choices are among `choices` where these name the decision.

    Such a space can be small enough to be trained whole. Raises ValueError where a choice is none of the space's.
    """

    def __init__(self, space: Mapping[str, Any], choices: Mapping[str, Sequence[Choice]]):
        whole = build(SPACES, space)
        if not isinstance(whole, FiniteSpace):
            raise ValueError(f"{whole} has no decisions that could have fewer choices: name a finite space")
        self.whole, self.version = whole, whole.version
        for name, kept in choices.items():
            if name not in whole.decisions:
                raise ValueError(did_you_mean("decision", name, whole.decisions))
            wrong = [choice for choice in kept if choice not in whole.decisions[name]]
            if wrong or not kept:
                raise ValueError(
                    f"decision {name!r} cannot be {wrong or 'nothing'}: give some of {whole.decisions[name]}"
                )
        self.decisions = {name: tuple(choices.get(name, options)) for name, options in whole.decisions.items()}

    def active(self, choices: Choices) -> Collection[str]:
        return self.whole.active(choices)

    def canonical(self, choices: Choices) -> Choices:
        """That of the whole space: a name of the network, whose choices may lie outside."""
        return self.whole.canonical(choices)

    def flaw(self, choices: Choices) -> str | None:
        return self.whole.flaw(choices)

    def parts(self, choices: Choices) -> dict[str, Any]:
        return self.whole.parts(choices)

    def inherit(self, weights: Weights, fresh: Weights, parent: Architecture | None, child: Architecture) -> Weights:
        return self.whole.inherit(weights, fresh, parent, child)
