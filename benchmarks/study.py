"""One strategy, one benchmark, one seed: evaluates, meters, records."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.benchmark import SUPERNET, Benchmark
from benchmarks.ledger import Ledger, Line, diverged
from benchmarks.running.flight import Flight
from benchmarks.running.flights import Flights
from benchmarks.running.job import Begin, build_task, plain
from benchmarks.running.judge import draw
from benchmarks.running.store import Shelf, Store, of_trial
from core.parsing import in_a_line
from search_spaces import Architecture, SearchSpace
from strategies import Proposal, StageResult, Trial
from tasks import Cost, Stage, Task

IN_A_ROW = 25  # failures of a kind, one after the other, with which a study ends


class Study:
    """Plays the part of a study that strategies see (`strategies.Study`).

    A job is plain data and runs on `executor`; gates are asked here, as stages end. Everything random is drawn from (seed,
    trial id). Equal evaluations are made once, also those in flight. With a `folder` all is recorded there, and a study that
    was killed is played back up to where it stood, submits again exactly what was in flight, and goes on; without one it lives
    in memory. `cost`, `failed_cost` and `counts` are running figures.

    A stage that takes over `patience` seconds fails, and its worker is ended. Where so many trials in a row fail in the same
    way that nothing else is to be expected, the study ends with RuntimeError; opened again, it goes on.
    """

    def __init__(
        self,
        benchmark: Benchmark,
        seed: int,
        task: str,
        executor: Executor,
        workers: int = 1,
        folder: Path | None = None,
        identity: str = "",
        patience: float | None = None,
    ):
        self.benchmark, self.seed, self.task_config = benchmark, seed, task
        self.executor, self.workers, self._folder, self.identity = executor, workers, folder, identity
        self.ledger = Ledger(folder, identity, benchmark.space)
        self.store = Store(str(folder)) if folder else None
        self.trials: list[Trial] = []
        self.cost, self.failed_cost, self.counts = Cost(), Cost(), Counter[str]()
        self.watch: Callable[[Study], None] = lambda study: None
        self._flights = Flights(benchmark, seed, task, executor, self.store, self.ledger, workers, patience)
        self._shelf = Shelf(self.store)
        self.finished: dict[int, Trial] = {}  # by id; with several workers `trials` has another order
        self._next = 0
        self._rng = Random(0)
        self._mark: Cost | None = None
        self._row: list[str] = []  # how the last trials failed, all in the same way

    # What a strategy sees.

    @property
    def space(self) -> SearchSpace:
        return self.benchmark.space

    @property
    def objectives(self) -> Sequence[str]:
        return self.benchmark.objectives.names if self.benchmark.objectives else ()

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.benchmark.stages

    @property
    def folder(self) -> Path:
        assert self._folder is not None
        return self._folder

    @property
    def task(self) -> Task:
        task = build_task(self.task_config)
        if self._mark is None:
            self._mark = task.meter.reading()
        return task

    def rng(self) -> Random:
        self._rng.seed(draw(self.seed, "ask", self._next))  # to make a new one takes twice as long
        return self._rng

    def wants(self) -> bool:
        told, ahead = len(self.trials), self.ledger.ahead
        if ahead:
            return ahead[0]["event"] == "proposed" and ahead[0]["told"] == told
        if self._next >= self.benchmark.budget.trials or len(self._flights) >= self.workers:
            return False
        limit = self.benchmark.budget.images
        return limit is None or self.cost.images + self._flights.foreseen() < limit

    def submit(self, proposal: Proposal) -> int:
        try:
            flight = self._flight(proposal)
            self.ledger.proposed(flight.id, len(self.trials), proposal)
        except TypeError as error:
            raise ValueError(
                f"trial {self._next} cannot be evaluated ({in_a_line(error)}): mend its Proposal"
            ) from None
        self._next += 1
        self._flights.enter(flight)
        return flight.id

    def collect(self) -> Trial | None:
        if not self.ledger.ahead:
            self._shelf.clear(self._flights.begun())
        ended, ahead = self._flights.next(), self.ledger.ahead
        if ended is None and ahead and ahead[0]["event"] != "made" and ahead[0].get("told") != len(self.trials):
            raise diverged(ahead[0]["id"])  # nothing is in flight that could lead to what is recorded
        return self._tell(*ended) if ended else None

    def keep(self, trials: Collection[int]) -> None:
        self._shelf.keep(trials)

    def recall(self) -> Trial | None:
        line = self.ledger.take("made")
        return self._made(line) if line else None

    def spent(self) -> Cost:
        reading = self.task.meter.reading()
        assert self._mark is not None
        return reading - self._mark

    def record(self, arch: Architecture, metrics: Mapping[str, float], weights: Path | None = None) -> Trial:
        names = self.benchmark.measures
        measures = plain(self.task.measure(self.space.model(arch), names)) if names else {}
        figures = dict(metrics=dict(metrics), measures=measures, cost=asdict(self.spent()))
        self._mark = self.task.meter.reading()
        if weights is not None and self.store:
            shutil.copyfile(weights, self.store.path(of_trial(self._next, 1)))
        line = {"event": "made", "id": self._next, "arch": arch.as_dict(), **figures}
        self.ledger.note(line)
        return self._made(line)

    def close(self) -> None:
        self.ledger.close()

    def __enter__(self) -> Study:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        if kind is not None:  # whoever waits for the executor would wait for trainings of hours
            self._flights.give_up()
        self.close()

    def _flight(self, proposal: Proposal) -> Flight:
        """The next trial, of a proposal. Raises ValueError where it cannot be evaluated."""
        number, first, begin = self._next, 0, None
        if proposal.parent is not None:
            parent = self.finished.get(proposal.parent)
            if parent is None:
                raise ValueError(f"the parent {proposal.parent} of trial {number} is no finished trial of this study")
            if not self.ledger.ahead and not self._shelf.has(parent.id):
                raise ValueError(f"trial {parent.id} left no weights for trial {number}: keep them before")
            first = parent.depth if proposal.onward else 0
            begin = self.begin(parent, proposal.onward)
        left = len(self.stages) - first
        asked = left if proposal.stages is None else proposal.stages
        if not 0 <= asked <= left or (proposal.onward and (asked == 0 or begin is None)):
            raise ValueError(f"trial {number} asks for {proposal.stages} more stages, of {left} that are left")
        stages = self.stages[first : first + asked] or (only_scored(self.stages[0]),)
        return Flight(number, proposal, first, asked, stages, begin)

    def begin(self, parent: Trial, onward: bool = False) -> Begin:
        """The weights that a trial has left for another network, or, `onward`, for its own, and the rule they are taken by."""
        handle = self._shelf.handles[parent.id]
        if parent.stages and parent.stages[-1].name == SUPERNET:
            return Begin(handle, "derive")
        return Begin(handle) if onward else Begin(handle, "inherit", parent.arch.as_dict())

    def _made(self, line: Line) -> Trial:
        """A trial that a strategy made itself, from its event."""
        number, arch, measures = line["id"], self.space.architecture(line["arch"]), line["measures"]
        result = StageResult(SUPERNET, line["metrics"], Cost(**line["cost"]))
        self._next = number + 1
        made: dict[str, Any] = dict(id=number, proposal=Proposal(arch), stages=(result,), measures=measures)
        try:
            reward, objectives = self._flights.judge.score(measures, line["metrics"])
        except ValueError as error:
            return self._tell(Trial(**made, status="failed", failure="error", error=str(error)))
        return self._tell(Trial(**made, status="done", reward=reward, objectives=objectives))

    def _tell(self, trial: Trial, answer: Trial | None = None) -> Trial:
        """Record and count a trial that has ended, by itself or with the `answer` of an equal one."""
        self.ledger.append(trial)
        self._shelf.add(trial, answer)
        self.finished[trial.id] = trial
        self.trials.append(trial)
        cost = trial.cost
        self.cost += cost
        self.counts[trial.status] += 1
        self.counts["duplicate"] += answer is not None
        if trial.status == "failed":
            self.failed_cost += cost
        self.watch(self)
        self._check_row(trial)
        return trial

    def _check_row(self, trial: Trial) -> None:
        """Raise RuntimeError where a failure is the last of too many; refused networks are none, nor those of the record."""
        if trial.failure == "refused":
            return
        kind = None if self.ledger.ahead else trial.failure
        self._row = [*(self._row if kind in self._row else ()), kind] if kind else []
        if len(self._row) == IN_A_ROW:
            why = f"{IN_A_ROW} trials in a row failed ({kind}), the last with {trial.error}"
            raise RuntimeError(f"{why}: see to that, and the same command goes on")


def only_scored(stage: Stage) -> Stage:
    """The stage without its training."""
    return replace(stage, recipe=replace(stage.recipe, epochs=0))
