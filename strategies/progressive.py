"""Progressive search: one part of the decisions after the other, everything else held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from search_spaces import Architecture, Choice, SearchSpace, build, did_you_mean
from search_spaces.architecture import architecture_of
from strategies.registry import STRATEGIES
from strategies.strategy import Strategy, Study, best
from strategies.trial import Proposal, Trial
from tasks import Cost, Stage, Task

DRAWS = 1000  # a start with which nothing makes a network would keep every strategy drawing for ever


@dataclass(frozen=True)
class Part:
    """The decisions whose names start with `prefix`, searched for `trials` trials."""

    prefix: str
    trials: int

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise ValueError(f"part {self.prefix!r} has {self.trials} trials: give it at least 1")


class PartOfStudy:
    """The study as the strategy of one part sees it: a held-down space, and `count` trials from place `first` on.

    Trials are told apart by their place in the ledger: a part starts when the one before has collected its last trial.
    """

    def __init__(self, study: Study, space: SearchSpace, first: int, count: int):
        self.study, self.space, self.first, self.count = study, space, first, count
        self.pending = 0

    @property
    def trials(self) -> Sequence[Trial]:
        return self.study.trials[self.first : self.first + self.count]

    def rng(self) -> Random:
        return self.study.rng()

    def wants(self) -> bool:
        return len(self.trials) + self.pending < self.count and self.study.wants()

    def submit(self, proposal: Proposal) -> None:
        self.pending += 1
        self.study.submit(proposal)

    @property
    def seed(self) -> int:
        return self.study.seed

    @property
    def task(self) -> Task:
        return self.study.task

    @property
    def stages(self) -> Sequence[Stage]:
        return self.study.stages

    @property
    def folder(self) -> Path:
        return self.study.folder

    def record(self, arch: Architecture, metrics: dict[str, float], cost: Cost) -> None:
        self.study.record(arch, metrics, cost)

    def collect(self) -> Trial | None:
        trial = self.study.collect()
        self.pending -= trial is not None
        return trial


@STRATEGIES.register_module()
class Progressive(Strategy):
    """Progressive search (NAS-FCOS, Wang et al., CVPR 2020, section 3.3: the FPN with a fixed head, then the head).

    `parts` are dicts of a `prefix` and its number of `trials`, searched in this order by a `strategy` (a config) that
    starts anew on each. `start` gives the choices of the decisions outside of the first part while that is searched;
    from then on they are those of the best trial so far, whichever part it belongs to. A budget larger than all
    parts together is not spent.

    Raises ValueError where a part, the inner strategy or `start` does not fit, and RuntimeError where all trials of a
    part fail, or its strategy ends before the part's trials are spent (a resumed study could not tell where it ended).
    """

    def __init__(self, parts: Sequence[Mapping[str, Any]], start: Mapping[str, Choice], strategy: Mapping[str, Any]):
        if not parts:
            raise ValueError("parts is empty: give at least one dict(prefix=..., trials=...)")
        self.parts = [Part(**part) for part in parts]
        self.held, self.config = dict(start), dict(strategy)
        self.planned = sum(part.trials for part in self.parts)
        self._inner()  # a wrong config is refused before the first trial, not between two parts

    def check(self, space: SearchSpace) -> None:
        """Raises ValueError where a prefix, `start` or the inner strategy does not fit `space`."""
        for part in self.parts:
            if not any(name.startswith(part.prefix) for name in space.decisions):
                raise ValueError(f"no decision starts with {part.prefix!r}: the space has {', '.join(space.decisions)}")
        first, rng = space.only(self.parts[0].prefix, self._first_rest(space)), Random(0)
        self._inner().check(first)
        draws = [{name: rng.choice(options) for name, options in first.decisions.items()} for _ in range(DRAWS)]
        flaws = [first.flaw(choices) for choices in draws]
        if None not in flaws:
            raise ValueError(
                f"start leaves no network in {DRAWS} draws of {self.parts[0].prefix!r} ({flaws[0]}): change it"
            )

    def search(self, study: Study) -> Architecture:
        self.check(study.space)
        rest, first = self._first_rest(study.space), 0
        for part in self.parts:
            view = PartOfStudy(study, study.space.only(part.prefix, rest), first, part.trials)
            if not view.trials and not view.wants():
                break  # the budget ended with the part before
            self._play(view, part)
            rest, first = best(study.trials).arch, first + part.trials
        return best(study.trials).arch

    def _play(self, view: PartOfStudy, part: Part) -> None:
        inner = self._inner()
        inner.search(view)
        if view.pending or view.wants():
            raise RuntimeError(
                f"{type(inner).__name__} ended part {part.prefix!r} with {len(view.trials)} of {part.trials} trials: "
                "give the part fewer, or another strategy"
            )

    def _inner(self) -> Strategy:
        """The strategy of a part, as new."""
        return build(STRATEGIES, self.config)

    def _first_rest(self, space: SearchSpace) -> Architecture:
        """The choices outside of the first part; nothing is said about those inside of it."""
        outside = {n: options for n, options in space.decisions.items() if not n.startswith(self.parts[0].prefix)}
        for name, choice in self.held.items():
            if name not in outside:
                raise ValueError(did_you_mean(f"decision outside of {self.parts[0].prefix!r} in start", name, outside))
            if choice not in outside[name]:
                raise ValueError(f"start[{name!r}] cannot be {choice!r}: give one of {outside[name]}")
        missing = [name for name in outside if name not in self.held]
        if missing:
            raise ValueError(
                f"start has no choice for {', '.join(missing)}: give one for every decision "
                f"outside of {self.parts[0].prefix!r}"
            )
        return architecture_of(self.held, self.held)
