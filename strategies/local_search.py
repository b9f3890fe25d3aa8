"""Local search: from the best network known to its best neighbour, until there is none better."""

from __future__ import annotations

import math
from random import Random

from search_spaces import Architecture, FiniteSpace, SearchSpace
from strategies.strategy import AskTell, Plan, Study
from strategies.trial import Proposal, Trial


class LocalSearch(AskTell):
    """Local search with restarts (White et al., "Exploring the Loss Landscape in NAS", UAI 2021, algorithm 1).

    All neighbours of a network, those with one choice changed, are tried in a random order; then the best of them is next, if
    it is better. With `first` the search moves on as soon as one is better (hill climbing). Where none is, it begins again at a
    random network, which alone may have been tried.
    """

    def __init__(self, first: bool = False):
        self.first = first

    def prepare(self, study: Study) -> Plan:
        if not isinstance(study.space, FiniteSpace):
            raise ValueError(f"LocalSearch tries all neighbours, which {study.space} cannot list: use a finite space")
        return Plan()

    def start(self, space: SearchSpace, seed: int) -> None:
        super().start(space, seed)
        self.tried: set[Architecture] = set()
        self.waiting: list[Architecture] = []  # neighbours that are to be tried
        self.flying = 0
        self.centre = -math.inf  # its score
        self.next: tuple[float, Architecture] | None = None  # the best that is better than the centre

    def ask(self, rng: Random) -> Proposal | None:
        if not self.waiting and self.flying:
            return None
        if not self.waiting:
            self._move(rng)
        self.flying += 1
        arch = self.waiting.pop()
        self.tried.add(arch)
        return Proposal(arch)

    def tell(self, trial: Trial) -> None:
        self.flying = max(0, self.flying - 1)
        if trial.score > (self.next[0] if self.next else self.centre):
            self.next = trial.score, trial.arch
            if self.first:
                self.waiting.clear()

    def _move(self, rng: Random) -> None:
        """Find what to try: the neighbours of what was found to be better, or else a random network."""
        assert isinstance(self.space, FiniteSpace)
        while self.next is not None and not self.waiting:
            self.centre, arch = self.next
            self.next = None
            near = dict.fromkeys(self.space.neighbours(arch))  # two of which may be one network
            self.waiting = [one for one in near if one not in self.tried]
            rng.shuffle(self.waiting)
        if not self.waiting:
            self.centre, self.waiting = -math.inf, [self.space.sample(rng)]
