"""Regularised evolution: mutate the best of a few, let the oldest die."""

from collections import deque
from operator import itemgetter
from random import Random

from search_spaces import Architecture, SearchSpace
from strategies.strategy import AskTell, Plan, Study, check_open, check_weights
from strategies.trial import Proposal, Trial


class RegularizedEvolution(AskTell):
    """Aging evolution (Real et al., AAAI 2019, algorithm 1).

    `population` is P, `tournament` is S, drawn with replacement; C, the number of models, is the benchmark's budget.
    A failed trial takes no place in the population. With `inherit` a child starts from its parent's weights; one that repeats
    a network of the same parent has that one's, and takes no place where these have died out.
    """

    def __init__(self, population: int = 100, tournament: int = 25, inherit: bool = False):
        if population < 1 or tournament < 1:
            raise ValueError(f"population and tournament must be at least 1, not {population} and {tournament}")
        self.size, self.tournament, self.goes_back = population, tournament, inherit

    def prepare(self, study: Study) -> Plan:
        check_open(study.space)
        if self.goes_back:
            check_weights(self, study.task)
        return Plan()

    def start(self, space: SearchSpace, seed: int) -> None:
        super().start(space, seed)
        self.population: deque[tuple[float, Architecture, int | None]] = deque(maxlen=self.size)
        self.weights: deque[int] = deque(maxlen=self.size)  # the trials that trained those of the population
        self.keeps = self.weights
        self.born: dict[tuple[Architecture, int | None], int] = {}

    def ask(self, rng: Random) -> Proposal:
        if len(self.population) < self.size:
            return Proposal(self.space.sample(rng))
        _, arch, parent = max(rng.choices(self.population, k=self.tournament), key=itemgetter(0))
        return Proposal(self.space.mutate(arch, rng), parent)

    def tell(self, trial: Trial) -> None:
        if trial.reward is None:
            return
        first = None
        if self.goes_back:
            first = self.born.setdefault((trial.arch, trial.proposal.parent), trial.id)
            if first != trial.id and first not in self.weights:
                return
            self.weights.append(first)
        self.population.append((trial.reward, trial.arch, first))
