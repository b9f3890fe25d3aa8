"""What a second worker gains: candidates an hour of several workers with a share of the cores each, and of one with all."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from random import Random
from typing import Any

from benchmarks.benchmark import Benchmark
from benchmarks.executors import ProcessExecutor, threads_each
from benchmarks.running.job import Failed, Job, run


def worker_gain(benchmark: Benchmark, task: str, candidates: int, workers: int = 2) -> list[dict[str, Any]]:
    """A row for one process with all cores, one for `workers` processes, and their ratio.

    Each trains `candidates` random networks for the benchmark's first stage on the task `task`, a config as JSON that has been
    prepared. Every worker has trained a network before, so that imports and data do not count. CPU seconds are told as well:
    they depend less on what else the machine does. Raises ValueError where the workers have too little to do, and RuntimeError
    where a network cannot be trained.
    """
    if workers < 2 or candidates < workers:
        raise ValueError(f"give two workers or more a candidate each, not {workers} and {candidates}")
    rows = [_row(benchmark, task, candidates, count) for count in (1, workers)]
    ratio = {key: rows[1][key] / rows[0][key] for key in rows[0]}
    return [{"": name, **row} for name, row in zip(("one", "several", "ratio"), (*rows, ratio), strict=True)]


def _row(benchmark: Benchmark, task: str, candidates: int, workers: int) -> dict[str, float]:
    rng, space = Random(0), json.dumps(benchmark.space_config)
    models = [benchmark.space.model(benchmark.space.sample(rng)) for _ in range(candidates)]
    jobs = [Job(task, space, model, None, benchmark.stages[0], imports=benchmark.imports) for model in models]
    threads = threads_each(workers)
    with ProcessExecutor(workers, threads) as pool:
        _seconds(pool, jobs[:1] * workers, workers)
        started = time.perf_counter()
        spent = _seconds(pool, jobs, workers)
        wall = time.perf_counter() - started
    return {
        "workers": workers,
        "threads": threads,
        "candidates / h": 3600 * candidates / wall,
        "CPU s a candidate": spent / candidates,
    }


def _seconds(pool: Executor, jobs: Sequence[Job], workers: int) -> float:
    """Run jobs, one a worker at a time; the CPU seconds of all."""
    total, left, flying = 0.0, list(jobs), set[Future[float]]()
    while left or flying:
        while left and len(flying) < workers:
            flying.add(pool.submit(_cpu_seconds, left.pop(0)))
        done, flying = wait(flying, return_when=FIRST_COMPLETED)
        total += sum(future.result() for future in done)
    return total


def _cpu_seconds(job: Job) -> float:
    started = time.process_time()
    outcome = run(job)
    if isinstance(outcome, Failed):
        raise RuntimeError(outcome.error)
    return time.process_time() - started
