"""Where the weights of a study lie, and how long."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

WEIGHTS = "weights"
BESIDE = ("", ".optimizer", ".epoch")  # the weights, what a stage that continues needs, a training that was cut off


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

    def remove(self, handle: str) -> None:
        for suffix in BESIDE:
            (Path(self.root) / f"{handle}{suffix}").unlink(missing_ok=True)


def of_trial(number: int) -> str:
    """The handle of a trial's weights."""
    return f"{WEIGHTS}/{number:05d}.pth"


class Shelf:
    """The weights of a study's finished trials: those that somebody may still ask for.

    A trial that another one's evaluation has answered has that one's weights: its owner's. Without a store nothing is kept.
    """

    def __init__(self, store: Store | None):
        self.store = store
        self._owner: dict[int, int] = {}
        self._there: set[int] = set()
        self._kept: Collection[int] = ()

    def owner(self, trial: int) -> int:
        """The trial that made the weights of a finished trial."""
        return self._owner[trial]

    def has(self, trial: int) -> bool:
        """Are its weights there? Without a store nobody can tell, and no job would read them."""
        return self.store is None or self._owner[trial] in self._there

    def add(self, trial: int, owner: int | None = None) -> None:
        """A finished trial, whose weights are its own or its owner's."""
        self._owner[trial] = trial if owner is None else self._owner[owner]
        if owner is None and self.store and self.store.has(of_trial(trial)):
            self._there.add(trial)

    def keep(self, trials: Collection[int]) -> None:
        self._kept = trials

    def clear(self, used: Iterable[int]) -> None:
        """Remove what is neither kept nor used by a job."""
        if self.store is None or not self._there:
            return
        gone = self._there - {self._owner.get(trial) for trial in self._kept} - set(used)
        for trial in gone:
            self.store.remove(of_trial(trial))
        self._there -= gone
