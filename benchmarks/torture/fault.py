"""What is promised for a fault, and whether it is met."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Where runs are played, how much is done to them, and who is told how it goes."""

    folder: Path
    seed: int = 0
    kills: int = 50
    process_kills: int = 8
    ray_kills: int = 4
    rounds: int = 20
    tell: Callable[[str], object] = lambda line: None

    def room(self, name: str) -> Path:
        """An empty folder."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


@dataclass(frozen=True)
class Fault:
    """What is done, what is promised, and `play`, which does it; it tells figures, or raises BrokenPromiseError."""

    done: str
    promised: str
    play: Callable[[Settings], str]


@dataclass(frozen=True)
class Verdict:
    """What came of a fault."""

    name: str
    fault: Fault
    met: bool
    seen: str


class BrokenPromiseError(Exception):
    """Something else happened than what is promised."""


def hold(kept: object, what: str) -> None:
    """Raise BrokenPromiseError, which says what happened, where a promise is not kept."""
    if not kept:
        raise BrokenPromiseError(what)


def verdicts(faults: Mapping[str, Fault], settings: Settings) -> Iterator[Verdict]:
    """Inject faults, one after the other."""
    for name, fault in faults.items():
        try:
            yield Verdict(name, fault, True, fault.play(settings))
        except BrokenPromiseError as broken:
            yield Verdict(name, fault, False, str(broken))
