"""Runs in processes of their own write what they write one after the other, and end each by itself, or all at once."""

from __future__ import annotations

import fcntl
import json
import math
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks.executors import InlineExecutor
from benchmarks.records.recorded import Recorded
from benchmarks.run import Run
from benchmarks.running.side_by_side import Ended, ended, side_by_side

ROOT = Path(__file__).resolve().parents[2]
FAULTY = """
import errno, os, signal
from pathlib import Path
from strategies.random_search import RandomSearch

class Broken(RandomSearch):
    def search(self, study):
        raise RuntimeError("it is broken")

class Dies(RandomSearch):
    def search(self, study):
        os.kill(os.getpid(), signal.SIGKILL)

class Full(RandomSearch):
    def search(self, study):
        raise OSError(errno.ENOSPC, "No space left on device")

class Mistaken(RandomSearch):
    def search(self, study):
        return {}["rung"]

class Shy(RandomSearch):
    def prepare(self, study):
        marker = Path(os.environ["MARKER"])
        if not marker.exists():
            marker.touch()
            raise ValueError("there is too little memory")
        return super().prepare(study)
"""


def facts(folder: Path) -> list[Any]:
    """A run's ledger and answers without what differs from run to run: seconds and latencies."""
    records = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    for record in records:
        for stage in record["stages"]:
            del stage["cost"]["seconds"]
    answers = json.loads((folder / "study.json").read_text())["answers"]
    for answer in answers:
        del answer["final"]["latency_ms"]
    return [records, answers]


