"""A population that evolves in species, each of which has offspring in proportion to its shared fitness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from core import parse
from search_spaces import Architecture, SearchSpace
from search_spaces.genomes.genes import Rates
from search_spaces.genomes.space import GraphSpace
from strategies.strategy import is_single

KEPT = 2  # of the best species, however long they have not improved


@dataclass(frozen=True)
class Evolution:
    """How a population evolves (Stanley and Miikkulainen, "Evolving Neural Networks through Augmenting Topologies", 2002).

    The distance of two genomes is `structure` times the share of genes that only one of them has, and `attributes` times the
    mean difference of those that both have (equation 1, disjoint and excess genes as one). It is less than `threshold` to the
    representative of a species. There are at most `species`: who is near none of so many joins the nearest.

    The fittest share `survival` of a species are parents, at least two; with probability `crossover` a child has two of them.
    Its mutations have these `rates`, of graphs; in other spaces there is one, the space's own. The `elites` fittest of a
    species live on, where it has more offspring. After `stagnation` generations without progress a species has none.
    """

    population: int = 10
    threshold: float = 0.4
    structure: float = 1.0
    attributes: float = 0.5
    species: int = 8
    survival: float = 0.3
    crossover: float = 0.75
    elites: int = 1
    stagnation: int = 15
    rates: Rates = field(default_factory=Rates)

    def __post_init__(self) -> None:
        if self.population < 2 or min(self.species, self.stagnation) < 1 or self.elites < 0:
            given = f"{self.population}, {self.species}, {self.stagnation} and {self.elites}"
            raise ValueError(f"population must be at least 2, species and stagnation 1 and elites 0, not {given}")
        if not 0 < self.survival <= 1 or not 0 <= self.crossover <= 1:
            raise ValueError(
                f"survival must be in (0, 1] and crossover in [0, 1], not {self.survival} and {self.crossover}"
            )
        if min(self.threshold, self.structure, self.attributes) < 0:
            given = f"{self.threshold}, {self.structure} and {self.attributes}"
            raise ValueError(f"threshold, structure and attributes must not be negative, not {given}")

    @classmethod
    def of(cls, settings: Mapping[str, Any] | None, what: str) -> Evolution:
        """From a config. Raises ValueError."""
        return parse(cls, settings or {}, what)


@dataclass(eq=False)
class Genome:
    """A member of a population, and the rewards of this generation's networks that it was in."""

    id: int
    arch: Architecture
    species: int = -1
    rewards: list[float] = field(default_factory=list)
    before: float | None = None  # its fitness in the generation before, if it was there

    @property
    def fitness(self) -> float | None:
        """The mean of these rewards; None: it has never had one."""
        return sum(self.rewards) / len(self.rewards) if self.rewards else self.before

    @property
    def worth(self) -> float:
        """The fitness of one that has one."""
        assert self.fitness is not None
        return self.fitness


@dataclass
class Species:
    representative: Architecture
    members: list[Genome] = field(default_factory=list)
    best: float | None = None
    idle: int = 0  # generations since the best was found


