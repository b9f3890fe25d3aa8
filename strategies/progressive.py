"""Progressive search: one part of the decisions after the other, everything else held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from core import build, did_you_mean, parse
from search_spaces import Architecture, Choice, FiniteSpace, SearchSpace
from strategies.registry import STRATEGIES
from strategies.strategy import Plan, Strategy, Study, best
from strategies.trial import Answer, Proposal, Trial


@dataclass(frozen=True)
class Part:
    """The decisions whose names start with `prefix`, searched for `trials` trials."""

    prefix: str
    trials: int

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise ValueError(f"part {self.prefix!r} has {self.trials} trials: give it at least 1")


class PartOfStudy:
    """The study as a strategy sees it that searches a part of it: `space`, for `left` trials. All else is the study's.

    `note` is added to those of its proposals.
    """

    def __init__(self, study: Study, space: SearchSpace, count: int, note: Mapping[str, Any] | None = None):
        self.study, self.space, self.left, self.note = study, space, count, note or {}
        self.trials: list[Trial] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.study, name)

    def wants(self) -> bool:
        return self.left > 0 and self.study.wants()

    def submit(self, proposal: Proposal) -> int:
        self.left -= 1
        return self.study.submit(replace(proposal, note={**proposal.note, **self.note}))

    def collect(self) -> Trial | None:
        trial = self.study.collect()
        self.trials += [trial] if trial else []
        return trial

    def recall(self) -> Trial | None:
        trial = self.study.recall()
        return trial and self._made(trial)

    def record(self, arch: Architecture, metrics: Mapping[str, float], weights: Path | None = None) -> Trial:
        return self._made(self.study.record(arch, metrics, weights))

    def _made(self, trial: Trial) -> Trial:
        self.left -= 1
        self.trials.append(trial)
        return trial


class Progressive(Strategy):
    """Progressive search (NAS-FCOS, Wang et al., CVPR 2020, section 3.3: the FPN with a fixed head, then the head).

    `parts` are dicts of a `prefix` and its number of `trials`, searched in this order by a `strategy` (a config) that
    starts anew on each. `start` gives the choices of the decisions outside of the first part while that is searched;
    from then on they are those of the best trial so far, whichever part it belongs to. A budget larger than all
    parts together is not spent.

    Raises ValueError where a part, the inner strategy or `start` does not fit, and RuntimeError where all trials of a
    part fail, or its strategy ends before the part's trials are spent.
    """

    def __init__(self, parts: Sequence[Mapping[str, Any]], start: Mapping[str, Choice], strategy: Mapping[str, Any]):
        if not parts:
            raise ValueError("parts is empty: give at least one dict(prefix=..., trials=...)")
        self.parts = [parse(Part, part, "a part") for part in parts]
        self.inner: list[Strategy] = [build(STRATEGIES, strategy) for _ in parts]
        self.held = dict(start)

    def prepare(self, study: Study) -> Plan:
        space, first = study.space, self.parts[0]
        if not isinstance(space, FiniteSpace):
            raise ValueError(f"Progressive needs named decisions, which {type(space).__name__} has not: evolve it")
        rest = self._start(space)
        try:
            some = space.only(first.prefix, rest).sample(Random(0))
        except ValueError as error:
            raise ValueError(f"start leaves no network to search {first.prefix!r} in ({error}): change it") from None
        if self.inner[0].goes_back:
            raise ValueError(
                "Progressive begins anew on each part, and a network that an earlier part has tried has no weights left to go "
                f"on from, as {type(self.inner[0]).__name__} does: use a strategy that inherits no weights"
            )
        plans = [
            inner.prepare(self._view(study, part, some)) for part, inner in zip(self.parts, self.inner, strict=True)
        ]
        return Plan(sum(part.trials for part in self.parts), plans[0].note)

    def search(self, study: Study) -> list[Answer]:
        assert isinstance(study.space, FiniteSpace)
        rest = self._start(study.space)
        for part, inner in zip(self.parts, self.inner, strict=True):
            view = self._view(study, part, rest)
            if not view.wants():
                break  # the budget ended with the part before
            inner.search(view)
            if view.wants() or len(view.trials) + view.left < part.trials:
                raise RuntimeError(
                    f"{type(inner).__name__} ended part {part.prefix!r} with {len(view.trials)} of {part.trials} trials: "
                    "give the part fewer, or another strategy"
                )
            rest = best(study.trials).arch
        return [Answer.of(best(study.trials))]

    def _view(self, study: Study, part: Part, rest: Architecture) -> Any:
        assert isinstance(study.space, FiniteSpace)
        return PartOfStudy(study, study.space.only(part.prefix, rest), part.trials, {"part": part.prefix})

    def _start(self, space: FiniteSpace) -> Architecture:
        """The choices outside of the first part; nothing is said about those inside of it."""
        prefix = self.parts[0].prefix
        outside = {name: options for name, options in space.decisions.items() if not name.startswith(prefix)}
        for name, choice in self.held.items():
            if name not in outside:
                raise ValueError(did_you_mean(f"decision outside of {prefix!r} in start", name, outside))
            if choice not in outside[name]:
                raise ValueError(f"start[{name!r}] cannot be {choice!r}: give one of {outside[name]}")
        missing = ", ".join(name for name in outside if name not in self.held)
        if missing:
            raise ValueError(f"start has no choice for {missing}: give one for every decision outside of {prefix!r}")
        return Architecture.recorded(self.held, "")
