"""What a run meets in the world: signals at any moment, another process, a full disk, a module of somebody's own."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from benchmarks.ledger import Ledger, read_trials
from benchmarks.torture import machine
from benchmarks.torture.command import end, finish, start
from benchmarks.torture.fault import BrokenPromiseError, Fault, Settings
from benchmarks.torture.faults import FAULTS
from tasks.toy import ToyTask

TOY = ("toy", "--strategy", "random_search")
SHORT = ("--cfg-options", "benchmark.budget.trials=20", "benchmark.budget.images=None")


def test_the_table_says_which_promises_are_met_and_the_exit_code_whether_all_are(tool, monkeypatch) -> None:
    def breaks(settings: Settings) -> str:
        raise BrokenPromiseError("it was executed")

    monkeypatch.setitem(
        FAULTS, "cache", Fault("a file is cut", "it is made again", lambda settings: f"{settings.kills}")
    )
    monkeypatch.setitem(FAULTS, "pickles", Fault("code is left", "nobody executes it", breaks))
    for only, code in ((["cache"], 0), (["cache", "pickles"], 1)):
        done = tool("torture", "--kills", 7, "--only", *only)
        assert done.returncode == code
        cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines()]
        assert ["cache", "a file is cut", "it is made again", "yes", "7"] in cells
        assert (["pickles", "code is left", "nobody executes it", "NO", "it was executed"] in cells) == bool(code)
    assert tool("torture", "--kills", -1).returncode == 2


def test_what_the_user_has_in_the_work_dir_stays(tool, tmp_path: Path, monkeypatch) -> None:
    mine = tmp_path / "images/mine.png"
    mine.parent.mkdir()
    mine.touch()
    monkeypatch.setitem(FAULTS, "images", Fault("a file is cut", "it is named", lambda one: str(one.room("images"))))
    assert tool("torture", "--only", "images", "--work-dir", tmp_path).returncode == 0
    assert mine.exists()
    assert (tmp_path / "torture/images").is_dir()


@pytest.mark.parametrize(
    ("number", "moment"),
    [*zip([signal.SIGINT, signal.SIGTERM, signal.SIGINT], machine.MOMENTS, strict=True)],
)
def test_a_signal_at_any_moment_is_one_sentence(tmp_path: Path, number: signal.Signals, moment: str) -> None:
    machine.signalled(tmp_path, number, moment)


def test_two_processes_play_every_seed_once(tmp_path: Path) -> None:
    alone = ("--jobs", 1, "--work-dir", tmp_path, *SHORT)
    both = [start(*TOY, "--seed", *seeds, *alone) for seeds in ((0, 1), (1,))]
    for done in map(end, both):
        assert done.code in (0, 2)
        assert ("is being written by another process" in done.said) == (done.code == 2)
    for seed in (0, 1):
        assert (tmp_path / f"toy-v2/random_search/seed{seed}/study.json").is_file()
    assert not list(tmp_path.rglob("*.part"))


def test_a_run_that_another_process_plays_is_left_out(tool, tmp_path: Path) -> None:
    """The other seeds are played; where none is left there is one line and no table."""
    folder = tmp_path / "toy-v2/random_search/seed0"
    folder.mkdir(parents=True)
    other = Ledger(folder)
    (folder / "events.jsonl").write_bytes(b"")
    done = tool("run_benchmark", *TOY, "--seed", 0, 1, "--work-dir", tmp_path, *SHORT)
    assert done.returncode == 2
    assert done.stderr.count("is being written by another process: wait for it") == 1
    assert "| random_search | 1 " in done.stdout
    done = tool("run_benchmark", *TOY, "--seed", 0, "--work-dir", tmp_path, *SHORT)
    other.close()
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_disk_is_one_line_and_the_run_ends_as_if_undisturbed(
    tool, tmp_path: Path, monkeypatch, number: int
) -> None:
    fit, left = ToyTask.train_and_score, 5

    def full(self, *arguments):
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(number, os.strerror(number))
        return fit(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(ToyTask, "train_and_score", full)
        done = tool("run_benchmark", *TOY, "--seed", 0, "--work-dir", tmp_path / "cut", *SHORT)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "failed: toy-v2 random_search seed0: the machine failed, not the network"
    )
    assert "Traceback" not in done.stderr
    for name in ("cut", "whole"):
        done = tool("run_benchmark", *TOY, "--seed", 0, "--work-dir", tmp_path / name, *SHORT)
        assert done.returncode == 0
    cut, whole = (read_trials(tmp_path / name / "toy-v2/random_search/seed0/trials.jsonl") for name in ("cut", "whole"))
    assert [(one.id, one.arch.key, one.status, one.reward) for one in cut] == [
        (one.id, one.arch.key, one.status, one.reward) for one in whole
    ]
    assert {one.status for one in cut} <= {"done", "stopped"}


def test_repeated_seeds_are_one(tool, tmp_path: Path) -> None:
    done = tool("run_benchmark", *TOY, "--seed", 0, 0, "--work-dir", tmp_path, *SHORT)
    assert done.returncode == 0
    assert "| random_search | 1 " in done.stdout


OWN = """
from search_spaces.registry import SPACES
from search_spaces.toy.space import ToySpace
from tasks.registry import TASKS
from tasks.toy import ToyTask

@TASKS.register_module()
class OwnTask(ToyTask):
    def train_and_score(self, *arguments):
        figures, inherited = super().train_and_score(*arguments)
        return {name: figure + 1000 for name, figure in figures.items()}, inherited

@SPACES.register_module()
class OwnSpace(ToySpace):
    pass
"""
PROTOCOL = """
custom_imports = dict(imports=["own_classes"])
benchmark = dict(
    id="own-v1",
    task=dict(type="OwnTask"),
    space=dict(type="OwnSpace"),
    stages=[dict(name="short", recipe=dict(epochs=1))],
    final=dict(name="final", view=dict(eval="test"), recipe=dict(epochs=1)),
    reward=dict(type="Metric", name="score"),
    budget=dict(trials=1),
    seeds=[0],
)
strategies = dict(random_search=dict(type="RandomSearch"))
"""


@pytest.mark.slow
def test_a_module_of_ones_own_beside_the_config_works_in_workers(tmp_path: Path) -> None:
    (tmp_path / "own_classes.py").write_text(OWN)
    (tmp_path / "own.py").write_text(PROTOCOL)
    finish(tmp_path / "own.py", "--work-dir", tmp_path / "runs", "--executor", "process", "--workers", 1)
    (trial,) = read_trials(tmp_path / "runs/own-v1/random_search/seed0/trials.jsonl")
    assert trial.score > 900
