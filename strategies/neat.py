"""NEAT: networks that begin small and grow in species."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from search_spaces import Architecture, SearchSpace
from search_spaces.genomes.genes import read
from strategies.speciation import Evolution, Genome, Population
from strategies.strategy import AskTell
from strategies.trial import Proposal, Trial


class NEAT(AskTell):
    """NeuroEvolution of Augmenting Topologies (Stanley and Miikkulainen, Evol. Comp. 2002); over `DeepNEAT`, where nodes are
    layers, DeepNEAT (Miikkulainen et al., "Evolving Deep Neural Networks", 2017, section 3.1).

    `evolution` are settings of `Evolution`. A generation is evaluated whole before the next one is bred; the fittest of a
    species live on with the fitness that they have, and are no trials. A failed trial has no fitness, and no children.

    In a space of graphs genes are aligned by their innovation numbers, which stand in the names of an architecture's choices;
    in a finite one every decision is a gene, and no structure grows. A trial's note has its genome, its species, and the
    innovation numbers of its genes.
    """

    def __init__(self, evolution: Mapping[str, Any] | None = None):
        self.evolution = Evolution.of(evolution, "the evolution of NEAT")

    def start(self, space: SearchSpace, seed: int) -> None:
        super().start(space, seed)
        self.population = Population(space, self.evolution)
        self.waiting: list[Genome] = []
        self.flying: dict[int, Genome] = {}

    def ask(self, rng: Random) -> Proposal | None:
        if not self.waiting:
            if self.flying:
                return None
            self.population.advance(rng)
            self.waiting = [genome for genome in self.population.members if genome.fitness is None]
        genome = self.waiting.pop(0)
        self.flying[genome.id] = genome
        note = {"genome": genome.id, "species": genome.species, "innovations": innovations(genome.arch)}
        return Proposal(genome.arch, note=note)

    def tell(self, trial: Trial) -> None:
        genome = self.flying.pop(trial.note.get("genome", -1), None)
        if genome is not None and trial.reward is not None:
            genome.rewards.append(trial.reward)


def innovations(arch: Architecture) -> list[int]:
    """The innovation numbers of a graph's genes, in order."""
    numbers = (mark.lstrip("nodeg") for mark in read(arch.as_dict()))
    return sorted(int(number) for number in numbers if number.isdecimal())
