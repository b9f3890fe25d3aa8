"""missing: the commands of the runs that a folder lacks, until it lacks none."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

PROTOCOL = """
from search_spaces.toy.space import ToySpace
from strategies.random_search import RandomSearch
from tasks.rewards import Metric
from tasks.toy import ToyTask

benchmark = dict(
    id="mine-v1", task=dict(type=ToyTask), space=dict(type=ToySpace), stages=[dict(name="short", recipe=dict(epochs=1))],
    final=dict(name="final", view=dict(eval="test"), recipe=dict(epochs=2)), reward=dict(type=Metric, name="score"),
    budget=dict(trials=3), seeds=[0, 1],
)
strategies = dict(one=dict(type=RandomSearch), two=dict(type=RandomSearch))
"""


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    (tmp_path / "my protocol.py").write_text(PROTOCOL)
    return tmp_path / "my protocol.py"


def test_the_commands_make_the_folder_complete(tool, protocol: Path, tmp_path: Path) -> None:
    runs = tmp_path / "my runs"
    assert tool("run_benchmark", protocol, "--strategy", "one", "--seed", 1, "--work-dir", runs).returncode == 0
    (runs / "mine-v1/two/seed0").mkdir(parents=True)  # a kill has left it
    (runs / "mine-v1/two/seed0/trials.jsonl").touch()
    done = tool("missing", protocol, "--runs", runs)
    commands = [shlex.split(line) for line in done.stdout.splitlines()]
    assert [(words[4], words[6]) for words in commands] == [("one", "0"), ("two", "0"), ("two", "1")]
    assert done.returncode == 1
    assert not done.stderr
    for words in commands:
        assert words[:2] == ["python", "tools/run_benchmark.py"]
        assert tool("run_benchmark", *words[2:]).returncode == 0
    done = tool("missing", protocol, "--runs", runs)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_interrupted_run_is_lacking_and_a_damaged_one_is_named(tool, protocol: Path, tmp_path: Path) -> None:
    assert tool("run_benchmark", protocol, "--work-dir", tmp_path).returncode == 0
    (tmp_path / "mine-v1/one/seed0/study.json").unlink()
    (tmp_path / "mine-v1/one/seed1/study.json").write_text("{")
    ledger = tmp_path / "mine-v1/two/seed0/trials.jsonl"
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:-1]))
    config = tmp_path / "mine-v1/two/seed1/config.json"
    content = json.loads(config.read_text())
    content["benchmark"]["budget"]["trials"] = 4
    config.write_text(json.dumps(content))
    done = tool("missing", protocol, "--runs", tmp_path)
    assert done.returncode == 1
    assert [shlex.split(line)[4:7:2] for line in done.stdout.splitlines()] == [["one", "0"]]
    said = done.stderr
    assert "one/seed1/study.json is not JSON" in said
    assert "two/seed0: 2 trials are done, study.json says 3" in said
    assert "two/seed1 is of another protocol" in said
    shutil.rmtree(config.parent)
    shutil.copytree(ledger.parent, config.parent)
    assert "two/seed1 holds a copy of mine-v1, two, seed 0" in tool("missing", protocol, "--runs", tmp_path).stderr


def test_without_a_benchmark_it_is_what_the_folder_has_runs_of(tool, tmp_path: Path) -> None:
    (tmp_path / "toy-v2/random_search").mkdir(parents=True)
    done = tool("missing", "--runs", tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == (
        f"python tools/run_benchmark.py toy-v2 --strategy random_search --seed 0 --work-dir {tmp_path}"
    )
    assert all(" toy-v2 " in line for line in done.stdout.splitlines())
    assert tool("missing", "toy", "--runs", tmp_path).stdout == done.stdout
    done = tool("missing", "--runs", tmp_path / "nowhere")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "name a benchmark" in done.stderr
    assert "did you mean 'toy'" in tool("missing", "tooy", "--runs", tmp_path).stderr
