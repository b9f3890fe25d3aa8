"""One-shot search: the weights of all answers trained by sampling, then a search that only scores."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import Any, cast

from core import build
from search_spaces import SearchSpace
from search_spaces.architecture import Choices
from strategies.progressive import PartOfStudy
from strategies.registry import STRATEGIES
from strategies.strategy import Plan, Strategy, Study, best
from strategies.supernet.search import Epoch, SupernetSearch
from strategies.trial import Answer, Proposal, Trial
from tasks import Stage
from tasks.batch import Batch
from tasks.weights import save

EVOLUTION = dict(type="RegularizedEvolution", population=20, tournament=5)
PROBES = 16  # answers whose memory is measured, of which the largest counts


class Scoring(PartOfStudy):
    """The study as the inner search sees it: each of `count` proposals is scored with the weights that trial `parent` left."""

    def __init__(self, study: Study, parent: int, count: int):
        super().__init__(study, study.space, count)
        self.parent = parent

    @property
    def stages(self) -> Sequence[Stage]:
        """The one that all are scored on."""
        return self.study.stages[:1]

    def submit(self, proposal: Proposal) -> int:
        return super().submit(Proposal(proposal.arch, self.parent, stages=0, note=proposal.note))

    def keep(self, trials: Collection[int]) -> None:
        self.study.keep([self.parent])


class SharedWeights(SupernetSearch):
    """Trains the weights of all answers together, one answer a step; then `inner` proposes `candidates` that are only scored.

    An epoch is a trial of one answer. The candidates get the weights of the last epoch, and norms with statistics of their own.
    The best `answers` of them are returned. Architecture weights, where the supernet has some, are not used. `inner` proposes
    networks alone: whose weights they inherit, and through how many stages they go, is not up to it.
    """

    inner: Strategy

    def __init__(self, epochs: int, candidates: int, answers: int):
        super().__init__(epochs)
        if not 1 <= answers <= candidates:
            raise ValueError(f"answers must be 1 to candidates, not {answers} of {candidates}")
        self.candidates, self.count = candidates, answers

    def prepare(self, study: Study) -> Plan:
        plan = super().prepare(study)
        if self.inner.prepare(cast(Study, Scoring(study, 0, self.candidates))).trials == 0:
            why = f"scores what its strategy proposes, and {type(self.inner).__name__} proposes nothing"
            raise ValueError(f"{type(self).__name__} {why}: name one that searches, such as RegularizedEvolution")
        return Plan(self.epochs + self.candidates, plan.note, plan.shared)

    def paths(self, space: SearchSpace) -> list[Choices | None]:
        return [space.sample(Random(number)).as_dict() for number in range(PROBES)]

    def step(self, batches: Sequence[Batch], rng: Random) -> float:
        with self.training.supernet.held(self.favoured(rng)):
            return self.training.learn(batches[0])

    @abstractmethod
    def favoured(self, rng: Random) -> Choices:
        """The answer that a step trains, or that an epoch is scored by."""

    def scores(self, choices: Choices) -> dict[str, float]:
        return self.training.shared(choices)

    def record(self, study: Study, epoch: Epoch) -> Trial:
        if self.training.epochs < self.epochs:
            return super().record(study, epoch)
        path = study.folder / "shared.pth"
        save(self.training.shareable, path)
        trial = study.record(study.space.architecture(epoch.choices), epoch.metrics, path)
        path.unlink()
        return trial

    def search(self, study: Study) -> list[Answer]:
        trials = self.train(study)
        if len(trials) == self.epochs:
            scoring = Scoring(study, trials[-1].id, self.candidates)
            scoring.keep(())
            if scoring.wants():
                self.inner.search(cast(Study, scoring))
            trials = scoring.trials or trials
        return self.answers(trials)

    def answers(self, trials: Sequence[Trial]) -> list[Answer]:
        """The best of different networks; of equals the first."""
        distinct: dict[str, Trial] = {}
        for trial in sorted(trials, key=lambda trial: -trial.score):
            if trial.reward is not None:
                distinct.setdefault(trial.arch.key, trial)
        return [Answer.of(trial) for trial in list(distinct.values())[: self.count] or [best(trials)]]


class OneShot(SharedWeights):
    """Search on shared weights (Bender et al., ICML 2018), trained by uniformly sampled paths (Guo et al., ECCV 2020).

    Each step of `epochs` on all of the stage's images trains an answer that the space samples. Then `strategy` (a config)
    proposes the candidates.
    """

    def __init__(
        self, epochs: int = 50, candidates: int = 100, answers: int = 1, strategy: Mapping[str, Any] = EVOLUTION
    ):
        super().__init__(epochs, candidates, answers)
        self.inner = build(STRATEGIES, strategy)
        if isinstance(self.inner, SupernetSearch):
            raise ValueError(f"OneShot has a supernet already: {type(self.inner).__name__} cannot be its strategy")

    def stages(self, stage: Stage) -> list[Stage]:
        return [stage]

    def favoured(self, rng: Random) -> Choices:
        return self.training.space.sample(rng).as_dict()
