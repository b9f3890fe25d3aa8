"""The executor whose workers are those of a Ray cluster, on this machine or on many; the only module that imports Ray."""

from __future__ import annotations

import logging
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import ray
from ray import exceptions

from benchmarks.executors.process import cores, threads_or
from benchmarks.files import replacing
from benchmarks.running.job import Job
from benchmarks.running.store import Store

Files = Mapping[str, bytes]  # by their names in a store
LOST = (  # what Ray raises where no job is to blame
    exceptions.WorkerCrashedError,
    exceptions.NodeDiedError,
    exceptions.LocalRayletDiedError,
    exceptions.ObjectLostError,
    exceptions.OutOfMemoryError,  # of a node, which Ray meets by ending a worker
)


class RayExecutor(Executor):
    """Workers of the cluster that RAY_ADDRESS names, or else of one on this machine, which lasts as long as this executor.

    A job takes `cpus`, which are its threads, and `gpus` of one node; both may be fractions. Every node has this checkout and
    the data under the same paths. With `shared` it has the work folder as well, as a network's file system gives it; without,
    weights travel through Ray's object store, and each node makes caches of features for itself. When a worker or a node is
    lost, the futures of its jobs raise BrokenExecutor.
    """

    def __init__(self, max_workers: int = 2, cpus: float = 1, gpus: float = 0, shared: bool = True):
        if max_workers < 1 or not cpus > 0 or not gpus >= 0:
            given = f"{max_workers}, {cpus} and {gpus}"
            raise ValueError(f"Ray needs 1 worker or more, cpus above 0 and gpus of at least 0, not {given}")
        address = os.environ.get("RAY_ADDRESS", "local")
        own: dict[str, Any] = {"num_cpus": max(cores(), math.ceil(max_workers * cpus)), "include_dashboard": False}
        self.threads = threads_or(cpus)
        variables = {
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "OMP_NUM_THREADS": str(self.threads),
            "OMP_WAIT_POLICY": "PASSIVE",
        }
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            ray.init(address, runtime_env={"env_vars": variables}, **quiet, **(own if address == "local" else {}))
        except ConnectionError as error:
            raise ValueError(f"no Ray cluster answers at RAY_ADDRESS={address}: {error}") from None
        self.shared, self.calls = shared, WeakKeyDictionary[Future[Any], Any]()
        self.work = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(_work)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        job = args[0] if args and isinstance(args[0], Job) and not self.shared else None
        store = job and job.store
        handles = [job.keep, job.begin.handle] if job and job.begin else [job.keep] if job else []
        files = _read(store, chain(*(_beside(store, handle) for handle in handles if handle))) if store else None
        future: Future[Any] = Future()

        def tell(done: Future[Any]) -> None:
            try:
                outcome, left = done.result()
                if store:
                    _write(store, left)
                future.set_result(outcome)
            except LOST as error:
                future.set_exception(BrokenExecutor(str(error)))
            except exceptions.RayTaskError as error:
                future.set_exception(error.cause or error)
            except Exception as error:
                future.set_exception(error)

        call = self.work.remote(os.getcwd(), fn, args, kwargs, files)
        self.calls[future] = call
        call.future().add_done_callback(tell)
        return future

    def end(self, future: Future[Any]) -> None:
        ray.cancel(self.calls[future], force=True)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        ray.shutdown()


def _work(folder: str, fn: Callable[..., Any], args: Any, kwargs: Any, files: Files | None) -> tuple[Any, Files]:
    """What a worker does: its outcome and, where no folder is shared, the files that it has left."""
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)  # relative paths mean what they mean to the driver
    if files is None:
        return fn(*args, **kwargs), {}
    with tempfile.TemporaryDirectory() as root:
        store = Store(root)
        _write(store, files)
        outcome = fn(replace(args[0], store=store), *args[1:], **kwargs)
        return outcome, {
            name: content for name, content in _read(store, Path(root).rglob("*")).items() if files.get(name) != content
        }


def _beside(store: Store, handle: str) -> list[Path]:
    """Weights, and what an optimiser or a kill has left beside them under longer names."""
    path = Path(store.path(handle))
    return list(path.parent.glob(f"{path.name}*"))


def _read(store: Store, paths: Iterable[Path]) -> Files:
    return {path.relative_to(store.root).as_posix(): path.read_bytes() for path in paths if path.is_file()}


def _write(store: Store, files: Files) -> None:
    for name, content in files.items():
        with replacing(Path(store.path(name))) as part:
            part.write_bytes(content)
