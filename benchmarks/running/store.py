"""Where the weights of a study lie, and how long."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from strategies import Trial

WEIGHTS = "weights"


@dataclass(frozen=True)
class Store:
    """Files below `root`, by handle. Jobs carry handles; whoever runs one resolves them in its own view of the store."""

    root: str

    def path(self, handle: str) -> str:
        """The file of a handle, in a folder that is there."""
        path = Path(self.root) / handle
        path.parent.mkdir(parents=True, exist_ok=True)
        return str(path)

    def has(self, handle: str) -> bool:
        return (Path(self.root) / handle).is_file()

    def remove(self, handle: str, tidy: bool = False) -> None:
        """All files of the trial that has left this one; to `tidy` means all but this one and what continues it.

        Such are the weights of earlier stages, and what a training left that was cut off.
        """
        folder, _, name = f"{self.root}/{handle}".rpartition("/")
        kept = (name, f"{name}.optimizer") if tidy else ()
        for other in os.listdir(folder) if os.path.isdir(folder) else ():
            if other.startswith(f"{name.partition('-')[0]}-") and other not in kept:
                os.unlink(f"{folder}/{other}")


def of_trial(number: int, stages: int) -> str:
    """The handle of the weights that a trial has after so many stages of its own."""
    return f"{WEIGHTS}/{number:05d}-{stages}.pth"


class Shelf:
    """The weights of a study's finished trials: those that somebody may still ask for.

    A trial that another one's evaluation has answered has that one's weights. Without a store nothing is kept.
    """

    def __init__(self, store: Store | None):
        self.store = store
        self.handles: dict[int, str] = {}  # by trial
        self._there: set[str] = set()
        self._kept: Collection[int] = ()

    def has(self, trial: int) -> bool:
        """Are its weights there? Without a store nobody can tell, and no job would read them."""
        return self.store is None or self.store.has(self.handles[trial])

    def add(self, trial: Trial, answer: Trial | None) -> None:
        """A finished trial, whose weights are its own, or those of the one that answers for it."""
        if answer is not None:
            self.handles[trial.id] = self.handles[answer.id]
            return
        handle = self.handles[trial.id] = of_trial(trial.id, sum(bool(stage.metrics) for stage in trial.stages))
        if self.store:
            self.store.remove(handle, tidy=True)
            self._there.add(handle)

    def keep(self, trials: Collection[int]) -> None:
        self._kept = trials

    def clear(self, used: Iterable[str]) -> None:
        """Remove what is neither kept nor used by a job."""
        if self.store is None:
            return
        gone = self._there - {self.handles.get(trial, "") for trial in self._kept} - set(used)
        for handle in gone:
            self.store.remove(handle)
        self._there -= gone
