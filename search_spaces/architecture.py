"""One answer to a search space: which choice was made at every decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from core import content_key

Choice = int | float | str
Choices = Mapping[str, Choice]


def among(choice: Any, options: Iterable[Choice]) -> bool:
    """Is it one of these? True is not 1."""
    return any(type(one) is type(choice) and one == choice for one in options)


@dataclass(frozen=True, eq=False)
class Architecture:
    """A frozen, hashable mapping `decision -> choice`; equal are two answers that build the same network.

    `choices` is sorted by decision. `form` gives the canonical form of choices: the one spelling of all that build the same
    network. It is the space's (make one with `SearchSpace.architecture`), and asked when it is needed, as is `key`, a hash.
    """

    choices: tuple[tuple[str, Choice], ...]
    form: Callable[[Choices], Choices] | None = field(repr=False)

    @classmethod
    def recorded(cls, choices: Choices, key: str) -> Architecture:
        """One that is read without its space: it is compared by its key, has no canonical form and cannot be hashed."""
        arch = cls(tuple(sorted(choices.items())), None)
        arch.__dict__["key"] = key
        return arch

    @cached_property
    def key(self) -> str:
        """A short name for the canonical form, the same on every machine."""
        return content_key(dict(self.canonical))

    @cached_property
    def canonical(self) -> tuple[tuple[str, Choice], ...]:
        """The canonical form, sorted by decision."""
        if self.form is None:
            raise TypeError(f"the architecture {self.key} was read without its space: compare its key")
        choices = dict(self.choices)
        form = self.form(choices)
        return self.choices if form is choices else tuple(sorted(form.items()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Architecture):
            return NotImplemented
        if self.form is None or other.form is None:
            return self.key == other.key
        return self.choices == other.choices or self.canonical == other.canonical

    def __hash__(self) -> int:
        return hash(self.canonical)

    def __getitem__(self, decision: str) -> Choice:
        return dict(self.choices)[decision]

    def as_dict(self) -> dict[str, Choice]:
        return dict(self.choices)


class Difference(NamedTuple):
    """How different two answers are: the share of the larger one's genes that only one of them has, and how much those that
    both have differ on average, from 0 to 1. A gene is a choice, unless the space says otherwise."""

    structure: float
    attributes: float
