"""The executor that runs jobs in processes of their own and survives the death of one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from threadpoolctl import threadpool_limits

from core import end_with_parent

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

SLOW_TO_IMPORT = ("torch", "mmengine.model", "mmseg.models", "mmdet.models")  # some six seconds together


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_or(share: float) -> int:
    """Threads of a process: what the user's OMP_NUM_THREADS says, or else so many, at least one."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() and int(given) else max(1, int(share))


def threads_each(processes: int) -> int:
    """The same for each of so many processes, which share the cores."""
    return threads_or(cores() // processes)


def context() -> ForkServerContext | SpawnContext:
    """How processes of their own begin: forked from a server without threads or a GPU, which imports libraries once.

    These are the slow ones that this process has by the first time. What is ours each process imports itself, from where this
    one does. Spawned where the system has no such server.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    multiprocessing.set_forkserver_preload([name for name in SLOW_TO_IMPORT if name in sys.modules])
    return multiprocessing.get_context("forkserver")


def begin(threads: int, environment: Mapping[str, str]) -> None:
    """What such a process does first: take its share of the cores, and end when its parent has ended, however that died."""
    os.environ.clear()  # the server's, which may be of long ago
    os.environ.update(environment)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait leave the core to others
    os.environ["OMP_NUM_THREADS"] = str(threads)  # which is read when torch is first imported, if it is not yet
    threadpool_limits(threads)
    end_with_parent()


class ProcessExecutor(Executor):
    """Fresh processes, each with one job at a time and with `threads`, or else its share of the cores.

    More jobs wait, each at the process where the fewest do. When one dies, the futures of its jobs raise `BrokenProcessPool`,
    no other is touched, and a new process takes its place. Left by an exception, it ends what they do.
    """

    def __init__(self, max_workers: int = 2, threads: int | None = None):
        if not 1 <= max_workers <= 1024:
            raise ValueError(f"the process executor needs 1 to 1024 workers, not {max_workers}")
        self.threads = threads or threads_each(max_workers)
        self.pools = [self._pool() for _ in range(max_workers)]
        self.futures: list[list[Future[Any]]] = [[] for _ in self.pools]  # what each has not done
        self.places = WeakKeyDictionary[Future[Any], int]()
        self.numbers: list[Future[int] | None] = [None] * max_workers  # of the processes, once they have begun

    def _pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, context(), initializer=begin, initargs=(self.threads, dict(os.environ)))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.futures = [[future for future in own if not future.done()] for own in self.futures]
        place = min(range(len(self.pools)), key=lambda place: len(self.futures[place]))
        # A process that starts takes over what is blocked: an interrupt from the keyboard is the parent's to hear.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            future = self._begin(place, fn, *args, **kwargs)
        except BrokenProcessPool:
            self.pools[place], self.numbers[place] = self._pool(), None
            future = self._begin(place, fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self.futures[place].append(future)
        self.places[future] = place
        return future

    def _begin(self, place: int, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.numbers[place] = self.numbers[place] or self.pools[place].submit(os.getpid)
        return self.pools[place].submit(fn, *args, **kwargs)

    def end(self, future: Future[Any]) -> None:
        number = self.numbers[self.places[future]]
        assert number is not None
        with suppress(ProcessLookupError, BrokenProcessPool):
            os.kill(number.result(), signal.SIGKILL)
        wait([future])

    def __exit__(self, kind: object, *error: object) -> None:
        for future in chain(*self.futures) if kind is not None else ():
            if not future.done():
                self.end(future)
        self.shutdown()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for pool in self.pools:
            pool.shutdown(wait, cancel_futures=cancel_futures)
