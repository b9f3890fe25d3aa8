"""The executor whose workers live on a virtual clock: for tables, where a training takes no time but says how long it took."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class VirtualExecutor(Executor):
    """Runs a job at submission, and gives its outcome when `max_workers` of the kind would have, by the outcome's cost.

    `now` is the time in seconds. It goes on when `advance` is called, as whoever waits does, to the next job that is done: with
    the same jobs always in the same order.
    """

    def __init__(self, max_workers: int = 1):
        if max_workers < 1:
            raise ValueError(f"the virtual executor needs at least 1 worker, not {max_workers}")
        self.now, self._count = 0.0, 0
        self._free = [0.0] * max_workers  # when each worker is
        self._running: list[tuple[float, int, Future[Any], Any]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = _Future(self)
        try:
            outcome = fn(*args, **kwargs)
        except Exception as error:
            future.set_exception(error)
            return future
        done = max(self.now, heapq.heappop(self._free)) + outcome.cost.seconds
        heapq.heappush(self._free, done)
        heapq.heappush(self._running, (done, self._count, future, outcome))
        self._count += 1
        return future

    def advance(self) -> None:
        """Let the time go on to the end of the next job."""
        self.now, _, future, outcome = heapq.heappop(self._running)
        future.set_result(outcome)


class _Future(Future[Any]):
    """Whoever waits for its result lets the time go on."""

    def __init__(self, executor: VirtualExecutor):
        super().__init__()
        self.executor = executor

    def result(self, timeout: float | None = None) -> Any:
        while not self.done():
            self.executor.advance()
        return super().result(timeout)
