"""A trial under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from benchmarks.running.job import Begin, Failed, Job
from benchmarks.running.store import of_trial
from strategies import Proposal, StageResult, Status, Trial
from tasks import Cost, Inherited, Outcome, Stage

FREE = Cost()


@dataclass(eq=False)
class Flight:
    """What a proposal has behind it, and the job that it waits for.

    It goes through `asked` of the protocol's stages, the place of whose first is `first`: those are its `stages`. Where none
    is asked for, `stages` is one without training, on which it is scored. `measures` are the costs of its network, None before
    they are known.
    """

    id: int
    proposal: Proposal
    first: int
    asked: int
    stages: tuple[Stage, ...]
    begin: Begin | None
    measures: dict[str, float] | None = None
    results: list[StageResult] = field(default_factory=list)
    inherited: Inherited | None = None
    job: Job | None = None
    tries: int = 0
    launched: float = 0.0  # when, on the clock that goes on evenly

    @cached_property
    def identity(self) -> tuple[Any, ...]:
        """What it evaluates: the network, the stages, and whose weights it starts from."""
        return self.proposal.arch, self.first, self.asked, self.begin and (self.begin.handle, self.begin.rule)

    @property
    def stage(self) -> Stage:
        """The one under way."""
        return self.stages[len(self.results)]

    @property
    def starts(self) -> Begin | None:
        """From which weights the stage under way starts."""
        return Begin(of_trial(self.id, len(self.results))) if self.results else self.begin

    @property
    def leaves(self) -> str:
        """The handle that the stage under way leaves its weights under."""
        return of_trial(self.id, len(self.results) + 1)

    def add(self, outcome: Outcome | Failed) -> None:
        """The stage under way is over; without metrics where it failed."""
        metrics, inherited = ({}, None) if isinstance(outcome, Failed) else (outcome.metrics, outcome.inherited)
        if self.proposal.parent is not None and not self.results:
            self.inherited = inherited
        self.results.append(StageResult(self.stage.name, metrics, outcome.cost))

    def ended(self, status: Status, **what: Any) -> Trial:
        """The trial that it comes to; `what` are the fields that it does not know itself."""
        depth = self.first + min(self.asked, sum(bool(result.metrics) for result in self.results))
        known = dict(depth=depth, measures=self.measures or {}, inherited=self.inherited)
        return Trial(self.id, self.proposal, tuple(self.results), status, **known, **what)

    def shared(self, trial: Trial) -> Trial:
        """The trial of this proposal, which another one's evaluation answers for nothing."""
        stages = tuple(StageResult(stage.name, stage.metrics, FREE) for stage in trial.stages)
        what = {**vars(trial), "id": self.id, "proposal": self.proposal, "stages": stages}
        return Trial(**what)
