"""A way of searching, and the little of a study that it sees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Protocol

from search_spaces import Architecture, FiniteSpace, SearchSpace
from strategies.trial import Answer, Proposal, Trial
from tasks import Cost, Stage, Task


class Study(Protocol):
    """What a strategy sees of the study that it plays in.

    A study that was interrupted is played again from its start: `wants`, `submit`, `collect` and `record` then give what they
    gave before, until the record ends. So a strategy needs no checkpoint of its own, as long as it draws from `rng` alone.
    """

    @property
    def space(self) -> SearchSpace: ...

    @property
    def objectives(self) -> Sequence[str]:
        """The names of the protocol's objectives; empty where the reward is all."""
        ...

    @property
    def seed(self) -> int: ...

    @property
    def trials(self) -> Sequence[Trial]:
        """Every finished trial, in the order in which they were told."""
        ...

    def rng(self) -> Random:
        """The randomness of the next trial, seeded by the study's seed and the trial's id; until it is asked for again."""
        ...

    def wants(self) -> bool:
        """Is there budget left, and a worker without work?"""
        ...

    def submit(self, proposal: Proposal) -> int:
        """Evaluate it; returns the trial's id.

        Raises ValueError where its parent is unknown or has left no weights, or no record could hold it.
        """
        ...

    def collect(self) -> Trial | None:
        """Wait for the next finished trial; None: nothing is running."""
        ...

    def keep(self, trials: Collection[int]) -> None:
        """The weights of these trials may still be asked for; those of other finished ones are removed."""
        ...

    # For strategies that train a network themselves.

    @property
    def task(self) -> Task: ...

    @property
    def task_config(self) -> str:
        """What the task is built from, as JSON."""
        ...

    @property
    def stages(self) -> Sequence[Stage]: ...

    @property
    def identity(self) -> str:
        """What a checkpoint must be of: the protocol, the strategy and the seed, as a hash."""
        ...

    @property
    def folder(self) -> Path:
        """Where a checkpoint may lie."""
        ...

    def recall(self) -> Trial | None:
        """While an interrupted study is played again: the next trial that `record` made; None: there is none."""
        ...

    def spent(self) -> Cost:
        """What the task has metered since the last trial was recorded: what the next one will be charged."""
        ...

    def record(self, arch: Architecture, metrics: Mapping[str, float], weights: Path | None = None) -> Trial:
        """A trial that the strategy trained and scored itself, charged with what the task has metered since the last.

        `weights` is a file of a supernet's weights, from which later proposals may start: the trial is their `parent`, and
        they take what `Supernet.derive` gives them.
        """
        ...


def is_single(space: SearchSpace) -> bool:
    """Whether nothing is left to decide."""
    return isinstance(space, FiniteSpace) and all(len(options) == 1 for options in space.decisions.values())


def check_open(space: SearchSpace) -> None:
    """Raise ValueError where there is nothing to move to."""
    if is_single(space):
        raise ValueError(f"{space} has a single answer: there is nothing to search, so use RandomSearch or Baseline")


def check_weights(strategy: Strategy, task: Task) -> None:
    """Raise ValueError where a strategy whose trials begin with other networks' weights meets a task without any."""
    if not task.leaves_weights:
        raise ValueError(
            f"{type(strategy).__name__} begins with weights of earlier networks here, and {type(task).__name__} trains none: "
            "use a strategy that inherits no weights"
        )


@dataclass(frozen=True)
class Plan:
    """What a strategy says before it starts: how many trials it will make, if it knows, and a sentence for the user.

    `shared` is what it has cost to prepare what its trials share.
    """

    trials: int | None = None
    note: str = ""
    shared: Cost = Cost()  # noqa: RUF009 - frozen


class Strategy(ABC):
    """A way of searching. It may own its loop, or let `AskTell` write it."""

    hands_on = False  # do the final trainings of its answers begin with weights of the search?
    weights_print: str | None = None  # a hash of a file's weights, where they begin with such
    goes_back = False  # do its trials begin with weights that earlier ones have left?

    def prepare(self, study: Study) -> Plan:
        """Look at what the search will meet, before anything of the run is written.

        Raises ValueError where the strategy cannot search this space or task, or not on this machine.
        """
        return Plan()

    @abstractmethod
    def search(self, study: Study) -> list[Answer]:
        """Spend the study's budget and return the networks to keep, the preferred one first."""


class AskTell(Strategy):
    """A strategy that proposes and is told. A replay asks and tells it again in the same order."""

    space: SearchSpace
    keeps: Collection[int] = ()  # trials whose weights a later proposal may inherit

    def start(self, space: SearchSpace, seed: int) -> None:
        """Forget everything and get ready for `space`; `seed` is the study's."""
        self.space = space

    @abstractmethod
    def ask(self, rng: Random) -> Proposal | None:
        """The next proposal. None: wait for a trial to finish; None with nothing running: the search is over."""

    @abstractmethod
    def tell(self, trial: Trial) -> None:
        """Learn from a finished trial: any legal one, also failed, also never asked for."""

    def answers(self, trials: Sequence[Trial]) -> list[Answer]:
        """What the search comes to."""
        return [Answer.of(best(trials))]

    def search(self, study: Study) -> list[Answer]:
        self.start(study.space, study.seed)
        while True:
            while study.wants():
                proposal = self.ask(study.rng())
                if proposal is None:
                    break
                study.submit(proposal)
            trial = study.collect()
            if trial is None:
                return self.answers(study.trials)
            self.tell(trial)
            study.keep(self.keeps)


def best(trials: Sequence[Trial]) -> Trial:
    """Of the trials that went through most stages, the one with the largest reward; the first of equals."""
    scored = [trial for trial in trials if trial.reward is not None]
    if not trials:
        raise RuntimeError("no trial was made, so that there is nothing to answer: let the strategy propose one")
    if not scored:
        causes = sorted({trial.error.splitlines()[-1] for trial in trials if trial.error})
        raise RuntimeError(f"all {len(trials)} trials failed: {'; '.join(causes[:3])}")
    return max(scored, key=lambda trial: (trial.depth, trial.score, -trial.id))
