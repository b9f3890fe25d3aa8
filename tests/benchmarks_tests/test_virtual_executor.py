"""Workers on a virtual clock."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import run_configs
from benchmarks.executors import VirtualExecutor
from benchmarks.study import Study
from core import build
from strategies import STRATEGIES
from tasks import Cost, Outcome


def job(name: float, seconds: float) -> Outcome:
    return Outcome({"name": name}, Cost(seconds=seconds))


def test_jobs_end_in_the_order_of_their_times_and_wait_for_a_worker() -> None:
    executor = VirtualExecutor(2)
    futures = [executor.submit(job, number, seconds) for number, seconds in enumerate([5.0, 1.0, 2.0, 9.0])]
    ends = []
    while not all(future.done() for future in futures):
        before = [future.done() for future in futures]
        executor.advance()
        (ended,) = [number for number, future in enumerate(futures) if future.done() and not before[number]]
        ends.append((ended, executor.now))
    assert ends == [
        (1, 1.0),
        (2, 3.0),
        (0, 5.0),
        (3, 12.0),
    ]  # the third began after the second, the last after the third


def test_who_waits_for_a_result_lets_the_time_go_on() -> None:
    executor = VirtualExecutor(1)
    _, second = executor.submit(job, 0, 3.0), executor.submit(job, 1, 4.0)
    assert second.result().metrics == {"name": 1}
    assert executor.now == 7.0


def test_a_worker_is_needed_and_errors_are_told() -> None:
    with pytest.raises(ValueError, match="at least 1 worker"):
        VirtualExecutor(0)
    with pytest.raises(ZeroDivisionError):
        VirtualExecutor().submit(lambda: 1 / 0).result()


def play(workers: int, seed: int = 0) -> tuple[list[Any], float]:
    ((_, config),) = run_configs("nas-bench-macro-v1", ["regularized_evolution"])
    benchmark, executor = Benchmark(config["benchmark"]), VirtualExecutor(workers)
    text = json.dumps({**benchmark.proxy, "cache": "", "device": "cpu"})
    with Study(benchmark, seed, text, executor, workers) as study:
        build(STRATEGIES, config["strategy"]).search(study)
    return study.trials, executor.now


def test_workers_share_the_time_and_play_the_same_again() -> None:
    alone, hours = play(1)
    several, fewer = play(4)
    assert hours == pytest.approx(sum(trial.cost.seconds for trial in alone))
    assert fewer <= hours / 3
    assert [trial.arch for trial in several] == [trial.arch for trial in play(4)[0]]
    assert len(alone) == len(several) == 100
