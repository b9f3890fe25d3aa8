"""Part of a space: fewer choices at some decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core import build, did_you_mean
from search_spaces.architecture import Choice, among
from search_spaces.registry import SPACES
from search_spaces.space import FiniteSpace, Narrowed


class Subset(Narrowed):
    """The answers of `space`, a config, whose choices are among `choices` where these name the decision.

    Such a space can be small enough to be trained whole. Raises ValueError where a choice is none of the space's.
    """

    def __init__(self, space: Mapping[str, Any], choices: Mapping[str, Sequence[Choice]]):
        whole = build(SPACES, space)
        if not isinstance(whole, FiniteSpace):
            raise ValueError(f"{whole} has no decisions that could have fewer choices: name a finite space")
        super().__init__(whole)
        for name, kept in choices.items():
            if name not in whole.decisions:
                raise ValueError(did_you_mean("decision", name, whole.decisions))
            wrong = [choice for choice in kept if not among(choice, whole.decisions[name])]
            if wrong or not kept:
                raise ValueError(
                    f"decision {name!r} cannot be {wrong or 'nothing'}: give some of {whole.decisions[name]}"
                )
            if len(set(kept)) < len(kept):
                raise ValueError(f"decision {name!r} has a choice twice: give each of {kept} once")
        self.decisions = {name: tuple(choices.get(name, options)) for name, options in whole.decisions.items()}
