"""What the machine does to a run: no memory, no disk, signals."""

from __future__ import annotations

import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.torture.candidates import TOO_MUCH
from benchmarks.torture.command import facts, finish, play, start
from benchmarks.torture.failing import RUN, command, sound
from benchmarks.torture.fault import Settings, hold

SMALL, ROOMY = 24 << 10, 16 << 20  # bytes of a disk, and of one after it was enlarged
MOMENTS = (
    "command_line",
    "mmengine.config",
    "random_search seed0",
)  # two modules that are imported, and a run that goes on


def limited(which: int, size: int) -> Callable[[], object]:
    return partial(resource.setrlimit, which, (size, size))


def memory(settings: Settings) -> str:
    work = settings.room("memory")
    return _ended_and_gone_on(settings, work, "Hungry", limited(resource.RLIMIT_AS, TOO_MUCH))


def disk(settings: Settings) -> str:
    """A disk of a few kB where this user may mount one, else a limit on the size of files."""
    work = settings.room("disk")
    with small_disk(work) as enlarge:
        if enlarge is None:
            limit = limited(resource.RLIMIT_FSIZE, SMALL // 8)
            return "RLIMIT_FSIZE: " + _ended_and_gone_on(settings, work, "Sound", limit)
        return "a tmpfs: " + _ended_and_gone_on(settings, work, "Sound", between=enlarge)


def _ended_and_gone_on(
    settings: Settings,
    work: Path,
    task: str,
    limit: Callable[[], object] = lambda: None,
    between: Callable[[], object] = lambda: None,
) -> str:
    undisturbed, _ = sound(settings)
    done = play(*command(work, task), limit=limit)
    hold(done.code == 1, f"exit code {done.code}: {done.last}")
    hold(done.last.startswith("failed: "), f"it said {done.last!r}")
    between()
    finish(*command(work, task))
    hold(facts(work / RUN) == facts(undisturbed), "started again, it came to something else")
    return done.last


@contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[], object] | None]:
    """A disk of a few kB on a folder, and what enlarges it; None where this user may mount none."""
    options = ["mount", "-t", "tmpfs", "-o"]
    if subprocess.run([*options, f"size={SMALL}", "tmpfs", folder], capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield lambda: subprocess.run([*options, f"remount,size={ROOMY}", "tmpfs", folder], check=True)
    finally:
        subprocess.run(["umount", folder], check=True)


def signals(settings: Settings) -> str:
    for moment in MOMENTS:
        for number in (signal.SIGINT, signal.SIGTERM):
            signalled(settings.room("signals"), number, moment)
    return f"{2 * len(MOMENTS)} signals: while modules are imported and while a run goes on"


def signalled(work: Path, number: signal.Signals, moment: str) -> None:
    """A signal as soon as the process says that it has imported a module, or that it plays."""
    long = ("--cfg-options", "benchmark.budget.trials=1000000", "benchmark.budget.images=None")
    asked = ("toy", "--strategy", "random_search", "--seed", 0, "--work-dir", work, *long)
    with start(*asked, python=("-X", "importtime")) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if moment in line.rpartition("|")[2] or (moment in line and "import time" not in line):
                break
        process.send_signal(number)
        rest = process.stderr.read()
    word = "interrupted" if number == signal.SIGINT else "terminated"
    said = [line for line in rest.splitlines() if "the same command goes on from here" in line]
    hold(process.returncode == 128 + number, f"{number.name} at {moment}: exit code {process.returncode}")
    hold(said == [f"{word}: the same command goes on from here"], f"{number.name} at {moment}: it said {said}")
    hold("Traceback" not in rest, f"{number.name} at {moment}: a traceback")
