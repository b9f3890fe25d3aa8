"""Networks that are put together from modules, as a blueprint says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from search_spaces.architecture import Architecture, Choice, Choices
from search_spaces.space import FiniteSpace, SearchSpace

Pointer = tuple[int, int]  # the kind of a module, and its species


class Modular(ABC):
    """The spaces of modules, of some `kinds`, and of blueprints, whose parts point to species of modules."""

    kinds: Sequence[SearchSpace]
    blueprints: SearchSpace

    @abstractmethod
    def pointers(self, blueprint: Architecture) -> list[Pointer]:
        """The species that it points to, each once."""

    @abstractmethod
    def assembled(self, blueprint: Architecture, modules: Mapping[Pointer, Architecture]) -> Architecture | None:
        """The network of a blueprint, with a module for each of its pointers; None where these make none."""


class Decisions(FiniteSpace):
    """Nothing but decisions."""

    def __init__(self, decisions: Mapping[str, tuple[Choice, ...]]):
        self.decisions = decisions

    def parts(self, choices: Choices) -> dict[str, Any]:
        return {"choices": dict(choices)}


class ModularDecisions(Modular):
    """A finite space: the decisions that share a prefix are a module, and prefixes with the same decisions share their modules.

    So the layers of `ToySpace` are modules of one kind, each with a width, a kernel and an activation, and a blueprint says
    for every layer of which species it is.
    """

    def __init__(self, whole: FiniteSpace, slots: int):
        self.whole = whole
        groups: dict[str, dict[str, tuple[Choice, ...]]] = {}
        for name, options in whole.decisions.items():
            prefix, _, last = name.rpartition(".")
            groups.setdefault(prefix, {})[last] = options
        distinct = [group for place, group in enumerate(groups.values()) if group not in list(groups.values())[:place]]
        self.kinds = [Decisions(group) for group in distinct]
        self.kind = {prefix: distinct.index(group) for prefix, group in groups.items()}
        self.blueprints = Decisions(dict.fromkeys(groups, tuple(range(slots))))

    def pointers(self, blueprint: Architecture) -> list[Pointer]:
        return list(dict.fromkeys((kind, int(blueprint[prefix])) for prefix, kind in self.kind.items()))

    def assembled(self, blueprint: Architecture, modules: Mapping[Pointer, Architecture]) -> Architecture | None:
        choices = {
            f"{prefix}.{last}" if prefix else last: choice
            for prefix, kind in self.kind.items()
            for last, choice in modules[kind, int(blueprint[prefix])].choices
        }
        try:
            return self.whole.architecture(choices)
        except ValueError:
            return None
