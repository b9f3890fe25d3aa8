"""What a second worker gains: candidates an hour of several workers with a share of the cores each, and of one with all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from random import Random
from statistics import mean, median, stdev
from typing import Any

from benchmarks.benchmark import Benchmark
from benchmarks.executors import ProcessExecutor, threads_each
from benchmarks.running.job import Failed, Job, build_task, run
from tasks import Stage
from tasks.trainable import Trainable

SEVERAL, ONE, REFERENCE = "several", "one", "reference"


@dataclass(frozen=True)
class Trained:
    """A candidate's seconds, of the clock and of the processor, and its score."""

    wall: float
    cpu: float
    score: float


@dataclass(frozen=True)
class Round:
    """All candidates once: how many an hour, the processor's seconds of each, and their scores."""

    hourly: float
    cpu: float
    scores: tuple[float, ...]


def worker_gain(
    benchmark: Benchmark, task: str, candidates: int, workers: int = 2, repeat: int = 1
) -> list[dict[str, Any]]:
    """A row for `workers` processes, one process with all cores, and the way of the published codes, one with all cores, too.

    Each trains `candidates` random networks for the benchmark's first stage on the task `task`, a config as JSON that has been
    prepared, in `repeat` rounds of another seed each, in turns. Every worker has trained a network before, so that imports and
    data do not count. Given are medians of the rounds, the least and the most, and how many times as many "several" are. CPU
    seconds depend less on what else the machine does. `score` is the mean of the primary metric, and `seeds` how much a
    network's score differs from seed to seed (standard deviation). The published way is left out where `candidate.check`
    refuses it. Raises ValueError where the workers have too little to do, and RuntimeError where a network cannot be trained.
    """
    if workers < 2 or candidates < workers:
        raise ValueError(f"give two workers or more a candidate each, not {workers} and {candidates}")
    rng, space, stage = Random(0), json.dumps(benchmark.space_config), benchmark.stages[0]
    models = [benchmark.space.model(benchmark.space.sample(rng)) for _ in range(candidates)]
    jobs = [Job(task, space, model, None, stage, imports=benchmark.imports) for model in models]
    ways: dict[str, Callable[[Job], Trained]] = {SEVERAL: suite, ONE: suite}
    ways |= {REFERENCE: published} if comparable(task, stage) else {}
    with ExitStack() as stack:
        counts = {name: workers if name == SEVERAL else 1 for name in ways}
        pools = {
            name: stack.enter_context(ProcessExecutor(count, threads_each(count))) for name, count in counts.items()
        }
        for name, way in ways.items():
            for first in dict.fromkeys((suite, way)):  # the suite's jobs import what is the user's own
                played(pools[name], first, jobs[:1] * counts[name], counts[name])
        rounds: dict[str, list[Round]] = {name: [] for name in ways}
        for seed in range(repeat):
            for name, way in ways.items():
                seeded = [replace(job, seed=seed) for job in jobs]
                rounds[name].append(played(pools[name], way, seeded, counts[name]))
    return [row(name, counts[name], rounds[name], rounds[SEVERAL]) for name in ways]


def comparable(task: str, stage: Stage) -> bool:
    """Does the stage learn as the loops do that the suite is compared with?"""
    from benchmarks.speed.candidate import check

    built = build_task(task)
    if not (isinstance(built, Trainable) and built.by_steps):
        return False
    try:
        check(stage)
    except ValueError:
        return False
    return True


def row(name: str, count: int, rounds: Sequence[Round], first: Sequence[Round]) -> dict[str, Any]:
    hourly = [one.hourly for one in rounds]
    spreads = [stdev(scores) for scores in zip(*(one.scores for one in rounds), strict=True)] if len(rounds) > 1 else []
    return {
        "": name,
        "workers": count,
        "threads": threads_each(count),
        "candidates / h": median(hourly),
        "least": min(hourly),
        "most": max(hourly),
        f"{SEVERAL} / this": median(a.hourly / b.hourly for a, b in zip(first, rounds, strict=True)),
        "CPU s a candidate": median(one.cpu for one in rounds),
        "score": mean(score for one in rounds for score in one.scores),
        "seeds": (mean(spread**2 for spread in spreads) ** 0.5) if spreads else None,
    }


def played(pool: Executor, way: Callable[[Job], Trained], jobs: Sequence[Job], workers: int) -> Round:
    """Run jobs, one a worker at a time; of one worker what it does between them, its preparations, does not count."""
    started, done, left, flying = (
        time.perf_counter(),
        dict[int, Trained](),
        list(enumerate(jobs)),
        dict[Future[Trained], int](),
    )
    while left or flying:
        while left and len(flying) < workers:
            number, job = left.pop(0)
            flying[pool.submit(way, job)] = number
        for future in wait(flying, return_when=FIRST_COMPLETED).done:
            done[flying.pop(future)] = future.result()
    every = [done[number] for number in range(len(jobs))]
    wall = time.perf_counter() - started if workers > 1 else sum(one.wall for one in every)
    return Round(3600 * len(jobs) / wall, mean(one.cpu for one in every), tuple(one.score for one in every))


def suite(job: Job) -> Trained:
    started, spent = time.perf_counter(), time.process_time()
    outcome = run(job)
    if isinstance(outcome, Failed):
        raise RuntimeError(outcome.error)
    score = outcome.metrics[build_task(job.task).primary]
    return Trained(time.perf_counter() - started, time.process_time() - spent, score)


def published(job: Job) -> Trained:
    """The same in the way of the published codes, whose batches are computed once, before the clock starts."""
    from benchmarks.speed.candidate import channels_first, live, reference

    task, stage = build_task(job.task), job.stage
    assert isinstance(task, Trainable)
    assert isinstance(job.seed, int)
    steps = [
        [channels_first(batch) for batch in task.batches(stage, job.seed, epoch)]
        for epoch in range(stage.recipe.epochs)
    ]
    started, spent = time.perf_counter(), time.process_time()
    score = reference(task, stage, live(stage), job.model, steps, job.seed)[task.primary]
    return Trained(time.perf_counter() - started, time.process_time() - spent, score)
