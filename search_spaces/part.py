"""A part of the decisions of a space."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from core import Weights
from search_spaces.architecture import Architecture, Choices
from search_spaces.space import FiniteSpace


class Part(FiniteSpace):
    """The space `whole` with every decision outside `prefix` held at its choice in `rest`; its answers are those of `whole`."""

    def __init__(self, whole: FiniteSpace, prefix: str, rest: Architecture):
        if not any(name.startswith(prefix) for name in whole.decisions):
            raise ValueError(f"no decision starts with {prefix!r}: the space has {', '.join(whole.decisions)}")
        self.whole, self.prefix, self.version = whole, prefix, whole.version
        held = rest.as_dict()
        self.decisions = {
            name: options if name.startswith(prefix) else (held[name],) for name, options in whole.decisions.items()
        }

    def active(self, choices: Choices) -> Collection[str]:
        return self.whole.active(choices)

    def canonical(self, choices: Choices) -> Choices:
        return self.whole.canonical(choices)

    def flaw(self, choices: Choices) -> str | None:
        return self.whole.flaw(choices)

    def parts(self, choices: Choices) -> dict[str, Any]:
        return self.whole.parts(choices)

    def supernet(self) -> dict[str, Any]:
        raise TypeError(f"{self} has no supernet, which would move the decisions that are held: search the whole space")

    def inherit(self, weights: Weights, fresh: Weights, parent: Architecture | None, child: Architecture) -> Weights:
        return self.whole.inherit(weights, fresh, parent, child)

    def __str__(self) -> str:
        return f"the part {self.prefix!r} of {self.whole}"
