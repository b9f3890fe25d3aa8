"""A job on several devices: a process for each, which train one network together."""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.executors.process import begin, context, threads_each
from benchmarks.running.job import Failed, Job, MachineError, run
from tasks import Outcome, Stage
from tasks.trainable import Trainable


def check(task: Any, stage: Stage, devices: int) -> None:
    """Raise ValueError where `devices` processes cannot train in a stage."""
    if devices == 1:
        return
    import torch

    if devices < 1:
        raise ValueError(f"--devices must be at least 1, not {devices}")
    if "cuda" in task.device and devices > (there := torch.cuda.device_count()):
        raise ValueError(f"--devices {devices}: this torch sees {there}, give no more")
    if not isinstance(task, Trainable):
        raise ValueError(f"{type(task).__name__} trains nothing: leave --devices out")
    smallest = min(map(len, task.samples(stage).batches(0, 0)))
    if stage.recipe.epochs and smallest < devices:
        few = f"stage {stage.name!r} has a batch of {smallest}, of which {devices} devices cannot take a share each"
        raise ValueError(f"{few}: give fewer --devices, or another benchmark.final.recipe.batch")


def run_together(job: Job, devices: int) -> Outcome | Failed:
    """Run a job on `devices` devices; what goes wrong in one process ends all, and is the result.

    Raises MachineError as `run` does.
    """
    with TemporaryDirectory() as folder:
        told = (devices, folder, threads_each(devices), dict(os.environ))
        processes = [context().Process(target=_rank, args=(job, rank, *told)) for rank in range(devices)]
        # A process that starts takes over what is blocked: an interrupt from the keyboard is the parent's to hear.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            for process in processes:
                process.start()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            alive = processes
            while alive and not any(process.exitcode for process in processes):
                wait([process.sentinel for process in alive])
                alive = [process for process in alive if process.exitcode is None]
            codes = [process.exitcode or 0 for process in processes]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            for process in processes:
                if process.pid is not None:
                    process.kill()
                    process.join()
        return _result(codes, Path(folder))


def _result(codes: list[int], folder: Path) -> Outcome | Failed:
    """What came of it, of the processes' exit codes and what they have written down.

    Where one fails, it no longer answers the others, which fail as well: the cause is one that was killed, else the first.
    """
    killed = [(rank, -code) for rank, code in enumerate(codes) if code < 0]
    if killed:
        rank, number = killed[0]
        return Failed("lost", f"process {rank} of {len(codes)} was ended by {signal.Signals(number).name}")
    if not any(codes):
        return pickle.loads((folder / "0.told").read_bytes())
    for path in sorted(folder.glob("*.told"), key=lambda path: path.stat().st_mtime_ns):
        told = pickle.loads(path.read_bytes())
        if isinstance(told, MachineError):
            raise told
        if isinstance(told, Failed):
            return told
    rank, code = next((rank, code) for rank, code in enumerate(codes) if code)
    return Failed("error", f"process {rank} of {len(codes)} left with exit code {code}")


def _rank(job: Job, rank: int, devices: int, folder: str, threads: int, environment: Mapping[str, str]) -> None:
    """What a process does: all of the job, but for what is the first one's alone (`tasks/parallel.py`)."""
    begin(threads, environment)
    os.environ["TORCH_CPP_LOG_LEVEL"] = "ERROR"  # it would warn of a search for unused weights that finds none
    import torch

    task = json.loads(job.task)
    if "cuda" in task["device"]:
        torch.cuda.set_device(rank)
        task["device"] = f"cuda:{rank}"
    try:
        torch.distributed.init_process_group(init_method=f"file://{folder}/meet", rank=rank, world_size=devices)
        told = run(replace(job, task=json.dumps(task)))
    except MachineError as error:
        told = error
    except Exception as error:  # of what a job does before it begins
        told = Failed("error", f"{type(error).__name__}: {error}")
    part = Path(folder, f"{rank}.part")
    part.write_bytes(pickle.dumps(told))
    part.rename(part.with_suffix(".told"))
    sys.exit(not isinstance(told, Outcome))
