"""How long a network takes for an image, where it is used."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS, WARM = 5, 3
SECONDS = 0.3  # of a round
PAUSE = 0.1  # between rounds, in which a processor cools down


@dataclass(frozen=True)
class Latency:
    """Milliseconds of a call: the median of all, the 25th and 75th percentile, and the median of each round.

    `throttled` says how much slower the last rounds were than the first ones; far above 1, the machine was hot or busy.
    """

    median: float
    low: float
    high: float
    calls: int
    threads: int
    throttled: float


def latency(call: Callable[[], object], threads: int) -> Latency:
    """After a warm-up, rounds of calls with pauses between them."""
    for _ in range(WARM):
        call()
    rounds: list[list[float]] = []
    for _ in range(ROUNDS):
        time.sleep(PAUSE)
        end, times = time.perf_counter() + SECONDS, []
        while not times or time.perf_counter() < end:
            start = time.perf_counter()
            call()
            times.append(1000 * (time.perf_counter() - start))
        rounds.append(times)
    every = sorted(one for times in rounds for one in times)
    quarters = statistics.quantiles(every, n=4, method="inclusive") if len(every) > 1 else every * 3
    medians = [statistics.median(times) for times in rounds]
    return Latency(quarters[1], quarters[0], quarters[2], len(every), threads, medians[-1] / medians[0])


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