@pytest.fixture
def faulty(tmp_path: Path, toy_config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config file whose strategies fail in ways of their own, and one that does not."""
    (tmp_path / "faulty.py").write_text(FAULTY)
    monkeypatch.setenv("MARKER", str(tmp_path / "marker"))
    own = {name: dict(type=f"faulty.{name.title()}") for name in ("broken", "dies", "full", "mistaken", "shy")}
    config = dict(benchmark=toy_config, strategies={**own, "good": dict(type="RandomSearch")})
    (tmp_path / "mine.json").write_text(json.dumps(config))
    return tmp_path / "mine.json"


@pytest.fixture
def runs(faulty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Run]:
    monkeypatch.syspath_prepend(tmp_path)
    config = json.loads(faulty.read_text())
    return {
        name: Run({"benchmark": config["benchmark"], "strategy": strategy}, name, 0, tmp_path / "runs", "cpu")
        for name, strategy in config["strategies"].items()
    }


def played(runs: list[Run], jobs: int) -> tuple[list[str], dict[str, Ended]]:
    """What began and ended, in this order, and how."""
    seen: list[str] = []
    ends: dict[str, Ended] = {}
    for one, end in side_by_side(runs, jobs, 1, lambda one: seen.append(f"begin {one.name}")):
        seen.append(f"end {one.name}")
        ends[one.name] = end
    return seen, ends


def test_they_write_what_they_write_one_after_the_other(tool, tmp_path: Path) -> None:
    asked = ("toy", "--strategy", "random_search", "regularized_evolution", "--seed", 0, 1)
    together = tool("run_benchmark", *asked, "--jobs", 2, "--work-dir", tmp_path / "together")
    assert together.returncode == 0, together.stderr
    in_turns = tool("run_benchmark", *asked, "--jobs", 1, "--work-dir", tmp_path / "in_turns")
    assert together.stderr.count("is finished") == in_turns.stderr.count("is finished") == 4
    assert "trial/s" not in together.stderr  # no bars where no terminal is
    for path in (tmp_path / "together/toy-v2").glob("*/seed*"):
        assert facts(path) == facts(tmp_path / "in_turns/toy-v2" / path.parent.name / path.name)
    again = tool("run_benchmark", *asked, "--jobs", 2, "--work-dir", tmp_path / "together")
    assert again.stdout == together.stdout


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_fails_stops_no_other(tool, faulty: Path, tmp_path: Path, jobs: int) -> None:
    asked = (faulty, "--strategy", "broken", "good", "--jobs", jobs, "--work-dir", tmp_path / "runs")
    done = tool("run_benchmark", *asked)
    assert done.returncode == 1
    assert done.stderr.count("failed: toy-test-v1 broken seed0: it is broken") == 1
    assert "Traceback" not in done.stderr
    assert "| good" in done.stdout
    assert "broken" not in done.stdout


def test_a_mistake_in_a_strategy_ends_its_run_and_says_where(runs: dict[str, Run], capsys) -> None:
    end = ended(runs["mistaken"], runs["mistaken"].play)
    assert (end.code, end.why) == (1, "KeyError: 'rung': the same command goes on once that is mended")
    assert "in search" in capsys.readouterr().err


@pytest.mark.parametrize("error", [SystemExit(0), RuntimeError(), ValueError()])
def test_a_strategy_that_leaves_or_raises_without_a_word_has_failed(
    runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def search(study: Any) -> Any:
        raise error

    monkeypatch.setattr(runs["good"].strategy, "search", search)
    end = ended(runs["good"], runs["good"].play)
    assert end.code == 1
    assert end.why.startswith(f"{type(error).__name__}: ")
    assert end.why.endswith(": the same command goes on once that is mended")


def test_a_process_that_is_killed_takes_no_other_with_it(runs: dict[str, Run]) -> None:
    _, ends = played([runs["dies"], runs["good"]], 2)
    assert ends["good"] == Ended()
    assert ends["dies"].code == 1
    assert "its process has died" in ends["dies"].why


def test_after_a_fault_of_the_machine_no_run_begins(tool, faulty: Path, tmp_path: Path, runs: dict[str, Run]) -> None:
    seen, ends = played([runs["full"], runs["good"]], 1)
    assert seen == ["begin full", "end full"]
    assert ends["full"].machine
    done = tool("run_benchmark", faulty, "--strategy", "full", "good", "--jobs", 1, "--work-dir", tmp_path / "runs")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr.splitlines()[-1]


def test_a_run_that_another_process_plays_is_left_out(tool, faulty: Path, tmp_path: Path, runs: dict[str, Run]) -> None:
    held, other = runs["shy"].folder, runs["good"]
    (tmp_path / "marker").touch()
    held.mkdir(parents=True)
    with open(held / "trials.jsonl", "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        asked = ("--strategy", "shy", "good", "--jobs", 2, "--work-dir", tmp_path / "runs")
        done = tool("run_benchmark", faulty, *asked)
    assert done.returncode == 2
    assert "is being written by another process" in done.stderr
    assert (other.folder / "study.json").is_file()


def test_no_more_begin_than_memory_is_there_for(runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    free = 0
    monkeypatch.setattr("strategies.supernet.free_memory.free_memory", lambda device: free)
    seen, _ = played([runs["broken"], runs["good"]], 2)
    assert seen == ["begin broken", "end broken", "begin good", "end good"]
    free = 2**60
    seen, _ = played([runs["broken"], runs["full"]], 2)
    assert seen[:2] == ["begin broken", "begin full"]


def test_one_that_is_refused_beside_others_is_played_alone(runs: dict[str, Run]) -> None:
    seen, ends = played([runs["shy"], runs["good"]], 2)
    assert seen[-2:] == ["begin shy", "end shy"]
    assert ends == {"shy": Ended(), "good": Ended()}


class Lossy(InlineExecutor):
    """Loses its first jobs, so many."""

    def __init__(self, losses: int):
        super().__init__()
        self.left = losses

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            return super().submit(fn, *args, **kwargs)
        lost: Future[Any] = Future()
        lost.set_exception(BrokenExecutor("the node is gone"))
        return lost


@pytest.mark.parametrize(("losses", "code"), [(3, 0), (4, 1)])
def test_a_run_whose_node_is_lost_goes_on_elsewhere(runs: dict[str, Run], losses: int, code: int) -> None:
    ends = dict(side_by_side([runs["good"]], 2, 1, lambda one: None, Lossy(losses)))
    assert ends[runs["good"]].code == code
    assert (runs["good"].folder / "study.json").is_file() == (code == 0)


def test_a_node_that_shares_no_folder_plays_no_run(runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = Path("elsewhere/nothing.part")
    monkeypatch.setattr("benchmarks.running.side_by_side._mark", lambda folder: elsewhere)
    ((_, end),) = side_by_side([runs["good"]], 2, 1, lambda one: None, Lossy(0))
    assert end.code == 2
    assert "runs on a cluster want a --work-dir that all nodes share" in end.why
    assert not runs["good"].folder.exists()


def test_all_end_with_a_signal_and_go_on(tool, tmp_path: Path) -> None:
    asked = ["toy", "--strategy", "random_search", "--seed", "0", "1", "--jobs", "2", "--work-dir"]
    many = ["--cfg-options", "benchmark.budget.trials=600", "benchmark.budget.images=None"]
    command = [sys.executable, "tools/run_benchmark.py", *asked, str(tmp_path / "cut"), *many]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    folders = [tmp_path / f"cut/toy-v2/random_search/seed{seed}" for seed in (0, 1)]
    ledgers = [folder / "trials.jsonl" for folder in folders]
    while not all(ledger.exists() and ledger.stat().st_size for ledger in ledgers):
        assert process.poll() is None
        time.sleep(0.001)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate()
    assert process.returncode == 143
    assert "terminated: the same command goes on from here" in stderr
    assert "Traceback" not in stderr
    assert "resource_tracker" not in stderr
    assert len(children) >= 2
    for ledger in ledgers:  # nobody holds them any more
        with open(ledger) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert tool("run_benchmark", *asked, tmp_path / "cut", *many).returncode == 0
    assert tool("run_benchmark", *asked, tmp_path / "whole", *many).returncode == 0
    for folder in folders:
        assert facts(folder) == facts(tmp_path / "whole/toy-v2/random_search" / folder.name)


def test_figures_are_read_as_a_record_grows(tmp_path: Path) -> None:
    costs = [{"cost": {"images": 3}}, {"cost": {"images": 4}}]
    trial = {"stages": costs, "status": "done", "reward": 0.5, "failure": None}
    failed = json.dumps({**trial, "status": "failed", "reward": None, "failure": "error"})
    seen = Recorded(tmp_path)
    seen.look()
    assert (seen.trials, seen.best) == (0, -math.inf)
    with open(tmp_path / "trials.jsonl", "w") as file:
        file.write(json.dumps(trial) + "\n" + failed[:9])
        file.flush()
        seen.look()
        assert (seen.trials, seen.images, seen.failed, seen.best) == (1, 7, 0, 0.5)
        file.write(failed[9:] + "\n" + failed.replace('"error"', '"refused"') + "\n")
        file.flush()
        seen.look()
    assert (seen.trials, seen.images, seen.failed, seen.refused, seen.best) == (3, 21, 1, 1, 0.5)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--jobs", 0), "must be at least 1, not 0"),
        (("--patience", "inf", "--executor", "process"), "--patience inf needs a finite time above 0"),
        (("--jobs", 2, "--executor", "process"), "1 with --executor process, not 2"),
        (("--jobs", 2, "--executor", "ray", "--workers", 2), "leave out --workers, --patience"),
        (("--jobs", 2, "--executor", "ray", "--resources", "shared=False"), "nodes that share --work-dir"),
    ],
)
def test_jobs_that_cannot_be(tool, tmp_path: Path, options: tuple[Any, ...], sentence: str) -> None:
    done = tool("run_benchmark", "toy", *options, "--work-dir", tmp_path / "runs")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert not (tmp_path / "runs").exists()
