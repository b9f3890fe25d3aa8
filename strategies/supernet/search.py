"""The life of a supernet in a study: trained epoch by epoch, each a trial; what a method adds is a step."""

from __future__ import annotations

import json
import math
import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from search_spaces import SearchSpace
from search_spaces.architecture import Choices
from search_spaces.supernet import mean_entropy, skip_ratio
from strategies.strategy import Plan, Strategy, Study, check_open
from strategies.supernet.memory import check_memory
from strategies.supernet.training import SupernetTraining, whole
from strategies.trial import Answer, Trial
from tasks import Cost, Stage
from tasks.batch import Batch
from tasks.trainable import Trainable
from tasks.training import seeded
from tasks.weights import load_checked, save

CHECKPOINT = "supernet.pth"
COLLAPSED = 0.5  # of the places that offer a skip, the share from which on a supernet is said to collapse


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to: the answer that it is scored by, and its metrics."""

    choices: Choices
    metrics: Mapping[str, float]


class SupernetSearch(Strategy):
    """Trains the supernet of the space for `epochs`, or until the budget ends; every epoch is a trial.

    A method says what a `step` does, and may say what else learns (`begin`), what a step is fed (`stages`), by which answer an
    epoch is scored (`favoured`), and what the search comes to (`answers`). `training` is the supernet under way.

    An epoch's scores are those of one answer with the weights of all. Where the supernet has architecture weights, there are
    beside them those of the mixture ("supernet_PSNR", say); `gap`, the primary metric that is lost on the way from the mixture
    to the answer, in that metric's unit (the discretisation gap); and `skip_ratio` and `alpha_entropy`, which tell a collapse.

    After every epoch, before it is recorded, all is left in `supernet.pth`, from which a search that was killed goes on.
    """

    copies = 3  # as large as a trained weight, in memory beside it: its gradient and its two moments
    moves = 1  # of the network's weights in a step
    training: SupernetTraining

    def __init__(self, epochs: int):
        if epochs < 1:
            raise ValueError(f"epochs must be at least 1, not {epochs}")
        self.epochs = epochs

    # What a method says.

    @abstractmethod
    def step(self, batches: Sequence[Batch], rng: Random) -> float:
        """Learn from one batch of each of the `stages`; returns the loss of the network's weights."""

    def learn(self, rng: Random) -> list[float]:
        """Go through an epoch; returns what every step does."""
        return [self.step(batches, rng) for batches in self.training.batches()]

    def begin(self) -> Mapping[str, Any]:
        """Make what learns beside the supernet's weights, by name; the checkpoint holds its `state_dict`."""
        return {}

    def stages(self, stage: Stage) -> list[Stage]:
        """Whose batches a step gets; an epoch is one of the first. By default the two halves of the stage's images."""
        return [replace(stage, view=replace(stage.view, half=half)) for half in (0, 1)]

    def favoured(self, rng: Random) -> Choices:
        """The answer that an epoch is scored by."""
        return self.training.supernet.discretise()

    def paths(self, space: SearchSpace) -> list[Choices | None]:
        """The answers that a step may hold, as far as its memory depends on them. None: the mixture."""
        return [None]

    def answers(self, trials: Sequence[Trial]) -> list[Answer]:
        """What the search comes to, given the trials of its epochs."""
        return [Answer.of(trials[-1])]

    def record(self, study: Study, epoch: Epoch) -> Trial:
        return study.record(study.space.architecture(epoch.choices), epoch.metrics)

    # What all have in common.

    def prepare(self, study: Study) -> Plan:
        """Raises ValueError where there is no supernet, nothing to search or to train, or too few images or little memory."""
        name, task, stage = type(self).__name__, study.task, study.stages[0]
        try:
            model = study.space.supernet()
        except TypeError as error:
            raise ValueError(f"{name} trains a supernet: {error}") from None
        check_open(study.space)
        if not isinstance(task, Trainable):
            raise ValueError(f"{type(task).__name__} trains nothing: choose a strategy that asks and tells")
        stages = self.stages(stage)
        if not all(task.samples(one).batches(0, 0) for one in stages):
            raise ValueError(
                f"stage {stage.name!r} has one training image, of which {name} cannot make two halves: "
                "raise benchmark.stages.0.view.share"
            )
        if stage.recipe.names_classes:
            task.rehearse(whole(stages[0], self.epochs))
        halves = task.prepare(stages) - task.prepare([])  # without what all strategies share
        needs = check_memory(task, model, stages[0], self.copies, self.paths(study.space))
        return Plan(self.epochs, needs, halves)

    def search(self, study: Study) -> list[Answer]:
        return self.answers(self.train(study))

    def train(self, study: Study) -> list[Trial]:
        """Train the supernet; returns the trials of its epochs, recorded now or before."""
        trials = list(iter(study.recall, None))
        self.training = SupernetTraining(study, self.stages(study.stages[0]), self.epochs, self.moves)
        self.learners = self.begin()
        epoch = self._resume(study, trials)
        while len(trials) < self.epochs and study.wants():
            trials.append(self.record(study, epoch or self._epoch(study)))
            epoch = None
        return trials

    def _epoch(self, study: Study) -> Epoch:
        """Train for an epoch and score; leaves a checkpoint."""
        training, rng = self.training, Random(json.dumps([study.seed, "supernet", self.training.epochs]))
        with seeded(study.seed, training.epochs):
            training.train()
            losses = self.learn(rng)
            choices = self.favoured(rng)
            metrics = {**self.scores(choices), "loss": sum(losses) / len(losses)}
        training.end_epoch()
        if not all(map(math.isfinite, metrics.values())):
            raise FloatingPointError(f"epoch {training.epochs} has metrics that are not finite: lower the stage's lr")
        learnt = {name: learner.state_dict() for name, learner in self.learners.items()}
        follows = study.trials[-1].id if study.trials else -1
        of = dict(follows=follows, identity=study.identity, learners=learnt)
        record = dict(choices=dict(choices), metrics=metrics, cost=asdict(study.spent()))
        save({**training.state_dict(), **record, **of}, study.folder / CHECKPOINT)
        return Epoch(choices, metrics)

    def _resume(self, study: Study, trials: Sequence[Trial]) -> Epoch | None:
        """Go on from the checkpoint of an epoch; returns that one where a kill kept it from being recorded."""
        path, told = study.folder / CHECKPOINT, len(trials)
        state: dict[str, Any] = _read(path) if path.is_file() else {"epochs": 0}
        if state["epochs"] and state.get("identity") != study.identity:
            raise RuntimeError(f"{path} is of another protocol or seed: remove the run's folder")
        done, before = state["epochs"], [-1, *(trial.id for trial in trials)]
        if done not in (told, told + 1) or (done and state["follows"] != before[done - 1]):
            raise RuntimeError(
                f"{path} {'holds' if done else 'is gone: it holds'} epoch {done}, and the run's record ends with epoch {told}: "
                "remove the run's folder"
            )
        if not done:
            return None
        self.training.load_state_dict(state)
        for name, learner in self.learners.items():
            learner.load_state_dict(state["learners"][name])
        if done == told:
            return None
        study.task.meter.carry(Cost(**state["cost"]))
        return Epoch(state["choices"], state["metrics"])

    def scores(self, choices: Choices) -> dict[str, float]:
        """What an epoch measures, but for the training's loss."""
        training, primary = self.training, self.training.task.primary
        if not training.alphas:
            return training.shared(choices)
        mixture, answer = training.mixture(), training.shared(choices)
        shares = training.supernet.probabilities()
        sign = 1 if training.task.higher_is_better else -1
        health = {
            "gap": sign * (mixture[primary] - answer[primary]),
            "skip_ratio": skip_ratio(shares),
            "alpha_entropy": mean_entropy(shares),
        }
        if health["skip_ratio"] > COLLAPSED:
            where = f"epoch {training.epochs + 1}: skips lead in {health['skip_ratio']:.0%} of their places"
            warnings.warn(f"{where}, it collapses", stacklevel=2)
        renamed = {f"supernet_{name}": value for name, value in mixture.items() if name != "loss"}
        return {**answer, **renamed, **health}


def _read(path: Path) -> dict[str, Any]:
    """A checkpoint. Raises RuntimeError, naming it, where it cannot be read."""
    try:
        state = load_checked(path)
        _ = state["epochs"], state["follows"], state["choices"], state["metrics"], Cost(**state["cost"])
    except Exception as error:  # unpickling fails in many ways
        raise RuntimeError(f"{path} cannot be read ({type(error).__name__}): remove the run's folder") from None
    return state
