"""A trial under way."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.job import Begin, Failed
from strategies import Failure, Proposal, StageResult, Status, Trial
from tasks import Cost, Inherited, Outcome, Stage

FREE = Cost()


@dataclass(eq=False)
class Flight:
    """What a proposal has behind it: its place in the protocol's stages, their results, and the job that runs.

    `first` is the place of the stage that it begins with and `end` the one behind its last; where both are equal it is only
    scored, on that stage. `measures` are the costs of its network, None before they are known. `identity` is what it evaluates:
    the network, these stages, and whose weights it starts from. `twins` are proposals of the same evaluation, which wait for
    it; `answer` is the finished trial of such a one.
    """

    id: int
    proposal: Proposal
    first: int
    end: int
    begin: Begin | None
    measures: dict[str, float] | None = None
    results: list[StageResult] = field(default_factory=list)
    inherited: Inherited | None = None
    future: Future[Outcome | Failed] | None = None
    tries: int = 0
    twins: list[Flight] = field(default_factory=list)
    answer: Trial | None = None

    @property
    def identity(self) -> tuple[Any, ...]:
        begin = self.begin
        return self.proposal.arch, self.first, self.end, begin and (begin.trial, begin.rule)

    @property
    def place(self) -> int:
        """That of the stage under way."""
        return self.first + len(self.results)

    @property
    def over(self) -> bool:
        """Are all stages that were asked for behind it?"""
        return len(self.results) >= max(1, self.end - self.first)

    def stage(self, stages: tuple[Stage, ...]) -> Stage:
        """The stage under way."""
        if self.end > self.first:
            return stages[self.place]
        stage = stages[self.first]
        return replace(stage, recipe=replace(stage.recipe, epochs=0))

    def add(self, result: StageResult, inherited: Inherited | None = None) -> None:
        if self.proposal.parent is not None and not self.results:
            self.inherited = inherited
        self.results.append(result)

    def ended(
        self,
        status: Status,
        reward: float | None = None,
        objectives: tuple[float, ...] | None = None,
        failure: Failure | None = None,
        error: str | None = None,
    ) -> Trial:
        depth = self.first + len(self.results) if self.end > self.first else self.first
        return Trial(
            self.id, self.proposal, tuple(self.results), status, reward, error, failure, depth, objectives,
            self.measures or {}, self.inherited,
        )  # fmt: skip

    def shared(self, trial: Trial) -> Trial:
        """The trial of this proposal, which another one's evaluation answers for nothing."""
        stages = tuple(StageResult(stage.name, stage.metrics, FREE) for stage in trial.stages)
        return Trial(
            self.id, self.proposal, stages, trial.status, trial.reward, trial.error, trial.failure, trial.depth,
            trial.objectives, trial.measures, trial.inherited,
        )  # fmt: skip
