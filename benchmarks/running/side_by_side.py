"""Runs played at the same time, each in a process of its own, on this machine or on a cluster."""

from __future__ import annotations

import json
import multiprocessing
import socket
import traceback
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from benchmarks.catalogue import VIS_BACKENDS
from benchmarks.executors import ProcessExecutor
from benchmarks.ledger import DivergedError
from benchmarks.run import Run
from benchmarks.running.flights import TRIES
from benchmarks.running.job import machines_fault


@dataclass(frozen=True)
class Ended:
    """How a run came to its end: with exit code 0, or, and then why, 1 (it failed) or 2 (it was refused).

    `machine`: the machine is to blame, and so other runs would fail as well. `unprepared`: refused before it began.
    """

    code: int = 0
    why: str = ""
    machine: bool = False
    unprepared: bool = False


def ended(one: Run, play: Callable[[], object]) -> Ended:
    """Play a run; what goes wrong is its own end, and not that of others."""
    try:
        play()
    except DivergedError as error:
        return Ended(2, f"{one.folder}: {error}")
    except ValueError as error:
        return Ended(2, str(error)) if str(error) else _failed(error)
    except (Exception, SystemExit) as error:
        return _failed(error)
    return Ended()


def _failed(error: BaseException) -> Ended:
    told = isinstance(error, RuntimeError | ArithmeticError | OSError) and str(error)
    if told or isinstance(error, MemoryError):
        return Ended(1, str(error) or "out of memory", machines_fault(error))
    traceback.print_exception(error)  # a strategy of somebody's own, who wants to know where
    return Ended(1, f"{type(error).__name__}: {error}: the same command goes on once that is mended")


def side_by_side(
    runs: Sequence[Run],
    jobs: int,
    threads: int,
    begins: Callable[[Run], object],
    cluster: Executor | None = None,
) -> Iterator[tuple[Run, Ended]]:
    """Play runs, `jobs` at a time with so many threads each, and give each with its end as that comes.

    Nothing depends on `jobs` but the order. Another run begins only where there is memory for it; one that is refused beside
    others, which may have taken the memory that it needs, is played alone in the end. After a fault of the machine no run
    begins any more, and those that have not begun are not given.

    The workers of a `cluster`, which have threads and memory of their own, write into the runs' folders as processes of this
    machine do. A run whose worker is lost goes on from its record on another one, three times at most.
    """
    waiting, alone, flying = deque(runs), deque[Run](), dict[Future[Ended], Run]()
    refused, tries = list[Run](), Counter[Run]()
    with nullcontext(cluster) if cluster else ProcessExecutor(jobs, threads) as executor:

        def begin(one: Run) -> None:
            begins(one)
            tries[one] += 1
            device = json.loads(one.final_task)["device"]
            config = {**one.dump, VIS_BACKENDS: one.vis_backends}
            how = device, one.devices, one.threads, _mark(one.folder) if cluster else None
            flying[executor.submit(_play, config, one.name, one.seed, one.folder.parents[2], *how)] = one

        while waiting or alone or flying:
            while waiting and len(flying) < jobs and (not flying or cluster or room()):
                begin(waiting.popleft())
            if not flying:
                begin(alone.popleft())
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                one = flying.pop(future)
                if cluster and isinstance(future.exception(), BrokenExecutor) and tries[one] < TRIES:
                    waiting.append(one)
                    continue
                end = _end(future)
                if end.unprepared and one not in refused:
                    refused.append(one)
                    alone.append(one)
                    continue
                if end.machine:
                    waiting.clear()
                    alone.clear()
                yield one, end


def _end(future: Future[Ended]) -> Ended:
    try:
        return future.result()
    except BrokenExecutor:
        return Ended(1, "its process has died (killed, for want of memory perhaps): the same command goes on")


def _mark(folder: Path) -> Path:
    """A file in a run's folder by which a worker knows it again; one that is left is removed when the run is opened."""
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / f"{uuid.uuid4().hex}.part"
    mark.touch()
    return mark


def _play(
    config: Mapping[str, Any],
    name: str,
    seed: int,
    work_dir: Path,
    device: str,
    devices: int,
    threads: int | None,
    mark: Path | None = None,
) -> Ended:
    """Play a run in this process, which others know from its record, where its folder has the `mark`."""
    if mark is not None:
        try:
            mark.unlink()
        except FileNotFoundError:
            where = f"{mark.parent} on {socket.gethostname()} is another folder than the command's"
            return Ended(2, f"{where}: runs on a cluster want a --work-dir that all nodes share")
    try:
        one = Run(config, name, seed, work_dir, device, devices)
        one.threads = threads
        shared = one.prepare()
    except ValueError as error:
        return Ended(2, str(error), unprepared=True)
    except Exception as error:
        return _failed(error)
    return ended(one, partial(one.play, shared))


def room() -> bool:
    """Is there memory for one more run?

    A run is taken to need as much as the largest process has that takes part, this one included, which has prepared them
    all; those that have begun may not have taken theirs yet.
    """
    from strategies.supernet.free_memory import free_memory  # imports torch

    sizes = []
    for child in multiprocessing.active_children():
        with suppress(psutil.NoSuchProcess):
            sizes.append(psutil.Process(child.pid).memory_info().rss)
    largest = max([psutil.Process().memory_info().rss, *sizes])
    return free_memory("cpu") - sum(largest - size for size in sizes) >= largest
