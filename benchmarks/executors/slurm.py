"""The executor whose jobs are jobs of a SLURM cluster; the only module that imports submitit."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import partial
from typing import Any

import submitit
from submitit.core.utils import FailedSubmissionError, UncompletedJobError

from benchmarks.executors.process import threads_or

EVERY = 2.0  # seconds between two looks at what SLURM has done


class SlurmExecutor(Executor):
    """Submits each job to SLURM: `cpus`, which are its threads, `gpus`, `memory` in GB, `minutes`, a partition, an account.

    What is not given is the cluster's default. All nodes have this checkout, the data and the work folder under the same paths;
    submitit keeps its files in `folder`. When SLURM ends a job, by its time or with its node, the future of the job raises
    BrokenExecutor. `cluster` "local" plays SLURM on this machine.
    """

    def __init__(
        self,
        max_workers: int = 2,
        cpus: int = 1,
        gpus: int = 0,
        minutes: int = 240,
        memory: float | None = None,
        partition: str | None = None,
        account: str | None = None,
        folder: str = "runs/slurm",
        cluster: str = "slurm",
    ):
        if cluster == "slurm" and shutil.which("sbatch") is None:
            raise ValueError("--executor slurm submits jobs with sbatch, which is not on this machine")
        if min(max_workers, cpus, minutes) < 1 or gpus < 0:
            given = f"{max_workers}, {cpus}, {minutes} and {gpus}"
            raise ValueError(f"SLURM needs 1 worker, cpu and minute or more, and gpus of at least 0, not {given}")
        self.jobs = submitit.AutoExecutor(folder, cluster)
        own = {"mem_gb": memory, "slurm_partition": partition, "slurm_account": account}
        given = {name: value for name, value in own.items() if value is not None}
        self.jobs.update_parameters(cpus_per_task=cpus, gpus_per_node=gpus, timeout_min=minutes, **given)
        self.threads = threads_or(cpus)
        self.variables = {"OMP_NUM_THREADS": str(self.threads), "OMP_WAIT_POLICY": "PASSIVE"}
        self.flying: dict[Future[Any], submitit.Job[Any]] = {}
        self.ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        work = partial(_work, os.getcwd(), sys.path, self.variables)
        try:
            self.flying[future] = self.jobs.submit(work, fn, args, kwargs)
        except FailedSubmissionError as error:
            future.set_exception(OSError(f"SLURM takes no job: {error}"))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.ended.set()
        for job in list(self.flying.values()):  # the thread that watches may take one out
            job.cancel()

    def _watch(self) -> None:
        while not self.ended.wait(EVERY):
            for future, job in [(future, job) for future, job in list(self.flying.items()) if job.done()]:
                del self.flying[future]
                try:
                    outcome, error = job.result()
                except UncompletedJobError as lost:
                    future.set_exception(BrokenExecutor(str(lost)))
                except Exception as unpacked:
                    future.set_exception(unpacked)
                else:
                    future.set_exception(error) if error else future.set_result(outcome)


def _work(folder: str, path: list[str], variables: dict[str, str], fn: Any, args: Any, kwargs: Any) -> Any:
    """What a SLURM job does: its outcome, or the exception, which submitit would make a text of."""
    os.environ.update(variables)  # before torch is imported
    os.chdir(folder)
    sys.path += [place for place in path if place not in sys.path]
    try:
        return fn(*args, **kwargs), None
    except Exception as error:
        return None, error
