"""A job: plain data in, an outcome or a cause of failure out. The same in this process and in another."""

from __future__ import annotations

import json
import math
import traceback
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from search_spaces import build
from tasks import TASKS, Outcome, Stage, Task
from tasks.allocator import keep_freed_memory


@dataclass(frozen=True)
class Job:
    """Train one network for one stage."""

    task: str  # the task's config as JSON, so that a worker builds it once and knows it again
    model: dict[str, Any]
    stage: Stage
    seed: int
    init: str | None = None
    weights: str | None = None


@dataclass(frozen=True)
class Failed:
    """Why a job gave no outcome: the last lines of its traceback."""

    error: str


@lru_cache(maxsize=2)
def build_task(text: str) -> Task:
    """The task of a config as JSON, and with it a process that is ready to train."""
    keep_freed_memory()
    return build(TASKS, json.loads(text))


def run(job: Job) -> Outcome | Failed:
    """Run a job; whatever goes wrong with this candidate is its result, not the end of the search."""
    try:
        outcome = build_task(job.task).fit(job.model, job.stage, seed=job.seed, init=job.init, weights=job.weights)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}"
        return Failed(f"{place}: {type(error).__name__}: {error}")
    bad = {name: value for name, value in outcome.metrics.items() if not math.isfinite(value)}
    return Failed(f"metrics that are not finite: {bad}") if bad else outcome
