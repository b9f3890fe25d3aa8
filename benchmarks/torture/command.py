"""`run_benchmark.py`, as somebody types it, in a process group of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.torture.fault import hold

ROOT = Path(__file__).resolve().parents[2]
TIMES = ("seconds", "latency_ms")


@dataclass(frozen=True)
class Done:
    """A command that has ended: its exit code, and what it said on stderr."""

    code: int
    said: str

    @property
    def last(self) -> str:
        return (self.said.strip().splitlines() or [""])[-1]


def start(
    *arguments: object, python: Sequence[str] = (), limit: Callable[[], object] = lambda: None
) -> subprocess.Popen[str]:
    """Begin the command; `limit` is called in its process first, `python` are options of the interpreter."""

    def begin() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # what a shell runs in the background ignores it
        limit()

    command = [sys.executable, *python, "tools/run_benchmark.py", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    how: dict[str, Any] = dict(stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
    return subprocess.Popen(command, cwd=ROOT, env=environment, preexec_fn=begin, start_new_session=True, **how)


def end(process: subprocess.Popen[str]) -> Done:
    """Wait for its end. Nobody has read what it said."""
    said = process.communicate()[1]
    hold("Traceback" not in said, f"a traceback: {said.strip().splitlines()[-1:]}")
    return Done(process.returncode, said)


def play(*arguments: object, **how: Any) -> Done:
    return end(start(*arguments, **how))


def finish(*arguments: object, **how: Any) -> Done:
    """Play the command, which is promised to succeed."""
    done = play(*arguments, **how)
    hold(done.code == 0, f"exit code {done.code}: {done.last}")
    return done


def kill(process: subprocess.Popen[str]) -> None:
    """`kill -9` of the whole process group, and of what has left it (a cluster's daemons)."""
    with suppress(psutil.NoSuchProcess):
        started = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGKILL)
        for child in started:
            with suppress(psutil.NoSuchProcess):
                child.kill()
    process.communicate()


def facts(run: Path) -> list[Any]:
    """A finished run's ledger and answers, without times."""
    study = json.loads((run / "study.json").read_text())
    return [*(_timeless(trial) for trial in trials(run)), _timeless(study["answers"])]


def trials(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]


def by_number(run: Path) -> list[Any]:
    """A run's trials in the order of their numbers, without times."""
    return sorted(map(_timeless, trials(run)), key=lambda trial: trial["id"])


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(one) for name, one in value.items() if name not in TIMES}
    return [_timeless(one) for one in value] if isinstance(value, list) else value
