"""Where jobs run. `concurrent.futures.Executor` is the interface: inline in this process, or a pool of processes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

from benchmarks.executors.inline import InlineExecutor
from benchmarks.executors.process import ProcessExecutor, cores, threads_each

EXECUTORS: dict[str, Callable[[int], Executor]] = {"inline": InlineExecutor, "process": ProcessExecutor}

__all__ = ["EXECUTORS", "InlineExecutor", "ProcessExecutor", "cores", "threads_each"]
