"""Where jobs run, behind `concurrent.futures.Executor`: in this process, in a pool of them, on a cluster, on a virtual clock.

A worker that is lost makes the future of its job raise `concurrent.futures.BrokenExecutor`. `Ending` can end one that hangs.
"""

from __future__ import annotations

from concurrent.futures import Executor
from importlib import import_module
from typing import Any

from benchmarks.executors.ending import Ending
from benchmarks.executors.inline import InlineExecutor
from benchmarks.executors.process import ProcessExecutor, cores, threads_each
from benchmarks.executors.virtual import VirtualExecutor
from core import make

EXECUTORS = {
    "inline": "benchmarks.executors.inline.InlineExecutor",
    "process": "benchmarks.executors.process.ProcessExecutor",
    "virtual": "benchmarks.executors.virtual.VirtualExecutor",
    "ray": "benchmarks.executors.ray.RayExecutor",
    "slurm": "benchmarks.executors.slurm.SlurmExecutor",
}
PACKAGES = {"ray": "ray", "slurm": "submitit"}  # that are installed by those who want them
CLUSTERS = tuple(PACKAGES)  # whose workers may be on other machines


def open_executor(name: str, workers: int, **resources: Any) -> Executor:
    """The executor of a name, for so many jobs at a time, with its own settings.

    Raises ValueError where its package is not installed, or it does not take these.
    """
    module, _, cls = EXECUTORS[name].rpartition(".")
    try:
        found = getattr(import_module(module), cls)
    except ModuleNotFoundError:
        package = PACKAGES[name]
        raise ValueError(f"--executor {name} needs {package}: .venv/bin/pip install {package}") from None
    return make(found, {"max_workers": workers, **resources}, f"--executor {name}")


def trainers(device: str) -> int:
    """How many trainings are best run at a time: one a core, or one on a GPU."""
    return cores() if device == "cpu" else 1


def open_trainers(count: int) -> Executor:
    """Processes for so many trainings at a time, with a share of the cores each; this one for a single one."""
    return open_executor("inline" if count == 1 else "process", count)


__all__ = [
    "CLUSTERS",
    "EXECUTORS",
    "Ending",
    "InlineExecutor",
    "ProcessExecutor",
    "VirtualExecutor",
    "cores",
    "open_executor",
    "open_trainers",
    "threads_each",
    "trainers",
]
