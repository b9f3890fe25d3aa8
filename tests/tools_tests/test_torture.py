"""What a run meets in the world: signals at any moment, another process, a full disk, a module of somebody's own."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.ledger import Ledger, read_trials
from tasks.toy import ToyTask

ROOT = Path(__file__).resolve().parents[2]
TOY = ("toy", "--strategy", "random_search")
SHORT = ("--cfg-options", "benchmark.budget.trials=20", "benchmark.budget.images=None")
LONG = ("--cfg-options", "benchmark.budget.trials=1000000", "benchmark.budget.images=None")


def hears_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def started(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-X", "importtime", "tools/run_benchmark.py", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=hears_interrupts
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after", ["command_line", "mmengine.config", "random_search seed0"])
def test_a_signal_at_any_moment_is_one_sentence(tmp_path: Path, number: signal.Signals, after: str) -> None:
    """Sent when the process says that it has imported a module, or that it plays."""
    with started(*TOY, "--seed", 0, "--work-dir", tmp_path, *LONG) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if after in line.rpartition("|")[2] or (after in line and "import time" not in line):
                break
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == 128 + number
    said = [line for line in rest.splitlines() if "the same command goes on from here" in line]
    assert said == [f"{'interrupted' if number == signal.SIGINT else 'terminated'}: the same command goes on from here"]
    assert "Traceback" not in rest


def test_two_processes_play_every_seed_once(tmp_path: Path) -> None:
    for pair, seeds in enumerate([((0,), (0,)), ((0, 1, 2), (1,))]):
        both = [started(*TOY, "--work-dir", tmp_path / str(pair), *SHORT, "--seed", *own) for own in seeds]
        heard = [process.communicate()[1] for process in both]
        assert {process.returncode for process in both} <= {0, 2}, heard
        assert not any("Traceback" in text for text in heard)
        for process, text in zip(both, heard, strict=True):
            assert ("is being written by another process" in text) == (process.returncode == 2)
        for seed in {*seeds[0], *seeds[1]}:
            assert (tmp_path / str(pair) / f"toy-v2/random_search/seed{seed}/study.json").is_file()
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
    assert done.stderr.splitlines()[-1].startswith("failed: random_search seed0: the machine failed, not the network")
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
from mmengine.registry import MODELS
from search_spaces.space import FiniteSpace
from search_spaces.registry import SPACES
from torch import nn

@MODELS.register_module()
class OwnPlain(nn.Sequential):
    def __init__(self, width):
        super().__init__(nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 1, 3, padding=1))

@SPACES.register_module()
class OwnSpace(FiniteSpace):
    decisions = {"width": (2, 3, 4)}

    def parts(self, choices):
        return {"network": {"type": "OwnPlain", **choices}}
"""
PROTOCOL = """
custom_imports = dict(imports=["own_plain_networks"])
benchmark = dict(
    id="own-v1",
    task=dict(type="RestorationTask", data=dict(type="ScenesImages"), degradation=dict(type="Noise", sigma=30.0),
              input_size=[128, 128]),
    space=dict(type="OwnSpace"),
    stages=[dict(name="short", view=dict(share=0.2, size=[32, 32], copies=1), recipe=dict(epochs=1))],
    final=dict(name="final", view=dict(eval="test", size=[32, 32]), recipe=dict(epochs=1)),
    reward=dict(type="Metric", name="PSNR"),
    budget=dict(trials=2),
    seeds=[0],
)
strategies = dict(random_search=dict(type="RandomSearch"))
"""


@pytest.mark.slow
def test_a_module_of_ones_own_beside_the_config_works_in_workers(tmp_path: Path) -> None:
    (tmp_path / "own_plain_networks.py").write_text(OWN)
    (tmp_path / "own.py").write_text(PROTOCOL)
    arguments = (tmp_path / "own.py", "--work-dir", tmp_path / "runs", "--executor", "process", "--workers", 2)
    with started(*arguments) as process:
        heard = process.communicate()[1]
    assert process.returncode == 0, heard[-1000:]
    assert [one.status for one in read_trials(tmp_path / "runs/own-v1/random_search/seed0/trials.jsonl")] == [
        "done"
    ] * 2
