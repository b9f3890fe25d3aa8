"""The executor that runs jobs in processes of their own and survives the death of one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Any


def _start(workers: int) -> None:
    """What a worker does first: take its share of the cores, and end when its parent has ended, however that died."""
    # Both are read when torch is first imported.
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // workers))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait leave the core to others
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


class ProcessExecutor(Executor):
    """Fresh (spawned) processes, each with its share of the cores and one job at a time.

    When one dies, the future of its job raises `BrokenProcessPool`, no other is touched, and a new process takes its place.
    """

    def __init__(self, max_workers: int = 2):
        if not 1 <= max_workers <= 1024:
            raise ValueError(f"the process executor needs 1 to 1024 workers, not {max_workers}")
        self.pools = [self._pool(max_workers) for _ in range(max_workers)]
        self.futures: list[Future[Any] | None] = [None] * max_workers

    def _pool(self, workers: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_start, initargs=(workers,))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        idle = [place for place, future in enumerate(self.futures) if future is None or future.done()]
        place = idle[0] if idle else 0  # with more jobs than workers, a pool queues them
        # A process that starts takes over what is blocked: an interrupt from the keyboard is the parent's to hear.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            future = self.pools[place].submit(fn, *args, **kwargs)
        except BrokenProcessPool:
            self.pools[place] = self._pool(len(self.pools))
            future = self.pools[place].submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self.futures[place] = future
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for pool in self.pools:
            pool.shutdown(wait, cancel_futures=cancel_futures)