class Population:
    """Genomes of a space in species; `advance` makes the next generation. Every one that is drawn has an id of its own."""

    def __init__(self, space: SearchSpace, evolution: Evolution):
        self.space, self.evolution = space, evolution
        self.innovations = space.innovations() if isinstance(space, GraphSpace) else None
        self.species: dict[int, Species] = {}
        self.drawn = 0

    @property
    def members(self) -> list[Genome]:
        return [genome for one in self.species.values() for genome in one.members]

    def advance(self, rng: Random) -> None:
        """The next generation: from minimal genomes where there is none, or none of it has a fitness."""
        if not any(genome.fitness is not None for genome in self.members):
            self.species = {}
            self._place([self._genome(self._minimal(rng)) for _ in range(self.evolution.population)], rng)
            return
        self._age()
        following: list[Genome] = []
        for number, count in self._offspring().items():
            following += self._next(self.species[number], count, rng)
        self._place(following, rng)

    def _genome(self, arch: Architecture) -> Genome:
        self.drawn += 1
        return Genome(self.drawn - 1, arch)

    def _minimal(self, rng: Random) -> Architecture:
        if isinstance(self.space, GraphSpace):
            assert self.innovations is not None
            return self.space.minimal(rng, self.innovations)
        return self.space.sample(rng)

    def _mutant(self, arch: Architecture, rng: Random) -> Architecture:
        if isinstance(self.space, GraphSpace):
            assert self.innovations is not None
            return self.space.evolved(arch, rng, self.innovations, self.evolution.rates)
        if is_single(self.space):
            return arch
        return self.space.mutate(arch, rng)

    # Species.

    def distance(self, a: Architecture, b: Architecture) -> float:
        difference = self.space.difference(a, b)
        return self.evolution.structure * difference.structure + self.evolution.attributes * difference.attributes

    def _place(self, genomes: Sequence[Genome], rng: Random) -> None:
        """Each joins the first species whose representative, one of the generation before, is near; or a new one."""
        for one in self.species.values():
            one.representative = rng.choice(one.members).arch
            one.members = []
        for genome in genomes:
            far = {number: self.distance(genome.arch, one.representative) for number, one in self.species.items()}
            near = [number for number in far if far[number] < self.evolution.threshold]
            free = [number for number in range(self.evolution.species) if number not in self.species]
            if near or not free:
                genome.species = near[0] if near else min(far, key=far.__getitem__)
            else:
                genome.species = free[0]
                self.species[free[0]] = Species(genome.arch)
            self.species[genome.species].members.append(genome)
        self.species = {number: one for number, one in self.species.items() if one.members}

    def _age(self) -> None:
        """Remember how well species do; those without a fitness, and the stagnant ones but for the best, die out."""
        fit = {number: one for number, one in self.species.items() if scored(one.members)}
        for one in fit.values():
            best = scored(one.members)[0].worth
            one.idle = 0 if one.best is None or best > one.best else one.idle + 1
            one.best = best if one.best is None else max(best, one.best)
        safe = sorted(fit, key=lambda number: -scored(fit[number].members)[0].worth)[:KEPT]
        self.species = {
            number: one for number, one in fit.items() if number in safe or one.idle < self.evolution.stagnation
        }

    def _offspring(self) -> dict[int, int]:
        """How many members every species has next: in proportion to the sum of its shared fitness (section 3.3).

        That is the mean fitness of its members, here above the least of the population, as rewards may be negative.
        """
        means = {number: mean([genome.worth for genome in scored(one.members)]) for number, one in self.species.items()}
        least = min(genome.worth for genome in scored(self.members))
        shares = {number: one - least for number, one in means.items()}
        if not any(shares.values()):
            shares = {number: float(len(one.members)) for number, one in self.species.items()}
        wanted = {number: share / sum(shares.values()) * self.evolution.population for number, share in shares.items()}
        counts = {number: int(one) for number, one in wanted.items()}
        left = self.evolution.population - sum(counts.values())
        for number in sorted(counts, key=lambda number: counts[number] - wanted[number])[:left]:
            counts[number] += 1
        return counts

    def _next(self, one: Species, count: int, rng: Random) -> list[Genome]:
        """The elites of a species, and its children."""
        ranked = scored(one.members)
        kept = ranked[: min(self.evolution.elites, max(0, count - 1))]
        for genome in kept:
            genome.before, genome.rewards = genome.fitness, []
        parents = ranked[: max(2, round(self.evolution.survival * len(ranked)))]
        return kept + [self._genome(self._child(parents, rng)) for _ in range(count - len(kept))]

    def _child(self, parents: Sequence[Genome], rng: Random) -> Architecture:
        arch = rng.choice(parents).arch
        if len(parents) > 1 and rng.random() < self.evolution.crossover:
            fitter, other = sorted(rng.sample(range(len(parents)), 2))  # the fittest stand first
            arch = self.space.cross(parents[fitter].arch, parents[other].arch, rng)
        return self._mutant(arch, rng)


def scored(genomes: Sequence[Genome]) -> list[Genome]:
    """Those that have a fitness, the fittest first, of equals the oldest."""
    found = [genome for genome in genomes if genome.fitness is not None]
    return sorted(found, key=lambda genome: (-genome.worth, genome.id))


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
