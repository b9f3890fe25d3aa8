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
    assert "there is no reward 'subprocess.Popen'" in done.stderr
    assert "names the module subprocess, which is not imported" in done.stderr
    assert not (run / "executed").exists()


@pytest.mark.parametrize("command", ["make_leaderboard", "bundle", "replay", "compare_rewards"])
@pytest.mark.parametrize("entry", ["space", "reward"])
def test_a_module_that_it_names_is_not_imported(
    tool, run: Path, monkeypatch: pytest.MonkeyPatch, command: str, entry: str
) -> None:
    (run / "trap_of_runs.py").write_text(f"open({str(run / 'executed')!r}, 'w').close()")
    monkeypatch.syspath_prepend(run)
    path = run / "runs/toy-v2/random_search/seed0/config.json"
    config = json.loads(path.read_text())
    config["benchmark"].update({"imports": ["trap_of_runs"], entry: dict(type="trap_of_runs.Mine")})
    path.write_text(json.dumps(config))
    more = [] if command == "compare_rewards" else ["--out", run / "board"]
    check = ["--check"] if command == "make_leaderboard" else []
    done = tool(command, run / "runs", *more, *check)
    assert "Traceback" not in done.stderr
    if (command, entry) == ("replay", "space"):
        assert "there is no space 'trap_of_runs.Mine' here, and none is imported" in done.stderr
    assert not (run / "executed").exists()


def test_a_space_without_end_is_not_built(tool, run: Path) -> None:
    path = run / "runs/toy-v2/random_search/seed0/config.json"
    config = json.loads(path.read_text())
    config["benchmark"]["space"]["layers"] = 2**40
    path.write_text(json.dumps(config))
    done = tool("make_leaderboard", run / "runs", "--out", run / "board", "--check")
    assert done.returncode == 1
    assert "layers of the space of" in done.stderr
