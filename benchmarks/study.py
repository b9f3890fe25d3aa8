"""One strategy, one benchmark, one seed: evaluates, meters, records."""

from __future__ import annotations

import math
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from random import Random

from benchmarks.benchmark import SUPERNET, Benchmark
from benchmarks.flight import Flight
from benchmarks.flights import Flights
from benchmarks.job import Begin, build_task
from benchmarks.judge import Judge
from benchmarks.ledger import Ledger, proposed
from benchmarks.replay import Replay
from benchmarks.store import Shelf, Store, of_trial
from search_spaces import Architecture, SearchSpace
from strategies import Proposal, StageResult, Trial
from tasks import Cost, Stage, Task


class Study:
    """Plays the part of a study that strategies see (`strategies.Study`).

    A job is plain data and runs on `executor`; gates are asked here, as stages end. Everything random is drawn from (seed,
    trial id). Equal evaluations are made once, also those in flight. With a `folder` all is recorded there, and a study that
    was killed is played back up to where it stood, submits again exactly what was in flight, and goes on; without one it lives
    in memory. `cost`, `failed_cost`, `counts` and `best` are running figures.
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
    ):
        self.benchmark, self.seed, self.task_config = benchmark, seed, task
        self.executor, self.workers, self._folder = executor, workers, folder
        self.ledger = Ledger(folder, identity)
        self.store = Store(str(folder)) if folder else None
        self.trials: list[Trial] = []
        self.cost, self.failed_cost, self.counts, self.best = Cost(), Cost(), Counter[str](), -math.inf
        self.watch: Callable[[Study], None] = lambda study: None
        self._judge, self._shelf, self._replay = Judge(benchmark, self._rng), Shelf(self.store), Replay(self.ledger)
        self._flights = Flights(benchmark, seed, task, executor, self.store, self._judge, live=not self._replay)
        self._finished: dict[int, Trial] = {}
        self._next = 0
        self._mark: Cost | None = None

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
        return self._rng("ask", self._next)

    def wants(self) -> bool:
        if self._replay:
            return self._replay.wants(len(self.trials))
        self._go_live()
        budget, busy = self.benchmark.budget, len(self._flights)
        affordable = budget.images is None or self.cost.images < budget.images
        return self._next < budget.trials and affordable and busy < self.workers

    def submit(self, proposal: Proposal) -> int:
        flight = self._flight(proposal)
        if self._replay:
            self._replay.propose(flight.id, proposal)
        else:
            self._go_live()
            if self.ledger.durable:
                self.ledger.note(proposed(flight.id, len(self.trials), proposal))
        self._next += 1
        self._flights.enter(flight)
        return flight.id

    def collect(self) -> Trial | None:
        if self._replay:
            self._catch_up()
            recorded = self._replay.finished(self._flights.flying)
            return self._tell(*self._flights.land(recorded)) if recorded else None
        self._go_live()
        self._shelf.clear(self._flights.begun())
        ended = self._flights.next(self.ledger, len(self.trials))
        if ended is None:
            return None
        self.ledger.append(ended[1])
        return self._tell(*ended)

    def keep(self, trials: Collection[int]) -> None:
        self._shelf.keep(trials)

    def recall(self) -> Trial | None:
        trial = self._replay.recorded()
        if trial is None:
            return None
        self._next += 1
        arch = self.space.architecture(trial.arch.as_dict())
        return self._tell(None, replace(trial, proposal=Proposal(arch)))

    def spent(self) -> Cost:
        reading = self.task.meter.reading()
        assert self._mark is not None
        return reading - self._mark

    def record(self, arch: Architecture, metrics: Mapping[str, float], weights: Path | None = None) -> Trial:
        self._go_live()
        measures = self.task.measure(self.space.model(arch), names) if (names := self.benchmark.measures) else {}
        reward, objectives = self._judge.score(measures, metrics)
        result = StageResult(SUPERNET, dict(metrics), self.spent())
        self._mark = self.task.meter.reading()
        trial = Trial(self._next, Proposal(arch), (result,), "done", reward, objectives=objectives, measures=measures)
        self._next += 1
        if weights is not None and self.store:
            shutil.copyfile(weights, self.store.path(of_trial(trial.id)))
        self.ledger.append(trial)
        return self._tell(None, trial)

    def close(self) -> None:
        self.ledger.close()

    def __enter__(self) -> Study:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # How a trial flies.

    def _flight(self, proposal: Proposal) -> Flight:
        """The next trial, of a proposal. Raises ValueError where it cannot be evaluated."""
        number, first, begin = self._next, 0, None
        if proposal.parent is not None:
            parent = self._finished.get(proposal.parent)
            if parent is None:
                raise ValueError(f"the parent {proposal.parent} of trial {number} is no finished trial of this study")
            if self._flights.live and not self._shelf.has(parent.id):
                raise ValueError(f"trial {parent.id} left no weights for trial {number}: keep them before")
            first = parent.depth if proposal.onward else 0
            begin = self._begin(proposal, parent)
        left = len(self.stages) - first
        asked = left if proposal.stages is None else proposal.stages
        if not 0 <= asked <= left or (proposal.onward and (asked == 0 or begin is None)):
            raise ValueError(f"trial {number} asks for {proposal.stages} more stages, of {left} that are left")
        return Flight(number, proposal, first, first + asked, begin)

    def _begin(self, proposal: Proposal, parent: Trial) -> Begin:
        """Whose weights a proposal starts from, and by which rule."""
        owner = self._shelf.owner(parent.id)
        if proposal.onward:
            return Begin(owner)
        if parent.stages and parent.stages[-1].name == SUPERNET:
            return Begin(owner, "derive")
        return Begin(owner, "inherit", parent.arch.as_dict())

    def _tell(self, flight: Flight | None, trial: Trial) -> Trial:
        """Count a trial that has ended."""
        answer = flight.answer if flight else None
        self._shelf.add(trial.id, answer.id if answer else None)
        self._finished[trial.id] = trial
        self.trials.append(trial)
        cost = trial.cost
        self.cost += cost
        self.counts[trial.status] += 1
        self.counts["duplicate"] += answer is not None
        if trial.status == "failed":
            self.failed_cost += cost
        if trial.reward is not None and trial.reward > self.best:
            self.best = trial.reward
        self.watch(self)
        return trial

    def _go_live(self) -> None:
        """Once the record is at its end: launch what was in flight when it broke off."""
        if not self._flights.live:
            self._catch_up()
            self._flights.take_off()

    def _catch_up(self) -> None:
        for event in self._replay.behind(len(self.trials), self._flights.flying):
            self._flights.replay(event)

    def _rng(self, purpose: str, number: int) -> Random:
        return Random(f'[{self.seed}, "{purpose}", {number}]')
