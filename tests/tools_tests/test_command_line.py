"""Settings on the command line: Python literals, and else the text as it is; and what is read by nobody."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks.executors import EXECUTORS
from benchmarks.running.job import MachineError

CALLS = """
import sys
sys.path.insert(0, "tools")
from command_line import LEAVING, call
LEAVING.append(lambda: print("taken back", flush=True))
call([sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)"])
"""


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("a.b=3", 3),
        ("a.b=-0.5", -0.5),
        ("a.b=None", None),
        ("a.b=True", True),
        ("a.b=[64, 64]", [64, 64]),
        ("a.b={'c': [1]}", {"c": [1]}),
        ("a.b='3'", "3"),
        ("a.b=a,b", "a,b"),
        ("a.b= a  b ", " a  b "),
        ("a.b=c=d", "c=d"),
        ("a.b=", ""),
        ("a.b=nan", "nan"),
        ("a.b=[up,min]", "[up,min]"),
        ("a.b={1, 2}", "{1, 2}"),
        ("a.b=1j", "1j"),
        ("a.root=100", "100"),
        ("a.root=my data, (copy)", "my data, (copy)"),
        ("a.checkpoint=None", None),
    ],
)
def test_values_are_kept_as_they_are_given(monkeypatch: pytest.MonkeyPatch, given: str, value: Any) -> None:
    monkeypatch.syspath_prepend("tools")
    from command_line import Parser, Settings

    parser = Parser()
    parser.add_argument("--cfg-options", nargs="+", action=Settings)
    assert parser.parse_args(["--cfg-options", given, "x=1"]).cfg_options == {given.partition("=")[0]: value, "x": 1}


@pytest.mark.parametrize(
    ("error", "begins"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "failed: [Errno 28] No space"),
        (MachineError("the machine failed"), "failed: the machine failed"),
        (pickle.loads(pickle.dumps(MachineError("the machine failed"))), "failed: the machine failed"),
        (MemoryError(), "failed: out of memory"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "error: [Errno 2] No such"),
        (ValueError("no number"), "error: no number"),
    ],
)
def test_what_the_machine_is_to_blame_for_is_no_bad_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, begins: str
) -> None:
    monkeypatch.syspath_prepend("tools")
    from command_line import refuse, run

    with pytest.raises(SystemExit) as left:
        run(lambda: refuse(error))
    said = capsys.readouterr().err
    assert (left.value.code, said.startswith(begins)) == (1 if begins.startswith("failed") else 2, True), said


def test_a_folder_with_blanks_and_commas_is_used_as_it_is(tool, folder_data, tmp_path) -> None:
    place = folder_data.rename(tmp_path / "my data, (copy)")
    (place / "classes.txt").unlink()
    (place / "images").rename(place / "pictures")
    done = tool("run_benchmark", "camvid-decoder-v2", "--strategy", "random_search", "--work-dir", tmp_path / "runs",
                "--cfg-options", f"benchmark.task.data.root={place}", "benchmark.task.data.layout=folders",
                "benchmark.task.encoder.checkpoint=None")  # fmt: skip
    assert done.returncode == 2
    assert f"{place}/" in done.stderr


def test_a_tool_that_is_read_no_further_ends_without_a_word() -> None:
    """As by `| head`."""
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "tools/describe.py", "toy"]
    done = subprocess.run(command, stdout=writes, stderr=subprocess.PIPE, check=False)
    os.close(writes)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_signal_ends_what_was_called_and_takes_back_what_was_asked_for() -> None:
    process = subprocess.Popen([sys.executable, "-c", CALLS], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    called = int(process.stdout.readline())
    process.terminate()
    said, _ = process.communicate()
    assert (process.returncode, said) == (143, "taken back\n")
    assert not psutil.pid_exists(called)


def test_what_a_signal_ended_is_said_as_a_shell_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend("tools")
    from command_line import LEAVING, call

    before = list(LEAVING)
    assert call([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]) == 137
    assert before == LEAVING


def test_jobs_of_a_cluster_are_taken_back(tool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend("tools")
    monkeypatch.setattr("command_line.LEAVING", leaving := list[Any]())
    monkeypatch.setitem(EXECUTORS, "slurm", EXECUTORS["inline"])
    short = ("--cfg-options", "benchmark.budget.trials=1", "benchmark.final.recipe.epochs=1")
    asked = ("toy", "--strategy", "random_search", "--seed", 0, "--executor", "slurm", "--work-dir", tmp_path)
    done = tool("run_benchmark", *asked, *short)
    assert (done.returncode, [end.__name__ for end in leaving]) == (0, ["shutdown"]), done.stderr
