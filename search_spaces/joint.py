"""Several spaces as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.architecture import Architecture, Choice
from search_spaces.space import SearchSpace


class Joint(SearchSpace):
    """The decisions of all `parts`, whose names must not clash, and the union of what they decide of the model."""

    def __init__(self, *parts: SearchSpace):
        self.parts = parts
        decisions: dict[str, tuple[Choice, ...]] = {}
        for part in parts:
            for name in part.decisions.keys() & decisions.keys():
                raise ValueError(f"two of the joined spaces have a decision {name!r}: rename one")
            decisions.update(part.decisions)
        self.decisions = decisions

    def model(self, arch: Architecture) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for part in self.parts:
            result |= part.model(part.architecture(_share(part, arch.as_dict())))
        return result

    def flaw(self, choices: Mapping[str, Choice]) -> str | None:
        return next((flaw for part in self.parts if (flaw := part.flaw(_share(part, choices)))), None)

    def canonical(self, choices: Mapping[str, Choice]) -> Mapping[str, Choice]:
        result: dict[str, Choice] = {}
        for part in self.parts:
            result |= part.canonical(_share(part, choices))
        return result


def _share(part: SearchSpace, choices: Mapping[str, Choice]) -> dict[str, Choice]:
    return {name: choices[name] for name in part.decisions}
