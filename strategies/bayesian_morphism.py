"""Bayesian search from network to network: a Gaussian process on their edit distance says where to move on."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from statistics import pstdev
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from search_spaces import Architecture, SearchSpace
from search_spaces.space import Narrowed
from strategies.edit_distance import Coded, EditDistance
from strategies.predictor import SMALLEST, gaussian_process
from strategies.strategy import AskTell, Plan, Study, check_open, check_weights
from strategies.trial import Proposal, Trial

HOT, COLD = 1.0, 1e-4  # temperatures of the annealing, in standard deviations of the rewards


class Place(NamedTuple):
    """A network, how it came of a trial's by moves, and its coded graph."""

    arch: Architecture
    parent: int
    moves: tuple[str, ...]
    coded: Coded


class BayesianMorphism(AskTell):
    """AutoKeras's search (Jin et al., KDD 2019, section 3) on the moves of a space, each child from its parent's weights.

    The first trial is the space's start. A Gaussian process then learns the rewards of the last `memory` trials, again after
    `every` of them. Its kernel is an RBF on Bourgain's embedding of the `EditDistance`, distances to random sets of known
    networks, the same for known networks and new ones; so it is positive definite, which one on the distance need not be.

    Proposed is the largest mean plus `beta` standard deviations that simulated annealing finds: a queue holds the known
    networks, the best is taken out and, by chance at a temperature that falls from 1 to 1e-4 by `cooling`, makes way for up to
    `neighbours` new ones in `tries` moves. None is more than `most_moves` away from its parent, a bound that AutoKeras has
    not: the bound is largest where nothing is known, and annealing goes ever farther. A note has the moves from the parent.

    It searches any space; with a `LayerGraph` children compute what their parents do, and nothing beyond the space's limits is
    proposed.
    """

    goes_back = True

    def __init__(
        self,
        beta: float = 2.576,
        neighbours: int = 8,
        tries: int = 16,
        cooling: float = 0.9,
        most_moves: int = 4,
        skips: float = 1.0,
        every: int = 1,
        memory: int = 200,
    ):
        if min(neighbours, tries, most_moves, every, memory) < 1 or not 0 < cooling < 1 or min(beta, skips) < 0:
            counts, others = (
                f"{neighbours}, {tries}, {most_moves}, {every} and {memory}",
                f"{cooling}, {beta} and {skips}",
            )
            raise ValueError(
                f"neighbours, tries, most_moves, every and memory must be at least 1, not {counts}, "
                f"and cooling between 0 and 1, beta and skips not negative, not {others}"
            )
        self.beta, self.neighbours, self.tries, self.cooling = beta, neighbours, tries, cooling
        self.most_moves, self.skips, self.every, self.memory = most_moves, skips, every, memory

    def prepare(self, study: Study) -> Plan:
        check_open(study.space)
        check_weights(self, study.task)
        return Plan()

    def start(self, space: SearchSpace, seed: int) -> None:
        super().start(space, seed)
        self.seed, self.distance = seed, EditDistance(self.skips)
        self.known: deque[tuple[Place, float]] = deque(maxlen=self.memory)
        self.trained: deque[int] = deque(maxlen=self.memory)  # trials whose weights a child may begin with
        self.keeps = self.trained
        self.tried: set[Architecture] = set()
        self.roots: set[Architecture] = set()  # that were told without a parent
        self.between = np.zeros((0, 0), np.float32)  # distances of the known networks
        self.told = self.learnt = 0

    def ask(self, rng: Random) -> Proposal:
        found = self._annealed(rng) if self.known else None
        if found is None:
            first = self.space.first(rng)
            arch, parent, moves = first if first not in self.tried else self.space.sample(rng), None, ()
        else:
            arch, parent, moves, _ = found
        self.tried.add(arch)
        return Proposal(arch, parent, note={"moves": list(moves)})

    def tell(self, trial: Trial) -> None:
        self.tried.add(trial.arch)
        if trial.reward is None:
            return
        if trial.proposal.parent is None:
            if trial.arch in self.roots:
                return  # its weights are those of the first one, which may have been forgotten
            self.roots.add(trial.arch)
        root = (
            trial.arch
        )  # what moves away from it is named after its canonical form, which is elsewhere in a part of a space
        if not isinstance(self.space, Narrowed):
            root = self.space.architecture(dict(root.canonical))
        self.known.append((self._place(root, trial.id), trial.reward))
        self.trained.append(trial.id)
        self.told += 1
        self._measure()

    def _measure(self) -> None:
        """Add the distances of the last known network from all of them."""
        codes = [place.coded for place, _ in self.known]
        last = self.distance(codes[-1:], codes)[0]
        forgotten = len(self.between) + 1 - len(codes)
        between = np.zeros((len(codes), len(codes)), np.float32)
        between[:-1, :-1] = self.between[forgotten:, forgotten:]
        between[-1] = between[:, -1] = last
        self.between = between

    def _place(self, arch: Architecture, parent: int, moves: tuple[str, ...] = ()) -> Place:
        return Place(arch, parent, moves, self.distance.code(self.space.wiring(dict(arch.canonical))))

    def _annealed(self, rng: Random) -> Place | None:
        """The new network with the largest acquisition that is found; None: none is new."""
        if not self.learnt or self.told - self.learnt >= self.every:
            self.acquisition, self.learnt = self._acquisition(), self.told
        seen = set(self.tried)
        scale = pstdev(reward for _, reward in self.known) or 1.0
        queue = [(-reward, number, place) for number, (place, reward) in enumerate(self.known)]
        heapq.heapify(queue)
        best, largest, pushed = None, -math.inf, len(queue)
        temperature = HOT
        while queue and temperature > COLD:
            value, _, place = heapq.heappop(queue)
            if math.exp(min(0.0, (-value - largest) / (scale * temperature))) >= rng.random():
                found = self._near(place, seen, rng)
                for one, worth in zip(found, self.acquisition(found) if found else (), strict=True):
                    if len(one.moves) < self.most_moves:
                        heapq.heappush(queue, (-worth, pushed := pushed + 1, one))
                    if worth > largest:
                        best, largest = one, worth
            temperature *= self.cooling
        return best

    def _near(self, place: Place, seen: set[Architecture], rng: Random) -> list[Place]:
        """New networks one move away."""
        found: list[Place] = []
        for _ in range(self.tries):
            arch, move = self.space.move(place.arch, rng)
            if arch not in seen:
                seen.add(arch)
                found.append(self._place(arch, place.parent, (*place.moves, move)))
            if len(found) == self.neighbours:
                break
        return found

    def _acquisition(self) -> Callable[[Sequence[Place]], list[float]]:
        """The upper confidence bound of networks, by all that is known."""
        codes = [place.coded for place, _ in self.known]
        sets = random_sets(len(codes), Random(f"{self.seed} {self.told}"))
        predict = gaussian_process(embedded(self.between, sets), [reward for _, reward in self.known], self.seed)

        def bound(places: Sequence[Place]) -> list[float]:
            mean, spread = predict(embedded(self.distance([place.coded for place in places], codes), sets))
            return (mean + self.beta * spread.clip(SMALLEST)).tolist()

        return bound


def random_sets(count: int, rng: Random) -> list[list[int]]:
    """Of `count` points, random sets of 1, 2, 4, ... of them, as many of each size as there are sizes (Bourgain, 1985)."""
    sizes = [2**power for power in range(count.bit_length())]
    return [rng.sample(range(count), size) for size in sizes for _ in sizes]


def embedded(distances: ndarray, sets: Sequence[Sequence[int]]) -> ndarray:
    """Points by their distance to the nearest of each set, given those to all points, in the scale of the distances."""
    return np.stack([distances[:, one].min(1) for one in sets], 1) / math.sqrt(len(sets))
