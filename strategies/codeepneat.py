"""CoDeepNEAT: modules, and blueprints that put networks together from them, evolve side by side."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from search_spaces import Architecture, SearchSpace
from search_spaces.modular import Pointer
from strategies.speciation import Evolution, Genome, Population, Species
from strategies.strategy import AskTell, Plan, Study
from strategies.trial import Proposal, Trial

TRIES = 100  # to put a network together


class CoDeepNEAT(AskTell):
    """Coevolution of modules and blueprints (Miikkulainen et al., "Evolving Deep Neural Networks", 2017, section 3.2).

    The parts of a blueprint point to species of modules; in a network of it each is the member of that species that was least
    used in this generation, of several any. In every generation `networks` are evaluated, the blueprints in turns. A module's
    fitness, and a blueprint's, is the mean reward of the networks that it was in; one that was in none keeps what it had, if it
    is not new. Then both populations are bred, which `blueprints` and `modules`, settings of `Evolution`, say how. Global
    hyperparameters are the blueprints'. For a species that has died out stands the next one that lives.

    What a module is, is the space's (`SearchSpace.modular`): in `DeepNEAT` a graph of layers, in a finite space the decisions
    that share a prefix, of which each kind has a population of its own. A trial's note says who was in it.
    """

    def __init__(
        self,
        networks: int = 10,
        blueprints: Mapping[str, Any] | None = None,
        modules: Mapping[str, Any] | None = None,
    ):
        if networks < 1:
            raise ValueError(f"networks must be at least 1, not {networks}")
        self.networks = networks
        self.of_blueprints = Evolution.of({"population": 5, **(blueprints or {})}, "the evolution of blueprints")
        self.of_modules = Evolution.of(modules, "the evolution of modules")

    def prepare(self, study: Study) -> Plan:
        try:
            study.space.modular(self.of_modules.species)
        except TypeError as error:
            raise ValueError(f"CoDeepNEAT puts networks together from modules: {error}") from None
        return Plan()

    def start(self, space: SearchSpace, seed: int) -> None:
        super().start(space, seed)
        self.modular = space.modular(self.of_modules.species)
        self.modules = [Population(kind, self.of_modules) for kind in self.modular.kinds]
        self.blueprints = Population(self.modular.blueprints, self.of_blueprints)
        self.made = self.networks  # networks of this generation, all of which are made
        self.drawn = 0  # networks of all generations
        self.flying: dict[int, list[Genome]] = {}

    def ask(self, rng: Random) -> Proposal | None:
        if self.made == self.networks:
            if self.flying:
                return None
            self._advance(rng)
        self.made += 1
        for _ in range(TRIES):
            blueprint = self.turns.pop(0)
            self.turns.append(blueprint)
            chosen = self._chosen(blueprint, rng)
            modules = {pointer: genome.arch for pointer, genome in chosen.items()}
            arch = self.modular.assembled(blueprint.arch, modules)
            if arch is not None:
                return self._proposal(arch, blueprint, chosen)
        return Proposal(self.space.sample(rng))  # nobody's

    def tell(self, trial: Trial) -> None:
        for genome in self.flying.pop(trial.note.get("network", -1), ()):
            if trial.reward is not None:
                genome.rewards.append(trial.reward)

    def _advance(self, rng: Random) -> None:
        for population in (*self.modules, self.blueprints):
            population.advance(rng)
        self.turns = self.blueprints.members
        self.made, self.used = 0, dict[Genome, int]()

    def _chosen(self, blueprint: Genome, rng: Random) -> dict[Pointer, Genome]:
        """A module for each of its pointers."""
        chosen: dict[Pointer, Genome] = {}
        for kind, slot in self.modular.pointers(blueprint.arch):
            members = self._living(kind, slot).members
            fewest = min(self.used.get(genome, 0) for genome in members)
            chosen[kind, slot] = rng.choice([one for one in members if self.used.get(one, 0) == fewest])
        return chosen

    def _living(self, kind: int, slot: int) -> Species:
        """A species of modules, or the next one that lives."""
        species = self.modules[kind].species
        return species[min(species, key=lambda one: (one < slot, one))]

    def _proposal(self, arch: Architecture, blueprint: Genome, chosen: Mapping[Pointer, Genome]) -> Proposal:
        number = self.drawn
        self.drawn += 1
        members = list(dict.fromkeys((blueprint, *chosen.values())))
        for genome in members:
            self.used[genome] = self.used.get(genome, 0) + 1
        self.flying[number] = members
        modules = [[kind, genome.species, genome.id] for (kind, _), genome in chosen.items()]
        return Proposal(arch, note={"network": number, "blueprint": blueprint.id, "modules": modules})
