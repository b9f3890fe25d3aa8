"""Two process workers under `kill -9`: of the study, of a worker, at random times."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from benchmarks.ledger import read_events, read_trials
from search_spaces.toy.space import ToySpace

DRIVER = Path(__file__).with_name("kill_driver.py")
KILLS = 20


def started(folder: Path, strategy: str) -> subprocess.Popen[bytes]:
    """A study whose workers are at work."""
    for pid in (folder / "pids").glob("*"):
        pid.unlink()
    process = subprocess.Popen([sys.executable, DRIVER, folder, strategy], stderr=subprocess.PIPE)
    while process.poll() is None and not workers(folder):
        time.sleep(0.01)
    return process


def workers(folder: Path) -> list[int]:
    """The processes that have run a job and are alive."""
    pids = [int(path.name) for path in (folder / "pids").glob("*")]
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_twenty_kills_lose_no_trial_and_make_none_twice(tmp_path: Path) -> None:
    rng, process, killed = Random(0), started(tmp_path, "RandomSearch"), 0
    while killed < KILLS and process.poll() is None:
        time.sleep(rng.uniform(0.0, 0.3))
        if rng.random() < 0.7 and (alive := workers(tmp_path)):  # the study goes on with another worker
            os.kill(rng.choice(alive), signal.SIGKILL)
        else:
            process.kill()
            process.wait()
            process = started(tmp_path, "RandomSearch")
        killed += 1
    process.wait()
    assert killed == KILLS
    assert (tmp_path / "finished").exists()
    trials = read_trials(tmp_path / "trials.jsonl")
    assert sorted(trial.id for trial in trials) == list(range(400))
    assert {trial.failure for trial in trials} <= {None, "lost"}
    proposals = [event for event in read_events(tmp_path / "events.jsonl") if event["event"] == "proposed"]
    assert [event["id"] for event in proposals] == list(range(400))
    uninterrupted = [ToySpace().sample(Random(f'[0, "ask", {number}]')).as_dict() for number in range(400)]
    assert [event["arch"] for event in proposals] == uninterrupted


@pytest.mark.slow
def test_workers_end_with_a_study_that_is_killed(tmp_path: Path) -> None:
    process = started(tmp_path, "RandomSearch")
    assert workers(tmp_path)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while workers(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not workers(tmp_path)
