"""A way of searching, and the little of a study that it sees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Protocol

from search_spaces import Architecture, SearchSpace
from strategies.trial import Proposal, Trial
from tasks import Cost, Stage, Task


class Study(Protocol):
    """What a strategy sees of the study that it plays in."""

    @property
    def space(self) -> SearchSpace: ...

    @property
    def trials(self) -> Sequence[Trial]:
        """Every finished trial, in the order in which they finished."""
        ...

    def rng(self) -> Random:
        """The randomness of the next trial, seeded by the study's seed and the trial's id."""
        ...

    def wants(self) -> bool:
        """Is there budget left, and a worker without work?"""
        ...

    def submit(self, proposal: Proposal) -> None: ...

    def collect(self) -> Trial | None:
        """Wait for the next finished trial; None: nothing is running."""
        ...

    # For strategies that train a network themselves.

    @property
    def seed(self) -> int: ...

    @property
    def task(self) -> Task: ...

    @property
    def stages(self) -> Sequence[Stage]: ...

    @property
    def folder(self) -> Path:
        """Where a checkpoint may lie."""
        ...

    def record(self, arch: Architecture, metrics: dict[str, float], cost: Cost) -> None:
        """A trial that the strategy trained and scored itself, as the first stage would have."""
        ...


class Strategy(ABC):
    """A way of searching. It may own its loop, or let `AskTell` write it."""

    planned: int | None = None  # trials of its search, where it knows that itself; the budget may end it before

    def check(self, space: SearchSpace) -> None:  # noqa: B027 - most strategies search every space
        """Raise ValueError where this strategy cannot search `space`; called first of all."""

    def prepare(self, space: SearchSpace, task: Task, stages: Sequence[Stage]) -> str:
        """Look at what the search will meet, its data checked, before anything of the run is written.

        Raises ValueError where it cannot be done on this machine. Returns a sentence for the user, or an empty one.
        """
        return ""

    @abstractmethod
    def search(self, study: Study) -> Architecture:
        """Spend the study's budget and return the architecture to keep."""

    def model(self, space: SearchSpace, arch: Architecture) -> dict[str, Any]:
        """The part of a model config that the answer stands for."""
        return space.model(arch)


class AskTell(Strategy):
    """A strategy that proposes and is told. Its only memory is what it was told, so that a replay restores it."""

    space: SearchSpace

    def start(self, space: SearchSpace) -> None:
        """Forget everything and get ready for `space`."""
        self.space = space

    @abstractmethod
    def ask(self, rng: Random) -> Proposal | None:
        """The next proposal. None: wait for a trial to finish; None with nothing running: the search is over."""

    @abstractmethod
    def tell(self, trial: Trial) -> None:
        """Learn from a finished trial: any legal one, also failed, also never asked for (replay)."""

    def search(self, study: Study) -> Architecture:
        self.start(study.space)
        for trial in study.trials:
            self.tell(trial)
        while True:
            while study.wants():
                proposal = self.ask(study.rng())
                if proposal is None:
                    break
                study.submit(proposal)
            trial = study.collect()
            if trial is None:
                return best(study.trials).arch
            self.tell(trial)


def best(trials: Sequence[Trial]) -> Trial:
    """The trial with the largest reward, the first of equals; a stopped one only where none was done."""
    scored = [trial for trial in trials if trial.reward is not None]
    if not scored:
        causes = sorted({trial.error.splitlines()[-1] for trial in trials if trial.error})
        raise RuntimeError(f"all {len(trials)} trials failed: {'; '.join(causes[:3])}")
    done = [trial for trial in scored if trial.status == "done"]
    return min(done or scored, key=lambda trial: (-trial.score, trial.id))
