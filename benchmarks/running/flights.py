"""The trials of a study that are under way: from job to job, to their ends."""

from __future__ import annotations

import json
import math
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from queue import Empty, SimpleQueue
from typing import Any

from benchmarks.benchmark import Benchmark
from benchmarks.executors import Ending, VirtualExecutor
from benchmarks.ledger import Ledger, diverged
from benchmarks.running.flight import Flight
from benchmarks.running.job import Failed, Job, run
from benchmarks.running.judge import Judge, draw
from benchmarks.running.store import Store
from search_spaces import Architecture
from strategies import Trial
from tasks import Cost, Outcome

TRIES = 4  # of a job whose worker dies: once, and three times again


class Flights:
    """What was submitted and is not told yet.

    Equal evaluations are made once: the first has the jobs, whoever comes later waits for it or has its answer. Where it fails,
    the failure is its own, and the next one takes its place. As long as the ledger has a record to be played back, that says
    what the jobs gave, and none is run. At most `workers` jobs run at a time, also where more had begun before a kill.
    A job that takes over `patience` seconds is ended.
    """

    def __init__(
        self,
        benchmark: Benchmark,
        seed: int,
        task: str,
        executor: Executor,
        store: Store | None,
        ledger: Ledger,
        workers: int = 1,
        patience: float | None = None,
    ):
        self.benchmark, self.seed, self.task = benchmark, seed, task
        self.executor, self.store, self.ledger = executor, store, ledger
        self.workers, self.patience = workers, patience
        self.space, self.judge = json.dumps(benchmark.space_config), Judge(benchmark, seed)
        self.flying: dict[int, Flight] = {}  # by trial: what has not ended
        self.stages = Counter[str]()  # that these go through
        self.ready: deque[Flight] = deque()  # of these, those that may go on
        self.prepared: dict[int, Flight] = {}  # by trial: those whose job is to be launched, or played back
        self.launched: dict[Future[Any], Flight] = {}  # those whose job runs, the first launched first
        self.done: SimpleQueue[Future[Any]] = SimpleQueue()  # jobs that have run, as they come
        self.waiting: dict[tuple[Any, ...], list[Flight]] = {}  # by identity: those that wait for who makes it
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
        return told + sum(count * self.dearest.get(name, math.inf) for name, count in self.stages.items() if count)

    def begun(self) -> Iterator[str]:
        """The weights that something in flight starts from."""
        return (flight.begin.handle for flight in self.flying.values() if flight.begin)

    def enter(self, flight: Flight) -> None:
        self.flying[flight.id] = flight
        for stage in flight.stages:
            self.stages[stage.name] += 1
        self.ready.append(flight)
        self._go_on()

    def next(self) -> tuple[Trial, Trial | None] | None:
        """Wait for a trial to end: it, and the one whose evaluation answers for it, if any. None: nothing is in flight."""
        while not self.ended:
            if not self.flying:
                return None
            flight, outcome = self._recorded() if self.ledger.ahead else self._awaited()
            self.prepared.pop(flight.id, None)
            job, flight.job, flight.tries = flight.job, None, 0
            if isinstance(outcome, Failed):
                self._fail(flight, outcome)
            elif job and job.measure:
                self._measured(flight, outcome.metrics)
            else:
                self._passed(flight, outcome)
            self.ready.append(flight)
            self._go_on()
        return self.ended.popleft()

    def _recorded(self) -> tuple[Flight, Outcome | Failed]:
        """What a job has given, from the record."""
        number, outcome = self.ledger.outcome()
        flight = self.flying.get(number)
        if flight is None or flight.job is None:
            raise diverged(number)
        return flight, outcome

    def give_up(self) -> None:
        """End the jobs that run, where that can be done: nobody will hear what they give."""
        for future in self.launched:
            if isinstance(self.executor, Ending) and not future.done():
                self.executor.end(future)

    def _awaited(self) -> tuple[Flight, Outcome | Failed]:
        """Wait for a job, and record what it gives. One whose worker died is tried again."""
        while True:
            future = self._first_done()
            flight = self.launched.pop(future)
            try:
                outcome = future.result() if future.done() else self._end_late(future)
            except BrokenExecutor:
                outcome = Failed("lost", f"the worker process died {flight.tries} times (out of memory, or killed)")
            if isinstance(outcome, Failed) and outcome.kind == "lost" and flight.tries < TRIES:
                self._launch(flight)
                continue
            self.ledger.gave(flight.id, outcome)
            return flight, outcome

    def _first_done(self) -> Future[Any]:
        """The first job that is done, or takes too long; waits for one."""
        while True:
            while isinstance(self.executor, VirtualExecutor) and self.done.empty():
                self.executor.advance()
            oldest, flight = next(iter(self.launched.items()))
            left = None if self.patience is None else self.patience - (time.monotonic() - flight.launched)
            try:
                future = self.done.get(timeout=left) if left is None or left > 0 else self.done.get_nowait()
            except Empty:
                return oldest
            if future in self.launched:  # and has not been given up
                return future

    def _end_late(self, future: Future[Any]) -> Failed:
        assert isinstance(self.executor, Ending)
        self.executor.end(future)
        return Failed("timeout", f"took over {self.patience:g} seconds")

    def _go_on(self) -> None:
        """Let each trial that is ready go on: to its end, where that is known, or with its next job."""
        while self.ready:
            flight = self.ready.popleft()
            if flight.id not in self.flying:
                continue
            known = self.known.setdefault(flight.identity, flight)
            if isinstance(known, Trial):
                self._end(flight, flight.shared(known), known)
            elif known is flight:
                self._prepare(flight)
            else:
                self.waiting.setdefault(flight.identity, []).append(flight)
        while self.prepared and len(self.launched) < self.workers and not self.ledger.ahead:
            self._launch(self.prepared.pop(next(iter(self.prepared))))

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
            seed = draw(self.seed, f"fit/{flight.stage.name}", 0 if self.benchmark.common_seed else flight.id)
            begin, imports = flight.starts, self.benchmark.imports
            flight.job = Job(*what, seed, begin, flight.leaves, self.store, imports=imports)
        self.prepared[flight.id] = flight

    def _launch(self, flight: Flight) -> None:
        assert flight.job is not None
        flight.tries += 1
        flight.launched = time.monotonic()
        future = self.executor.submit(run, flight.job)
        self.launched[future] = flight
        future.add_done_callback(self.done.put)

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
        for stage in flight.stages:
            self.stages[stage.name] -= 1
        self.ready.extend(self.waiting.pop(flight.identity, ()) if answer is None else ())
        for stage in trial.stages:
            if stage.metrics:
                self.dearest[stage.name] = max(self.dearest.get(stage.name, 0), stage.cost.images)
        if trial.status == "failed":
            del self.known[flight.identity]
        elif answer is None:
            self.known[flight.identity] = trial
        self.ended.append((trial, answer))
