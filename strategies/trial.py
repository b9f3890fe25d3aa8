"""What a strategy proposes, what became of it, and what a search answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from search_spaces import Architecture
from tasks import Cost, Inherited

Status = Literal["done", "stopped", "failed"]
Failure = Literal["out_of_memory", "not_finite", "error", "timeout", "lost", "refused"]


@dataclass(frozen=True)
class Proposal:
    """An evaluation to make: which network, from which weights, through how many stages.

    `parent` is the trial whose weights it inherits, if any. With `onward` it is that trial itself, taken on to the stages
    behind those it went through (`next_stage`). `stages` says through how many it goes now; None: all that are left, as the
    gate lets it; 0: it is only scored, on the first stage's view, with the weights it inherits. `note` is plain JSON that is
    recorded and told back.
    """

    arch: Architecture
    parent: int | None = None
    onward: bool = False
    stages: int | None = None
    note: Mapping[str, Any] = field(default_factory=dict)


def next_stage(trial: Trial, note: Mapping[str, Any] | None = None) -> Proposal:
    """Take a trial through its next stage, from its weights and, where the stage continues, its optimiser."""
    return Proposal(trial.arch, trial.id, onward=True, stages=1, note=note or {})


@dataclass(frozen=True)
class StageResult:
    """What one stage of a trial measured and cost; without metrics where it failed."""

    name: str
    metrics: dict[str, float]
    cost: Cost


@dataclass(frozen=True)
class Trial:
    """What happened to a proposal.

    "done": it went through the stages that were asked for; "stopped": a gate held it back after a stage; "failed": `failure`
    says of what kind, `error` why, and there is no reward. `reward` is that of the last stage. `depth` counts all stages
    behind the network, those of the trial that it takes on included. `measures` are costs of the network (params, madds,
    latency_ms), where the protocol asks for them; `objectives`, to be maximised, where the protocol has several.
    """

    id: int
    proposal: Proposal
    stages: tuple[StageResult, ...]
    status: Status
    reward: float | None = None
    error: str | None = None
    failure: Failure | None = None
    depth: int = 0
    objectives: tuple[float, ...] | None = None
    measures: Mapping[str, float] = field(default_factory=dict)
    inherited: Inherited | None = None

    @property
    def arch(self) -> Architecture:
        return self.proposal.arch

    @property
    def note(self) -> Mapping[str, Any]:
        return self.proposal.note

    @property
    def score(self) -> float:
        """The reward, and minus infinity where there is none."""
        return -math.inf if self.reward is None else self.reward

    @property
    def cost(self) -> Cost:
        first, *others = self.stages or (StageResult("", {}, Cost()),)
        return sum((stage.cost for stage in others), first.cost)

    @property
    def repeated(self) -> bool:
        """Was its evaluation another trial's, so that all its stages have cost nothing?"""
        return bool(self.stages) and all(stage.cost == Cost() for stage in self.stages)


@dataclass(frozen=True)
class Answer:
    """A network to keep: the architecture of a trial, or `model`, parts of a model config that nobody searched.

    `task` are settings that replace the task's own for this network: another template, say. `parent` is the trial whose weights
    its final training begins with, `weights` the file of those that the same architecture has learnt elsewhere; with neither it
    begins anew.
    """

    arch: Architecture | None = None
    trial: int | None = None
    parent: int | None = None
    model: Mapping[str, Any] | None = None
    task: Mapping[str, Any] | None = None
    weights: str | None = None

    @classmethod
    def of(cls, trial: Trial) -> Answer:
        return cls(trial.arch, trial.id)
