"""The questions of a search: what may vary, and how an answer becomes a network."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from random import Random
from typing import TYPE_CHECKING, Any

from core import Weights, did_you_mean, matching
from core.parsing import shown
from search_spaces.architecture import Architecture, Choice, Choices, Difference, among
from search_spaces.graph import Graph, listed

if TYPE_CHECKING:
    from search_spaces.modular import Modular

DRAWS = 10_000  # of a sample, until one is legal
MOVES = 100  # that a mutation tries before it looks at all there are


class SearchSpace(ABC):
    """What every space promises. An answer is a mapping of named choices, as many as it likes.

    Randomness is handed in as a `random.Random`; the space holds none. `version` is part of a protocol's hash: another number
    where the same answer gives another network.
    """

    version: int = 1

    def architecture(self, choices: Choices) -> Architecture:
        """The answer with these choices. Raises ValueError where they make no network."""
        flaw = self.flaw(choices)
        if flaw is not None:
            raise ValueError(f"these choices make no network: {flaw}")
        return self._answer(choices)

    def _answer(self, choices: Choices) -> Architecture:
        """The answer with choices that are known to make a network."""
        return Architecture(tuple(sorted(choices.items())), self.canonical)

    @abstractmethod
    def sample(self, rng: Random) -> Architecture:
        """A random answer. Raises ValueError where none makes a network."""

    @abstractmethod
    def mutate(self, arch: Architecture, rng: Random) -> Architecture:
        """A random neighbour of an answer. Raises ValueError where none makes a network."""

    def first(self, rng: Random) -> Architecture:
        """Where a search that goes from network to network begins: the space's start, where it has one, or a random answer."""
        return self.sample(rng)

    def move(self, arch: Architecture, rng: Random) -> tuple[Architecture, str]:
        """A random neighbour, as `mutate` gives one, and the kind of the move; it can be moved on.

        After several moves weights are still taken over from the network at their beginning.
        """
        return self.mutate(arch, rng), "mutation"

    def read(self, genotype: Any) -> Architecture:
        """The architecture of a published genotype. Raises ValueError where it is not in the space's notation, or has none."""
        raise ValueError(f"{type(self).__name__} has no notation of genotypes: give a model")

    def cross(self, fitter: Architecture, other: Architecture, rng: Random) -> Architecture:
        """A child of two answers; the first one itself where the space does not know what of them is alike."""
        return fitter

    def difference(self, a: Architecture, b: Architecture) -> Difference:
        """What strategies that keep species compare."""
        ours, theirs = a.as_dict(), b.as_dict()
        shared = ours.keys() & theirs.keys()
        other = sum(ours[name] != theirs[name] for name in shared)
        alone = len(ours.keys() ^ theirs.keys()) / max(1, len(ours), len(theirs))
        return Difference(alone, other / max(1, len(shared)))

    def modular(self, slots: int) -> Modular:
        """How its answers are put together from modules of at most `slots` species. Raises TypeError where they are not."""
        raise TypeError(
            f"the answers of the space {type(self).__name__} have no modules: take a finite space, or DeepNEAT"
        )

    def canonical(self, choices: Choices) -> Choices:
        """The one spelling of all choices that build the same network. It is legal, and its own canonical form."""
        return choices

    def flaw(self, choices: Choices) -> str | None:
        """Why no network can be built from these choices; None: one can."""
        return None

    def model(self, arch: Architecture) -> dict[str, Any]:
        """What `arch` decides of a model: equal architectures give equal parts."""
        return self.parts(self.canonical(arch.as_dict()))

    @abstractmethod
    def parts(self, choices: Choices) -> dict[str, Any]:
        """A config, plain data, for each slot of a model ("backbone", "neck", ...) that canonical choices decide."""

    def graph(self, arch: Architecture) -> Graph:
        """What `arch` decides, to be drawn: equal architectures give equal graphs."""
        return self.wiring(self.canonical(arch.as_dict()))

    def wiring(self, choices: Choices) -> Graph:
        """The nodes and edges that canonical choices decide; a list of them where the space does not say."""
        return listed(choices)

    def supernet(self) -> dict[str, Any]:
        """Parts, as `model` gives them, that hold all answers at once: one is a `Supernet`.

        Raises TypeError where the space has none.
        """
        raise TypeError(f"the space {type(self).__name__} has no supernet: use a strategy that asks and tells")

    def inherit(
        self, weights: Weights, fresh: Weights, parent: Architecture | None, child: Architecture | None
    ) -> Weights:
        """The weights that the network of `child`, or the supernet where it is None, starts with, given its `fresh` ones.

        `weights` are those of the network of `parent`, or, where it is None, of the task's encoder.
        """
        return matching(weights, fresh)

    def __str__(self) -> str:
        return f"the space {type(self).__name__}"


def _check_numbers(genotype: Any) -> None:
    """Raise TypeError where a genotype holds True or False, which Python takes for 1 and 0."""
    if isinstance(genotype, bool):
        raise TypeError
    for part in genotype if isinstance(genotype, list | tuple) else ():
        _check_numbers(part)


