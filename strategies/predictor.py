"""Search with a model of the reward: what it has learnt from the trials says which network is tried next."""

from __future__ import annotations

import heapq
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from core import did_you_mean
from search_spaces import Architecture, FiniteSpace, SearchSpace
from search_spaces.space import Narrowed
from strategies.strategy import AskTell, Plan, Study, check_open
from strategies.trial import Proposal, Trial

if TYPE_CHECKING:
    from numpy import ndarray

    Predict = Callable[[ndarray], Any]  # two arrays: the mean and the standard deviation of each row

TREES = 20
SMALLEST = 1e-9  # standard deviation


class Predictor(AskTell):
    """Bayesian optimisation over encoded networks, after BANANAS (White et al., AAAI 2021).

    After `start` random networks a `model` of scikit-learn learns the rewards of the last `memory` trials, again after every
    `every` of them: a "gaussian_process" (RBF kernel and white noise, by maximum likelihood), or a "forest", an ensemble of 20
    regression trees, whose deviation from each other is its uncertainty. Candidates are `candidates` mutations, of one to three
    steps, of the `parents` best networks known. The one with the largest `acquisition` is proposed: its expected "improvement"
    over the best (Jones et al., 1998), or a "thompson" sample (independent Thompson sampling, section 3: a draw from the
    predicted normal distribution). A network is encoded by its canonical choices, one-hot. None is tried twice, as long as
    mutations find others.

    BANANAS has an ensemble of five neural networks on encodings of paths, which not every space has; it takes longer to learn.
    """

    def __init__(
        self,
        model: str = "gaussian_process",
        acquisition: str = "improvement",
        start: int = 10,
        candidates: int = 60,
        parents: int = 10,
        every: int = 5,
        memory: int = 200,
    ):
        counts = dict(start=start, candidates=candidates, parents=parents, every=every, memory=memory)
        if min(counts.values()) < 1:
            raise ValueError(f"{', '.join(counts)} must be at least 1, not {tuple(counts.values())}")
        if model not in MODELS:
            raise ValueError(did_you_mean("model", model, MODELS))
        if acquisition not in ACQUISITIONS:
            raise ValueError(did_you_mean("acquisition", acquisition, ACQUISITIONS))
        self.model, self.acquisition, self.first = MODELS[model], ACQUISITIONS[acquisition], start
        self.candidates, self.parents, self.every, self.memory = candidates, parents, every, memory

    def prepare(self, study: Study) -> Plan:
        if not isinstance(study.space, FiniteSpace):
            raise ValueError(f"Predictor encodes named decisions, which {study.space} has not: evolve it")
        check_open(study.space)
        return Plan()

    def start(self, space: SearchSpace, seed: int) -> None:
        assert isinstance(space, FiniteSpace)
        super().start(space, seed)
        self.encoding = Encoding(space)
        self.tried: set[Architecture] = set()
        self.known: deque[tuple[Architecture, float]] = deque(maxlen=self.memory)
        self.best: list[tuple[float, int, Architecture]] = []  # a heap
        self.told = self.learnt = 0
        self.seed = seed
        self.predict: Predict | None = None

    def ask(self, rng: Random) -> Proposal:
        arch = self._promising(rng) if self.told >= self.first else None
        arch = arch or self.space.sample(rng)
        self.tried.add(arch)
        return Proposal(arch)

    def tell(self, trial: Trial) -> None:
        self.tried.add(trial.arch)
        if trial.reward is None:
            return
        self.told += 1
        self.known.append((trial.arch, trial.reward))
        push = heapq.heappush if len(self.best) < self.parents else heapq.heappushpop
        push(self.best, (trial.reward, -self.told, trial.arch))

    def _promising(self, rng: Random) -> Architecture | None:
        """The candidate with the largest acquisition; None: all have been tried."""
        if self.predict is None or self.told - self.learnt >= self.every:
            archs, rewards = zip(*self.known, strict=True)
            self.predict = self.model(self.encoding(archs), rewards, self.seed + self.told)
            self.learnt = self.told
        candidates: dict[Architecture, None] = {}
        for _ in range(self.candidates):
            arch = rng.choice(self.best)[2]
            for _ in range(rng.randint(1, 3)):
                arch = self.space.mutate(arch, rng)
            if arch not in self.tried:
                candidates[arch] = None
        if not candidates:
            return None
        mean, spread = self.predict(self.encoding(list(candidates)))
        values = self.acquisition(mean, spread.clip(SMALLEST), max(self.best)[0], rng)
        return list(candidates)[int(values.argmax())]


class Encoding:
    """Architectures as rows of zeros and ones, a column for each choice of each decision, by their canonical choices.

    In a part of a space these may be choices that only the whole has.
    """

    def __init__(self, space: FiniteSpace):
        while isinstance(space, Narrowed):
            space = space.whole
        choices = [(name, choice) for name, options in space.decisions.items() for choice in options]
        self.columns = {choice: column for column, choice in enumerate(choices)}

    def __call__(self, archs: Sequence[Architecture]) -> ndarray:
        import numpy as np

        rows = np.zeros((len(archs), len(self.columns)), np.float32)
        for row, arch in zip(rows, archs, strict=True):
            row[[self.columns[choice] for choice in arch.canonical if choice in self.columns]] = 1.0
        return rows


def gaussian_process(rows: ndarray, rewards: Sequence[float], seed: int) -> Predict:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    kernel = ConstantKernel(1.0) * RBF(2.0) + WhiteKernel(0.1)
    process = GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a parameter at its bound: all rewards are noise, or none
        process.fit(rows, rewards)
    return lambda rows: process.predict(rows, return_std=True)


def forest(rows: ndarray, rewards: Sequence[float], seed: int) -> Predict:
    import numpy as np
    from sklearn.ensemble import RandomForestRegressor

    trees = RandomForestRegressor(TREES, max_features=0.5, random_state=seed).fit(rows, rewards).estimators_

    def predict(rows: ndarray) -> tuple[ndarray, ndarray]:
        each = np.stack([tree.predict(rows, check_input=False) for tree in trees])
        return each.mean(0), each.std(0)

    return predict


def improvement(mean: ndarray, spread: ndarray, best: float, rng: Random) -> ndarray:
    """The expected improvement over the best."""
    from scipy.stats import norm

    gain = mean - best
    return gain * norm.cdf(gain / spread) + spread * norm.pdf(gain / spread)


def thompson(mean: ndarray, spread: ndarray, best: float, rng: Random) -> ndarray:
    import numpy as np

    return np.random.default_rng(rng.getrandbits(64)).normal(mean, spread)


MODELS = {"gaussian_process": gaussian_process, "forest": forest}
ACQUISITIONS = {"improvement": improvement, "thompson": thompson}
