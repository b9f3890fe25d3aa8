"""`kill -9` at random moments: of the whole process group, and of single workers."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import psutil

from benchmarks.torture.command import by_number, end, facts, finish, kill, start
from benchmarks.torture.fault import Settings, hold

STRATEGIES = ("random_search", "regularized_evolution", "ppo", "darts")  # the last one by gradients
TRIALS = 60


def command(work: Path, strategy: str = "random_search") -> list[object]:
    """A run of toy trials that take a moment each; `work` is its folder."""
    (work / "pids").mkdir(parents=True, exist_ok=True)
    slow = ["task.type=benchmarks.torture.candidates.Slow", f"task.pids={work / 'pids'}", "task.pause=0.05"]
    options = [f"benchmark.{one}" for one in (*slow, f"budget.trials={TRIALS}", "budget.images=None", "gate=None")]
    return ["toy", "--strategy", strategy, "--seed", 0, "--work-dir", work, "--quiet", "--cfg-options", *options]


def run_of(work: Path, strategy: str = "random_search") -> Path:
    return work / "toy-v2" / strategy / "seed0"


def whole(work: Path, strategy: str = "random_search") -> float:
    """Play the command undisturbed; the seconds that it took."""
    began = time.monotonic()
    finish(*command(work, strategy))
    return time.monotonic() - began


def killed(work: Path, strategy: str, rng: Random, most: float, count: int, extra: tuple[object, ...] = ()) -> int:
    """Play a run to its end, killing it after random moments of up to `most` seconds; how often, at most `count` times.

    Where it has workers, every second kill is of one of them, and the study goes on with another one.
    """
    kills, process = 0, start(*command(work, strategy), *extra)
    while True:
        try:
            process.wait(rng.uniform(0.0, most) if kills < count else None)
        except subprocess.TimeoutExpired:
            kills += 1
            alive = workers(process, work) if extra and kills % 2 else []
            if alive:
                with suppress(ProcessLookupError):
                    os.kill(rng.choice(alive), signal.SIGKILL)
            else:
                kill(process)
                process = start(*command(work, strategy), *extra)
            continue
        done = end(process)
        hold(done.code == 0, f"{strategy}, after {kills} kills: exit code {done.code}: {done.last}")
        return kills


def workers(process: subprocess.Popen[str], work: Path) -> list[int]:
    """The processes of a command that have run a trial and are alive."""
    written = {int(path.name) for path in (work / "pids").iterdir()}
    try:
        return sorted(written & {child.pid for child in psutil.Process(process.pid).children(recursive=True)})
    except psutil.NoSuchProcess:
        return []


def runs(
    settings: Settings, room: Path, strategy: str, rng: Random, count: int, extra: tuple[object, ...] = ()
) -> Iterator[tuple[Path, Path]]:
    """Runs that are killed `count` times together, each with the undisturbed one."""
    work, left, number = room / "whole", count, 0
    most = whole(work, strategy) if count else 0.0
    while left:
        disturbed, number = room / f"killed{number}", number + 1
        began = time.monotonic()
        kills = killed(disturbed, strategy, rng, most, left, extra)
        left -= kills
        settings.tell(f"{strategy}: {kills} kills and an end, of {most:.0f} seconds; {left} are left")
        if not kills:  # others keep the processor less busy now
            most = time.monotonic() - began
        yield run_of(disturbed, strategy), run_of(work, strategy)


def inline(settings: Settings) -> str:
    """Kills over strategies that ask and tell and one by gradients: each run comes to what the undisturbed one comes to."""
    rng, told = Random(settings.seed), []
    for place, strategy in enumerate(STRATEGIES):
        count, number = len(range(place, settings.kills, len(STRATEGIES))), 0
        for run, undisturbed in runs(settings, settings.room(f"kills/{strategy}"), strategy, rng, count):
            number += 1
            hold(facts(run) == facts(undisturbed), f"{run} has another ledger than the undisturbed run")
        told.append(f"{strategy} {count} in {number} runs")
    return f"{settings.kills} kills: {', '.join(told)}"


def with_workers(settings: Settings, executor: str, count: int) -> str:
    """The same with two workers: no trial is lost and none is there twice, whatever the order."""
    rng, room, number = Random(f"{settings.seed} {executor}"), settings.room(executor), 0
    extra = ("--executor", executor, "--workers", 2)
    for run, undisturbed in runs(settings, room, "random_search", rng, count, extra):
        number += 1
        hold(by_number(run) == by_number(undisturbed), f"{run} has other trials than the undisturbed run")
    return f"{count} kills in {number} runs of {TRIALS} trials"


def orphans(settings: Settings) -> str:
    """The study alone is killed; its workers find out."""
    work = settings.room("orphans")
    process = start(*command(work), "--executor", "process", "--workers", 2)
    while not (alive := workers(process, work)):
        hold(process.poll() is None, "it ended before a worker had a trial")
        time.sleep(0.01)
    left = [psutil.Process(pid) for pid in alive]
    process.kill()
    process.communicate()
    _, left = psutil.wait_procs(left, timeout=10)
    for one in left:
        one.kill()
    hold(not left, f"{len(left)} of {len(alive)} workers were there 10 seconds later")
    return f"{len(alive)} workers were gone"
