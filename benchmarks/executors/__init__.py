"""Where jobs run. `concurrent.futures.Executor` is the interface: in this process, in a pool of them, on a virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

from benchmarks.executors.inline import InlineExecutor
from benchmarks.executors.process import ProcessExecutor, cores, threads_each
from benchmarks.executors.virtual import VirtualExecutor

EXECUTORS: dict[str, Callable[[int], Executor]] = {
    "inline": InlineExecutor,
    "process": ProcessExecutor,
    "virtual": VirtualExecutor,
}

__all__ = ["EXECUTORS", "InlineExecutor", "ProcessExecutor", "VirtualExecutor", "cores", "threads_each"]