class FiniteSpace(SearchSpace):
    """Named decisions with a finite number of choices each.

    `decisions` maps a flat dotted name to its choices (`"fpn.block0.op1": ("sep3", "dil3", "skip")`). An answer has a choice
    for every decision, also where it does not matter.
    """

    decisions: Mapping[str, tuple[Choice, ...]]
    notation: str = "a dict of choices"  # how its networks are published

    @property
    def size(self) -> int:
        """How many answers there are, counted before networks that are equal are recognised."""
        return math.prod(len(choices) for choices in self.decisions.values())

    @property
    def width_decisions(self) -> Collection[str]:
        """The decisions that say how wide a part is, in numbers: a smaller one makes a network that costs less."""
        return ()

    def active(self, choices: Choices) -> Collection[str]:
        """The decisions that matter where these choices are made."""
        return self.decisions.keys()

    def canonical(self, choices: Choices) -> Choices:
        """Decisions that do not matter are at their first choice."""
        active = self.active(choices)
        if len(active) == len(self.decisions):
            return choices
        return {name: choices[name] if name in active else options[0] for name, options in self.decisions.items()}

    def architecture(self, choices: Choices) -> Architecture:
        """Raises ValueError also where a decision is missing, unknown or out of range."""
        for name in choices:
            if name not in self.decisions:
                raise ValueError(did_you_mean("decision", name, self.decisions))
        for name, options in self.decisions.items():
            if name not in choices:
                raise ValueError(f"decision {name!r} has no choice: give one of {options}")
            choice = choices[name]
            if not among(choice, options):
                raise ValueError(f"decision {name!r} cannot be {shown(choice)}: give one of {options}")
        return super().architecture(choices)

    def read(self, genotype: Any) -> Architecture:
        try:
            _check_numbers(genotype)
            choices = self.choices(genotype)
        except Exception:  # a genotype may be anything
            what = f"{shown(genotype)} is not a genotype of {type(self).__name__}"
            raise ValueError(f"{what}: write it as {self.notation}") from None
        return self.architecture(choices)

    def choices(self, genotype: Any) -> dict[str, Choice]:
        """What `genotype` says, not checked any further. Any error says that it is none."""
        return dict(genotype)

    def sample(self, rng: Random) -> Architecture:
        """An answer drawn uniformly, decision by decision, until it has no flaw."""
        for _ in range(DRAWS):
            choices = {name: rng.choice(options) for name, options in self.decisions.items()}
            if self.flaw(choices) is None:
                return self._answer(choices)
        raise ValueError(f"none of {DRAWS} random answers of {self} makes a network: give it more choices")

    def mutate(self, arch: Architecture, rng: Random) -> Architecture:
        """The same answer with another choice at one decision that matters, both drawn uniformly until it has no flaw."""
        choices = arch.as_dict()
        active = self.active(choices)
        names = [name for name, options in self.decisions.items() if len(options) > 1 and name in active]
        for _ in range(MOVES if names else 0):
            name = rng.choice(names)
            old = choices[name]
            changed = {**choices, name: rng.choice([option for option in self.decisions[name] if option != old])}
            if self.flaw(changed) is None:
                return self._answer(changed)
        legal = self.neighbours(arch)
        if not legal:
            raise ValueError(f"no other answer of {self} with one choice changed makes a network: give it more choices")
        return rng.choice(legal)

    def cross(self, fitter: Architecture, other: Architecture, rng: Random) -> Architecture:
        """Every decision from either at random; the first one itself where that makes no network."""
        choices = {name: rng.choice((fitter[name], other[name])) for name in self.decisions}
        return fitter if self.flaw(choices) else self.architecture(choices)

    def modular(self, slots: int) -> Modular:
        from search_spaces.modular import ModularDecisions

        return ModularDecisions(self, slots)

    def neighbours(self, arch: Architecture) -> list[Architecture]:
        """All answers with another choice at one decision that matters, in the order of decisions and choices."""
        choices = arch.as_dict()
        active = self.active(choices)
        changed = [
            {**choices, name: option}
            for name, options in self.decisions.items()
            if name in active
            for option in options
            if option != choices[name]
        ]
        return [self._answer(one) for one in changed if self.flaw(one) is None]

    def only(self, prefix: str, rest: Architecture) -> Part:
        """This space with every decision outside `prefix` held at its choice in `rest` (progressive search).

        Raises ValueError where no decision starts with `prefix`.
        """
        return Part(self, prefix, rest)


class Narrowed(FiniteSpace):
    """The space `whole` with fewer choices. Its answers are those of `whole`; a canonical form may have choices outside."""

    def __init__(self, whole: FiniteSpace):
        self.whole, self.version, self.notation = whole, whole.version, whole.notation

    @property
    def width_decisions(self) -> Collection[str]:
        return self.whole.width_decisions

    def active(self, choices: Choices) -> Collection[str]:
        return self.whole.active(choices)

    def canonical(self, choices: Choices) -> Choices:
        return self.whole.canonical(choices)

    def flaw(self, choices: Choices) -> str | None:
        return self.whole.flaw(choices)

    def choices(self, genotype: Any) -> dict[str, Choice]:
        return self.whole.choices(genotype)

    def parts(self, choices: Choices) -> dict[str, Any]:
        return self.whole.parts(choices)

    def wiring(self, choices: Choices) -> Graph:
        return self.whole.wiring(choices)

    def inherit(
        self, weights: Weights, fresh: Weights, parent: Architecture | None, child: Architecture | None
    ) -> Weights:
        return self.whole.inherit(weights, fresh, parent, child)


class Part(Narrowed):
    """The space `whole` with every decision outside `prefix` held at its choice in `rest`; its answers are those of `whole`."""

    def __init__(self, whole: FiniteSpace, prefix: str, rest: Architecture):
        if not any(name.startswith(prefix) for name in whole.decisions):
            raise ValueError(f"no decision starts with {prefix!r}: the space has {', '.join(whole.decisions)}")
        super().__init__(whole)
        self.prefix = prefix
        held = rest.as_dict()
        self.decisions = {
            name: options if name.startswith(prefix) else (held[name],) for name, options in whole.decisions.items()
        }

    def supernet(self) -> dict[str, Any]:
        raise TypeError(f"{self} has no supernet, which would move the decisions that are held: search the whole space")

    def __str__(self) -> str:
        return f"the part {self.prefix!r} of {self.whole}"
