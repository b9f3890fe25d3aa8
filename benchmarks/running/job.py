"""A job: plain data in, an outcome or a cause of failure out. The same in this process and in another."""

from __future__ import annotations

import json
import math
import os
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from importlib import import_module
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.files import MACHINE
from benchmarks.running.store import Store
from core import Inherit, Weights, build, matching
from core.parsing import in_a_line, recordable
from search_spaces import SPACES, SearchSpace
from strategies import Failure
from tasks import TASKS, Cost, Outcome, Stage, Start, Task
from tasks.allocator import FULL, keep_freed_memory

if TYPE_CHECKING:
    from tasks.trainable import Trainable

WORDS = (  # how torch tells errors of the machine
    *FULL,
    "unable to mmap",
    "unexpected pos",
    "PytorchStreamWriter failed",
    "DataLoader worker",
    *map(os.strerror, MACHINE),
)
Choices = dict[str, Any]


@dataclass(frozen=True)
class Begin:
    """The weights that a job starts from, and by which rule they become the network's.

    "same": they are of this network; "inherit": of the architecture `parent`, by the space's rule; "derive": of a supernet.
    """

    handle: str
    rule: Literal["same", "inherit", "derive"] = "same"
    parent: Choices | None = None


@dataclass(frozen=True)
class Job:
    """Train one network for one stage and score it, or, where `measure` names costs, only count these.

    `task` and `space` are configs as JSON, so that a worker builds them once and knows them again; `arch` the choices that
    `model` was made of, None where nobody chose. `seed` is a number, or a text that it is drawn from. `keep` is the handle to
    leave the weights under; without a `store` none are left or read. `imports` are modules that register a user's own classes.
    """

    task: str
    space: str
    model: dict[str, Any]
    arch: Choices | None
    stage: Stage
    seed: int | str = 0
    begin: Begin | None = None
    keep: str = ""
    store: Store | None = None
    measure: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failed:
    """Why a job gave no outcome, of which kind that is, and what it had cost by then."""

    kind: Failure
    error: str
    cost: Cost = Cost()  # noqa: RUF009 - frozen


class MachineError(OSError):
    """The machine failed, not the network: memory or disk are full or broken."""


@lru_cache(maxsize=2)
def build_task(text: str) -> Task:
    """The task of a config as JSON, and with it a process that is ready to train."""
    keep_freed_memory()
    return build(TASKS, json.loads(text))


def build_trainable(text: str) -> Trainable:
    """The task of a config as JSON, for what is about training. Raises ValueError for a task that trains nothing, a table's."""
    from tasks.trainable import Trainable  # with torch, for which --help need not wait

    if not isinstance(task := build_task(text), Trainable):
        raise ValueError(f"{type(task).__name__} trains no network: name a benchmark whose task does")
    return task


@lru_cache(maxsize=2)
def build_space(text: str) -> SearchSpace:
    return build(SPACES, json.loads(text))


def run(job: Job) -> Outcome | Failed:
    """Run a job; whatever goes wrong with this candidate is its result, not the end of the search.

    Memory or a disk that are full or broken are no candidate's fault and raise MachineError.
    """
    for module in job.imports:
        try:
            import_module(module)
        except Exception as error:  # a worker may have another path or other packages than the command
            why = in_a_line(f"{type(error).__name__}: {error}")
            raise MachineError(
                f"a worker cannot import {module} ({why}): the same command goes on once it can"
            ) from None
    task = build_task(job.task)
    build_space(job.space)  # its module may register networks
    spent = task.meter.measure()
    try:
        outcome = Outcome(task.measure(job.model, job.measure), Cost()) if job.measure else _fit(task, job)
        outcome = replace(outcome, metrics=plain(outcome.metrics))
        bad = {name: value for name, value in outcome.metrics.items() if not math.isfinite(value)}
    except Exception as error:
        if machines_fault(error):
            raise MachineError(
                f"the machine failed, not the network ({_told(error)}): the same command goes on"
            ) from None
        return Failed(_kind(error), _told(error), spent.cost)
    return Failed("not_finite", f"metrics that are not finite: {bad}", outcome.cost) if bad else outcome


def _fit(task: Task, job: Job) -> Outcome:
    begin, store, start = job.begin, job.store, None
    if begin is not None and store is not None:
        start = Start(store.path(begin.handle), _rule(task, job, begin, store))
    keep = store and store.path(job.keep)
    adopt = _by_space(job, None) if job.arch else matching
    seed = Random(job.seed).getrandbits(32) if isinstance(job.seed, str) else job.seed
    return task.fit(job.model, job.stage, seed=seed, start=start, keep=keep, adopt=adopt)


def plain(figures: Mapping[str, Any]) -> dict[str, float]:
    """Metrics or costs as a record holds them: no tensors, nor True."""
    return {name: value if type(value) is int else float(value) for name, value in figures.items()}


def _rule(task: Task, job: Job, begin: Begin, store: Store) -> Inherit | None:
    """How the weights become the network's."""
    if begin.rule == "inherit":
        return _by_space(job, begin.parent)
    if begin.rule == "derive":
        from benchmarks.running.derived import derived

        return partial(derived, task, build_space(job.space), job.stage, store.path(begin.handle), job.arch or {})
    return None


def _by_space(job: Job, parent: Choices | None) -> Inherit:
    """The space's rule; without a parent the weights are the encoder's."""

    def inherit(weights: Weights, fresh: Weights) -> Weights:
        space = build_space(job.space)
        child = space.architecture(job.arch or {})
        return space.inherit(weights, fresh, None if parent is None else space.architecture(parent), child)

    return inherit


def machines_fault(error: BaseException | None) -> bool:
    """Is the machine to blame? A GPU's memory is another thing: a network may be too large for it."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        if isinstance(error, MemoryError | MachineError) or (isinstance(error, OSError) and error.errno in MACHINE):
            return True
        if isinstance(error, RuntimeError) and any(words in str(error) for words in WORDS):
            return type(error).__name__ != "OutOfMemoryError"
        error = error.__cause__ or error.__context__
    return False


def _kind(error: Exception) -> Failure:
    if type(error).__name__ == "OutOfMemoryError":
        return "out_of_memory"
    if isinstance(error, FloatingPointError):
        return "not_finite"
    return "timeout" if isinstance(error, TimeoutError) else "error"


def _told(error: Exception) -> str:
    """The place and the message, in one text that a record can hold."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    text = f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}: {type(error).__name__}: {error}"
    return recordable(text)
