"""What a strategy proposes, and what became of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from search_spaces import Architecture
from tasks import Cost

Status = Literal["done", "stopped", "failed"]


@dataclass(frozen=True)
class Proposal:
    """An architecture to try, and the id of the trial whose weights it starts from, if any."""

    arch: Architecture
    parent: int | None = None


@dataclass(frozen=True)
class StageResult:
    """What one stage of a trial measured and cost."""

    name: str
    metrics: dict[str, float]
    cost: Cost


@dataclass(frozen=True)
class Trial:
    """What happened to a proposal.

    "done": it went through every stage; "stopped": a gate held it back after a stage, and `reward` is that stage's;
    "failed": `error` says why, and there is no reward.
    """

    id: int
    proposal: Proposal
    stages: tuple[StageResult, ...]
    status: Status
    reward: float | None = None
    error: str | None = None

    @property
    def arch(self) -> Architecture:
        return self.proposal.arch

    @property
    def score(self) -> float:
        """The reward, and minus infinity where there is none."""
        return -math.inf if self.reward is None else self.reward

    @property
    def cost(self) -> Cost:
        return sum((stage.cost for stage in self.stages), Cost())
