"""One strategy, one benchmark, one seed: evaluates, meters, records."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from benchmarks.benchmark import Benchmark
from benchmarks.job import Failed, Job, build_task, run
from benchmarks.ledger import Ledger
from search_spaces import Architecture, SearchSpace
from strategies import Proposal, StageResult, Status, Trial
from tasks import Cost, Outcome, Stage, Task


@dataclass
class Running:
    """A trial under way: its job in flight, and the results of the stages behind it."""

    id: int
    proposal: Proposal
    future: Future[Outcome | Failed]
    stages: tuple[StageResult, ...] = ()


class Study:
    """Plays the part of a study that strategies see (`strategies.Study`), on one ledger.

    A job is plain data and runs on `executor`; gates are asked here, as stages end. Everything random is
    drawn from (seed, trial id), so that with one worker a study that was killed goes on as
    if it had not been; with several, what was in flight at the kill may end in another order.
    """

    def __init__(self, benchmark: Benchmark, seed: int, folder: Path, task: str, executor: Executor, workers: int = 1):
        self.benchmark, self.seed, self.folder, self.task_config = benchmark, seed, folder, task
        self.executor, self.workers = executor, workers
        self.gate = benchmark.gate()
        self.ledger = Ledger(folder / "trials.jsonl")
        self.running: list[Running] = []
        self.ready: list[Trial] = []
        self.watch: Callable[[Study], None] = lambda study: None
        (folder / "weights").mkdir(exist_ok=True)
        known: set[str] = set()
        for trial in self.ledger.trials:
            if trial.arch.key not in known:  # a repeated architecture never met the gate
                self._replay(trial)
            known.add(trial.arch.key)

    # What a strategy sees.

    @property
    def space(self) -> SearchSpace:
        return self.benchmark.space

    @property
    def trials(self) -> list[Trial]:
        return self.ledger.trials

    def rng(self) -> Random:
        return self._rng("ask", self._next_id())

    def wants(self) -> bool:
        budget, pending = self.benchmark.budget, len(self.running) + len(self.ready)
        affordable = budget.images is None or self.cost.images < budget.images
        return len(self.trials) + pending < budget.trials and affordable and pending < self.workers

    def submit(self, proposal: Proposal) -> None:
        number = self._next_id()
        twin = self._first(proposal.arch.key)
        if twin is not None:
            stages = tuple(replace(stage, cost=Cost()) for stage in twin.stages)
            self.ready.append(replace(twin, id=number, proposal=proposal, stages=stages))
            return
        parent = None if proposal.parent is None else self._inherited(proposal.parent)
        self.running.append(Running(number, proposal, self._launch(number, proposal, 0, parent)))

    def collect(self) -> Trial | None:
        while not self.ready:
            if not self.running:
                return None
            finished, _ = wait([item.future for item in self.running], return_when=FIRST_COMPLETED)
            self._advance(min((item for item in self.running if item.future in finished), key=lambda item: item.id))
        trial = self.ready.pop(0)
        self.ledger.append(trial)
        self.watch(self)
        return trial

    @property
    def task(self) -> Task:
        return build_task(self.task_config)

    @property
    def stages(self) -> Sequence[Stage]:
        return self.benchmark.stages

    def record(self, arch: Architecture, metrics: dict[str, float], cost: Cost) -> None:
        result = StageResult(self.stages[0].name, metrics, cost)
        reward = self.benchmark.reward(metrics)
        self.ledger.append(Trial(self._next_id(), Proposal(arch), (result,), "done", reward))
        self.watch(self)

    # What a study does.

    @property
    def cost(self) -> Cost:
        """What the search has cost so far."""
        return sum((trial.cost for trial in self.trials), Cost())

    def close(self) -> None:
        self.ledger.close()

    def __enter__(self) -> Study:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _advance(self, item: Running) -> None:
        """Take the result of a stage: launch the next one, or make the trial ready."""
        stages = self.benchmark.stages
        try:
            outcome = item.future.result()
        except BrokenProcessPool:
            outcome = Failed("the worker process died (out of memory, or killed)")
        if isinstance(outcome, Failed):
            self._end(item, "failed", None, outcome.error)
            return
        item.stages += (StageResult(stages[len(item.stages)].name, outcome.metrics, outcome.cost),)
        reward = self.benchmark.reward(outcome.metrics)
        if len(item.stages) == len(stages):
            self._end(item, "done", reward)
        elif self.gate is not None and not self._admit(item.id, item.stages[-1].name, reward):
            self._end(item, "stopped", reward)
        else:
            item.future = self._launch(item.id, item.proposal, len(item.stages), self._weights(item.id))

    def _end(self, item: Running, status: Status, reward: float | None, error: str | None = None) -> None:
        self.running.remove(item)
        self.ready.append(Trial(item.id, item.proposal, item.stages, status, reward, error))

    def _admit(self, number: int, stage: str, reward: float) -> bool:
        assert self.gate is not None
        return self.gate.admit(stage, reward, self._rng(f"gate/{stage}", number))

    def _replay(self, trial: Trial) -> None:
        if self.gate is not None:
            for stage in trial.stages[: len(self.benchmark.stages) - 1]:
                self._admit(trial.id, stage.name, self.benchmark.reward(stage.metrics))

    def _launch(self, number: int, proposal: Proposal, place: int, init: Path | None) -> Future[Outcome | Failed]:
        stage, weights = self.benchmark.stages[place], self._weights(number)
        seed = self._rng(f"fit/{stage.name}", number).getrandbits(32)
        model = self.space.model(proposal.arch)
        job = Job(self.task_config, model, stage, seed, str(init) if init else None, str(weights))
        return self.executor.submit(run, job)

    def _first(self, key: str) -> Trial | None:
        """The trial in which an architecture was evaluated."""
        return next((trial for trial in self.trials if trial.arch.key == key), None)

    def _inherited(self, number: int) -> Path:
        """The weights of a finished trial; a repeated one has those of the first of its kind."""
        trial = next(trial for trial in self.trials if trial.id == number)
        return self._weights((self._first(trial.arch.key) or trial).id)

    def _weights(self, number: int) -> Path:
        return self.folder / "weights" / f"{number:05d}.pth"

    def _next_id(self) -> int:
        """The smallest id that no trial has; one is free in the middle where a trial was in flight at a kill."""
        taken = {item.id for item in (*self.trials, *self.running, *self.ready)}
        return next(number for number in range(len(taken) + 1) if number not in taken)

    def _rng(self, purpose: str, number: int) -> Random:
        return Random(json.dumps([self.seed, purpose, number]))
