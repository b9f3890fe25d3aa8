"""The trials of a study that are under way: from job to job, to their ends."""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from typing import Any

from benchmarks.benchmark import Benchmark
from benchmarks.executors import Ending, VirtualExecutor
from benchmarks.flight import Flight
from benchmarks.job import Failed, Job, run
from benchmarks.judge import Judge, draw
from benchmarks.ledger import Ledger, diverged
from benchmarks.store import Store
from search_spaces import Architecture
from strategies import Trial
from tasks import Cost, Outcome

TRIES = 4  # of a job whose worker dies: once, and three times again


class Flights:
    """What was submitted and is not told yet.

    Equal evaluations are made once: the first has the jobs, whoever comes later waits for it or has its answer. Where it fails,
    the failure is its own, and the next one takes its place. As long as the ledger has a record to be played back, that says
    what the jobs gave, and none is run. A job that takes over `patience` seconds is ended.
    """

    def __init__(
        self,
        benchmark: Benchmark,
        seed: int,
        task: str,
        executor: Executor,
        store: Store | None,
        ledger: Ledger,
        patience: float | None = None,
    ):
        self.benchmark, self.seed, self.task = benchmark, seed, task
        self.executor, self.store, self.ledger, self.patience = executor, store, ledger, patience
        self.space, self.judge = json.dumps(benchmark.space_config), Judge(benchmark, seed)
        self.flying: dict[int, Flight] = {}  # by trial: what has not ended
        self.ended: deque[tuple[Trial, Trial | None]] = deque()
        self.known: dict[tuple[Any, ...], Flight | Trial] = {}  # by identity: who makes an evaluation, or has made it
        self.measured: dict[Architecture, dict[str, float]] = {}
        self.refused: dict[Architecture, str] = {}
        self.dearest: dict[str, int] = {}  # by stage: the images of the one that took most

    def __len__(self) -> int:
        return len(self.flying) + len(self.ended)

    def foreseen(self) -> float:
        """The images that what is in flight will have cost: at most, as far as is known; infinite where nothing is."""
        told = sum(trial.cost.images for trial, _ in self.ended)
        stages = (stage.name for flight in self.flying.values() for stage in flight.stages)
        return told + sum(self.dearest.get(name, math.inf) for name in stages)

    def begun(self) -> Iterator[str]:
        """The weights that something in flight starts from."""
        return (flight.begin.handle for flight in self.flying.values() if flight.begin)

    def enter(self, flight: Flight) -> None:
        self.flying[flight.id] = flight
        self._go_on()

    def next(self) -> tuple[Trial, Trial | None] | None:
        """Wait for a trial to end: it, and the one whose evaluation answers for it, if any. None: nothing is in flight."""
        while not self.ended:
            if not self.flying:
                return None
            flight, outcome = self._recorded() if self.ledger.ahead else self._awaited()
            job, flight.job, flight.future, flight.tries = flight.job, None, None, 0
            if isinstance(outcome, Failed):
                self._fail(flight, outcome)
            elif job and job.measure:
                self._measured(flight, outcome.metrics)
            else:
                self._passed(flight, outcome)
            self._go_on()
        return self.ended.popleft()

    def _recorded(self) -> tuple[Flight, Outcome | Failed]:
        """What a job has given, from the record."""
        number, outcome = self.ledger.outcome()
        flight = self.flying.get(number)
        if flight is None or flight.job is None:
            raise diverged(number)
        return flight, outcome

    def _awaited(self) -> tuple[Flight, Outcome | Failed]:
        """Wait for a job, and record what it gives. One whose worker died is tried again."""
        while True:
            flight, future = self._first_done()
            try:
                outcome = future.result() if future.done() else self._end_late(future)
            except BrokenExecutor:
                outcome = Failed("lost", f"the worker process died {flight.tries} times (out of memory, or killed)")
            if isinstance(outcome, Failed) and outcome.kind == "lost" and flight.tries < TRIES:
                self._launch(flight)
                continue
            self.ledger.gave(flight.id, outcome)
            return flight, outcome

    def _first_done(self) -> tuple[Flight, Future[Any]]:
        """Of the trials whose jobs are done, or take too long, the first; waits for one."""
        waiting = [(flight, flight.future) for flight in self.flying.values() if flight.future]
        while True:
            for flight, future in waiting:
                if future.done():
                    return flight, future
            if isinstance(self.executor, VirtualExecutor):
                self.executor.advance()
                continue
            oldest, future = min(waiting, key=lambda one: one[0].launched)
            left = None if self.patience is None else self.patience - (time.monotonic() - oldest.launched)
            if left is not None and left <= 0:
                return oldest, future
            wait([future for _, future in waiting], left, FIRST_COMPLETED)

    def _end_late(self, future: Future[Any]) -> Failed:
        assert isinstance(self.executor, Ending)
        self.executor.end(future)
        return Failed("timeout", f"took over {self.patience:g} seconds")

    def _go_on(self) -> None:
        """Let each trial in flight go on: to its end, where that is known, or with its next job."""
        for flight in list(self.flying.values()):
            known = self.known.setdefault(flight.identity, flight)
            if isinstance(known, Trial):
                self._end(flight, flight.shared(known), known)
            elif known is flight and flight.job is None:
                self._prepare(flight)
            if flight.job and not flight.future and not self.ledger.ahead:
                self._launch(flight)

    def _prepare(self, flight: Flight) -> None:
        """Find its next job, or that it is refused."""
        arch = flight.proposal.arch
        if arch in self.refused and not flight.results:
            return self._fail(flight, Failed("refused", self.refused[arch]))
        if flight.measures is None:
            flight.measures = self.measured.get(arch) if self.benchmark.measures else {}
        what = (self.task, self.space, self.benchmark.space.model(arch), arch.as_dict(), flight.stage)
        if flight.measures is None:
            flight.job = Job(*what, measure=self.benchmark.measures, imports=self.benchmark.imports)
        else:
            seed = draw(self.seed, f"fit/{flight.stage.name}", flight.id)
            begin, imports = flight.starts, self.benchmark.imports
            flight.job = Job(*what, seed, begin, flight.leaves, self.store, imports=imports)

    def _launch(self, flight: Flight) -> None:
        assert flight.job is not None
        flight.tries += 1
        flight.launched = time.monotonic()
        flight.future = self.executor.submit(run, flight.job)

    def _measured(self, flight: Flight, costs: dict[str, float]) -> None:
        arch = flight.proposal.arch
        flight.measures = self.measured[arch] = costs
        reason = self.judge.refuse(flight.id, costs)
        if reason:
            self.refused.setdefault(arch, reason)

    def _passed(self, flight: Flight, outcome: Outcome) -> None:
        """A stage is over; the trial ends where it was the last, a gate holds it back, or it cannot be judged."""
        stage, measures = flight.stage.name, flight.measures or {}
        flight.add(outcome)
        try:
            reward, objectives = self.judge.score(measures, outcome.metrics)
        except ValueError as error:
            return self._end(flight, flight.ended("failed", failure="error", error=str(error)))
        if len(flight.results) == len(flight.stages):
            self._end(flight, flight.ended("done", reward=reward, objectives=objectives))
        elif self.judge.stop(flight.id, stage, measures, outcome.metrics, reward):
            self._end(flight, flight.ended("stopped", reward=reward, objectives=objectives))

    def _fail(self, flight: Flight, failed: Failed) -> None:
        if failed.cost != Cost():
            flight.add(failed)
        self._end(flight, flight.ended("failed", failure=failed.kind, error=failed.error))

    def _end(self, flight: Flight, trial: Trial, answer: Trial | None = None) -> None:
        """A trial has ended, by itself or with the `answer` of an equal one."""
        del self.flying[flight.id]
        for stage in trial.stages:
            if stage.metrics:
                self.dearest[stage.name] = max(self.dearest.get(stage.name, 0), stage.cost.images)
        if trial.status == "failed":
            del self.known[flight.identity]
        elif answer is None:
            self.known[flight.identity] = trial
        self.ended.append((trial, answer))
