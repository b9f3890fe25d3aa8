"""Somebody else's run is read, not executed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def run(tool, tmp_path: Path) -> Path:
    """A finished run whose config.py would leave a file behind."""
    made = tool("run_benchmark", "toy", "--strategy", "random_search", "--seed", 0, "--work-dir", tmp_path / "runs")
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "runs/toy-v2/random_search/seed0"
    trap = f"\nopen({str(tmp_path / 'executed')!r}, 'w').close()\n"
    (folder / "config.py").write_text((folder / "config.py").read_text() + trap)
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        ("compare_rewards", "runs/toy-v2"),
        ("make_leaderboard", "runs", "--out", "board"),
        ("replay", "runs", "--out", "board"),
        ("bundle", "runs", "--out", "board"),
        ("missing", "toy", "--runs", "runs"),
        ("run_benchmark", "toy", "--strategy", "random_search", "--seed", "0", "--work-dir", "runs"),
    ],
    ids=lambda command: command[0],
)
def test_its_config_is_not_executed(tool, run: Path, command: tuple[str, ...]) -> None:
    name, *arguments = command
    places = {"runs", "runs/toy-v2", "board"}
    done = tool(name, *(run / part if part in places else part for part in arguments))
    assert done.returncode == (name == "missing"), done.stderr
    assert not (run / "executed").exists()


def test_what_its_config_names_is_not_called_unless_it_is_a_reward(tool, run: Path) -> None:
    path = run / "runs/toy-v2/random_search/seed0/config.json"
    config = json.loads(path.read_text())
    config["benchmark"]["reward"] = dict(type="subprocess.Popen", args=["touch", str(run / "executed")])
    path.write_text(json.dumps(config))
    done = tool("compare_rewards", run / "runs")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "'subprocess.Popen' is no reward" in done.stderr
    assert not (run / "executed").exists()
