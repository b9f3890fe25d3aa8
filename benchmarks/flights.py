"""The trials of a study that are under way: from stage to stage, alone or as twins."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, replace
from typing import Any

from benchmarks.benchmark import Benchmark
from benchmarks.flight import Flight
from benchmarks.job import Begin, Failed, Job, run
from benchmarks.judge import Judge
from benchmarks.ledger import Ledger, Line
from benchmarks.store import Store, of_trial
from search_spaces import Architecture
from strategies import StageResult, Trial
from tasks import Cost, Inherited, Outcome

TRIES = 4  # of a job whose worker dies: once, and three times again


class Flights:
    """What was submitted and is not told yet.

    Equal evaluations are made once: whoever comes later waits for the first, or has its answer. While a record is played
    back (`live` is False) nothing is launched.
    """

    def __init__(
        self,
        benchmark: Benchmark,
        seed: int,
        task: str,
        executor: Executor,
        store: Store | None,
        judge: Judge,
        live: bool,
    ):
        self.benchmark, self.seed, self.task, self.executor = benchmark, seed, task, executor
        self.store, self.judge, self.live = store, judge, live
        self.space = json.dumps(benchmark.space_config)
        self.flying: dict[int, Flight] = {}  # by trial: what has not ended
        self.ended: list[tuple[Flight, Trial]] = []
        self.known: dict[tuple[Any, ...], Flight | Trial] = {}
        self.measured: dict[Architecture, dict[str, float]] = {}

    def __len__(self) -> int:
        return len(self.flying) + len(self.ended)

    def begun(self) -> Iterator[int]:
        """The trials whose weights something in flight starts from."""
        return (flight.begin.trial for flight in self.flying.values() if flight.begin)

    def enter(self, flight: Flight) -> None:
        self.flying[flight.id] = flight
        flight.measures = self.measured.get(flight.proposal.arch) if self.benchmark.measures else {}
        known = self.known.setdefault(flight.identity, flight)
        if isinstance(known, Flight) and known is not flight:
            known.twins.append(flight)
            return
        flight.answer = known if isinstance(known, Trial) else None
        if self.live:
            self._proceed(flight)

    def next(self, ledger: Ledger, told: int) -> tuple[Flight, Trial] | None:
        """Wait for a trial to end; what others have behind them by then is noted. None: nothing is running."""
        while not self.ended:
            flying = [flight for flight in self.flying.values() if flight.future]
            if not flying:
                return None
            self._advance(_first_done(flying), ledger, told)
        return self.ended.pop(0)

    def take_off(self) -> None:
        """Launch what was in flight when a record broke off."""
        self.live = True
        waiting = {twin.id for flight in self.flying.values() for twin in flight.twins}
        for flight in list(self.flying.values()):
            if self.store and not self.store.has(of_trial(flight.id)):
                flight.results.clear()  # somebody has removed its weights: it begins again
            if flight.id not in waiting or flight.answer:
                self._proceed(flight)

    def replay(self, event: Line) -> None:
        """What a trial in flight had behind it, from the record."""
        inherited = event["inherited"]
        outcome = Outcome(event["metrics"], Cost(**event["cost"]), inherited and Inherited(**inherited))
        self._take(self.flying[event["id"]], outcome)

    def land(self, trial: Trial) -> tuple[Flight, Trial]:
        """End a trial as the record says."""
        flight = self.flying.pop(trial.id)
        trial = replace(trial, proposal=flight.proposal)
        if not flight.answer:
            if trial.failure == "refused":
                self.judge.refuse(trial.id, trial.arch, trial.measures)
            elif trial.status == "stopped":
                last = trial.stages[-1]
                self.judge.stop(trial.id, last.name, trial.measures, last.metrics, trial.score)
            if trial.measures:
                self.measured[trial.arch] = dict(trial.measures)
            self._settle(flight, trial)
        return flight, trial

    def _proceed(self, flight: Flight) -> None:
        """Launch the next job of a trial, or end it where its answer is known."""
        reason = self.judge.refused.get(flight.proposal.arch)
        if flight.answer:
            self._end(flight, flight.shared(flight.answer))
        elif reason:
            self._fail(flight, Failed("refused", reason))
        else:
            flight.tries += 1
            flight.future = self.executor.submit(run, self._job(flight))

    def _job(self, flight: Flight) -> Job:
        arch = flight.proposal.arch
        model = self.benchmark.space.model(arch)
        if flight.measures is None:
            return Job(self.task, model, measure=self.benchmark.measures)
        stage = flight.stage(self.benchmark.stages)
        draw = f'[{self.seed}, "fit/{stage.name}", {flight.id}]'
        if self.store is None:
            return Job(self.task, model, stage, draw)
        begin = Begin(flight.id) if flight.results else flight.begin
        settings = dict(space=self.space, arch=arch.as_dict(), store=self.store, keep=of_trial(flight.id))
        return Job(self.task, model, stage, draw, begin=begin, **settings)  # type: ignore[arg-type]

    def _advance(self, flight: Flight, ledger: Ledger, told: int) -> None:
        """Take the result of a job: launch the next one, or end the trial."""
        assert flight.future is not None
        try:
            outcome = flight.future.result()
        except BrokenProcessPool:
            outcome = Failed("lost", f"the worker process died {flight.tries} times (out of memory, or killed)")
        if isinstance(outcome, Failed):
            if outcome.kind == "lost" and flight.tries < TRIES:
                self._proceed(flight)
            else:
                self._fail(flight, outcome)
            return
        flight.tries = 0
        self._take(flight, outcome)
        if flight.id in self.flying:
            ledger.note({"event": "passed", "id": flight.id, "told": told, **asdict(outcome)})
            self._proceed(flight)

    def _take(self, flight: Flight, outcome: Outcome) -> None:
        """What a job has found goes behind a trial; it ends where it is done, stopped, refused or cannot be judged."""
        if flight.measures is None:
            flight.measures = self.measured[flight.proposal.arch] = outcome.metrics
            reason = self.judge.refuse(flight.id, flight.proposal.arch, outcome.metrics)
            if reason:
                self._fail(flight, Failed("refused", reason))
            return
        flight.add(
            StageResult(flight.stage(self.benchmark.stages).name, outcome.metrics, outcome.cost), outcome.inherited
        )
        try:
            reward, objectives = self.judge.score(flight.measures, outcome.metrics)
        except ValueError as error:
            self._end(flight, flight.ended("failed", failure="error", error=str(error)))
            return
        if flight.over:
            self._end(flight, flight.ended("done", reward, objectives))
        elif self.judge.stop(flight.id, flight.results[-1].name, flight.measures, outcome.metrics, reward):
            self._end(flight, flight.ended("stopped", reward, objectives))

    def _fail(self, flight: Flight, failed: Failed) -> None:
        if failed.cost != Cost():
            flight.add(StageResult(flight.stage(self.benchmark.stages).name, {}, failed.cost))
        self._end(flight, flight.ended("failed", failure=failed.kind, error=failed.error))

    def _end(self, flight: Flight, trial: Trial) -> None:
        """A trial has ended; its twins end with it, or one takes its place where the failure was only its own."""
        del self.flying[flight.id]
        self.ended.append((flight, trial))
        for twin in self._settle(flight, trial):
            self._proceed(twin)

    def _settle(self, flight: Flight, trial: Trial) -> list[Flight]:
        """Tell the twins of a trial that has ended; returns those that can go on."""
        if flight.answer:
            return []
        if trial.status != "failed":
            self.known[flight.identity] = trial
            for twin in flight.twins:
                twin.answer = trial
            return flight.twins
        del self.known[flight.identity]
        for heir in flight.twins[:1]:
            self.known[heir.identity], heir.twins = heir, flight.twins[1:]
        return flight.twins[:1]


def _first_done(flying: Sequence[Flight]) -> Flight:
    """Of the trials whose jobs are done, the first; waits for one."""
    for flight in flying:
        if flight.future and flight.future.done():
            return flight
    wait([flight.future for flight in flying if flight.future], return_when=FIRST_COMPLETED)
    return _first_done(flying)
