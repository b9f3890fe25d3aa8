"""Search with a model of the reward: an ensemble that has learnt from the trials says which network is tried next."""

from __future__ import annotations

import heapq
from collections import deque
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from search_spaces import Architecture, FiniteSpace, SearchSpace
from strategies.strategy import AskTell, Plan, Study
from strategies.trial import Proposal, Trial

if TYPE_CHECKING:
    import numpy as np
    from sklearn.ensemble import RandomForestRegressor

Acquisition = Literal["thompson", "improvement"]
FEWEST = 1e-9  # standard deviation, below which all trees agree


class Predictor(AskTell):
    """Bayesian optimisation with an ensemble on encoded networks, like BANANAS (White et al., AAAI 2021).

    After `start` random networks, a random forest of `trees` trees (scikit-learn) learns the rewards of the last `memory`
    trials, again after every `every` of them. Candidates are `candidates` mutations, of one to three steps, of the `parents`
    best networks known. Proposed is the one with the largest "thompson" sample (independent Thompson sampling, section 3: drawn
    from the normal distribution of the trees' predictions), or with the largest expected "improvement" over the best. A network
    is encoded by its canonical choices, one-hot. None is tried twice, as long as mutations find others.

    BANANAS has five neural networks on path encodings, and ten networks at once; a forest learns in a few milliseconds.
    """

    def __init__(
        self,
        start: int = 10,
        candidates: int = 100,
        parents: int = 10,
        every: int = 5,
        trees: int = 25,
        memory: int = 500,
        acquisition: Acquisition = "thompson",
    ):
        counts = dict(start=start, candidates=candidates, parents=parents, every=every, trees=trees, memory=memory)
        if min(counts.values()) < 1:
            raise ValueError(f"{', '.join(counts)} must be at least 1, not {tuple(counts.values())}")
        if acquisition not in ("thompson", "improvement"):
            raise ValueError(f"acquisition must be 'thompson' or 'improvement', not {acquisition!r}")
        self.first, self.candidates, self.parents = start, candidates, parents
        self.every, self.trees, self.memory, self.acquisition = every, trees, memory, acquisition

    def prepare(self, study: Study) -> Plan:
        if not isinstance(study.space, FiniteSpace):
            raise ValueError(f"Predictor encodes named decisions, which {study.space} has not: evolve it")
        return Plan()

    def start(self, space: SearchSpace, seed: int) -> None:
        assert isinstance(space, FiniteSpace)
        super().start(space, seed)
        self.seed = seed
        options = [(name, option) for name, of in space.decisions.items() for option in of]
        self.columns = {one: column for column, one in enumerate(options)}
        self.tried: set[Architecture] = set()
        self.known: deque[tuple[Architecture, float]] = deque(maxlen=self.memory)
        self.best: list[tuple[float, int, Architecture]] = []  # a heap
        self.told = self.learnt = 0
        self.forest: RandomForestRegressor | None = None

    def ask(self, rng: Random) -> Proposal:
        if self.told < self.first:
            return self._proposed(self.space.sample(rng))
        if self.forest is None or self.told - self.learnt >= self.every:
            self._learn()
        candidates = self._candidates(rng)
        if not candidates:
            return self._proposed(self.space.sample(rng))
        values = self._acquisition(candidates, rng)
        return self._proposed(candidates[int(values.argmax())])

    def tell(self, trial: Trial) -> None:
        self.tried.add(trial.arch)
        if trial.reward is None:
            return
        self.told += 1
        self.known.append((trial.arch, trial.reward))
        push = heapq.heappush if len(self.best) < self.parents else heapq.heappushpop
        push(self.best, (trial.reward, -self.told, trial.arch))

    def _proposed(self, arch: Architecture) -> Proposal:
        self.tried.add(arch)
        return Proposal(arch)

    def _candidates(self, rng: Random) -> list[Architecture]:
        """Mutations of the best ones that nobody has tried, each once."""
        found: dict[Architecture, None] = {}
        for _ in range(self.candidates):
            arch = rng.choice(self.best)[2]
            for _ in range(rng.randint(1, 3)):
                arch = self.space.mutate(arch, rng)
            if arch not in self.tried:
                found[arch] = None
        return list(found)

    def _learn(self) -> None:
        from sklearn.ensemble import RandomForestRegressor

        self.learnt = self.told
        self.forest = RandomForestRegressor(self.trees, max_features=0.5, random_state=self.seed + self.told)
        self.forest.fit(self._encoded([arch for arch, _ in self.known]), [reward for _, reward in self.known])

    def _encoded(self, archs: list[Architecture]) -> np.ndarray:
        import numpy as np

        rows = np.zeros((len(archs), len(self.columns)), np.float32)
        for row, arch in zip(rows, archs, strict=True):
            row[[self.columns[one] for one in arch.canonical]] = 1.0
        return rows

    def _acquisition(self, candidates: list[Architecture], rng: Random) -> Any:
        import numpy as np

        assert self.forest is not None
        encoded = self._encoded(candidates)
        predicted = np.stack([tree.predict(encoded, check_input=False) for tree in self.forest.estimators_])
        mean, spread = predicted.mean(0), predicted.std(0)
        if self.acquisition == "thompson":
            return np.random.default_rng(rng.getrandbits(64)).normal(mean, spread)
        from scipy.stats import norm

        gain = mean - max(self.best)[0]
        scaled = gain / np.maximum(spread, FEWEST)
        return gain * norm.cdf(scaled) + spread * norm.pdf(scaled)
