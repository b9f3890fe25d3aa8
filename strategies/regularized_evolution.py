"""Regularised evolution: mutate the best of a few, let the oldest die."""

from collections import deque
from random import Random

from search_spaces import SearchSpace
from strategies.registry import STRATEGIES
from strategies.strategy import AskTell
from strategies.trial import Proposal, Trial


@STRATEGIES.register_module()
class RegularizedEvolution(AskTell):
    """Aging evolution (Real et al., AAAI 2019, algorithm 1).

    `population` is P, `tournament` is S, drawn with replacement; C, the number of models, is the benchmark's budget.
    A failed trial takes no place in the population.
    """

    def __init__(self, population: int = 100, tournament: int = 25):
        if population < 1 or tournament < 1:
            raise ValueError(f"population and tournament must be at least 1, not {population} and {tournament}")
        self.size, self.tournament = population, tournament

    def start(self, space: SearchSpace) -> None:
        super().start(space)
        self.population: deque[Trial] = deque(maxlen=self.size)

    def ask(self, rng: Random) -> Proposal:
        if len(self.population) < self.size:
            return Proposal(self.space.sample(rng))
        rivals = rng.choices(self.population, k=self.tournament)
        parent = max(rivals, key=lambda trial: trial.score)
        return Proposal(self.space.mutate(parent.arch, rng))

    def tell(self, trial: Trial) -> None:
        if trial.reward is not None:
            self.population.append(trial)
