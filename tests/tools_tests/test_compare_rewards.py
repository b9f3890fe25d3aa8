"""compare_rewards, and the choices over time of make_leaderboard, on runs of the toy benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

TOY = ("toy", "--strategy", "random_search", "regularized_evolution", "successive_halving", "--seed", 0)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(autouse=True)
def toy(tool, runs: Path) -> None:
    if not (runs / "toy-v2").exists():
        done = tool("run_benchmark", *TOY, "--work-dir", runs)
        assert done.returncode == 0, done.stderr


def test_compare_rewards(tool, runs: Path) -> None:
    done = tool("compare_rewards", runs)
    assert done.returncode == 0, done.stderr
    assert "toy-v2: signals after the stage 'short' against 'score' after 'long'" in done.stdout
    assert "| score" in done.stdout
    assert "| reward" in done.stdout
    result = json.loads(tool("compare_rewards", runs, "--json").stdout)
    score, reward = result["agreements"]
    assert score["tau"] == reward["tau"]  # the toy's reward is its score
    assert 0.3 < score["tau"]["low"] < score["tau"]["value"] < score["tau"]["high"] <= 1
    assert result["trials"] >= 20


def test_compare_rewards_refuses_in_one_line(tool, runs: Path) -> None:
    done = tool("compare_rewards", runs, "--stage", "shrot")
    assert done.returncode == 2
    assert done.stderr == "error: unknown stage 'shrot': did you mean 'short'?\n"


def test_choice_over_time(tool, runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = tool("make_leaderboard", runs, "--out", out, "--choice", "layer0.act=relu", "--period", 20)
    assert done.returncode == 0, done.stderr
    assert (out / "choice_over_time.png").stat().st_size > 1000
    table = pd.read_csv(out / "choice_over_time.csv")
    assert list(table) == ["benchmark", "strategy", "first", "last", "trials", "share"]
    evolved = table[table["strategy"] == "regularized_evolution"]
    lines = (runs / "toy-v2/regularized_evolution/seed0/trials.jsonl").read_text().splitlines()
    acts = [json.loads(line)["arch"]["layer0.act"] for line in lines]
    periods = [acts[first : first + 20] for first in range(0, len(acts), 20)]
    assert evolved["trials"].tolist() == [len(period) for period in periods]
    assert evolved["share"].tolist() == [period.count("relu") / len(period) for period in periods]


def test_choice_over_time_refuses_in_one_line(tool, runs: Path, tmp_path: Path) -> None:
    done = tool("make_leaderboard", runs, "--out", tmp_path / "out", "--choice", "layer0.atc=relu")
    assert done.returncode == 2
    assert done.stderr == "error: unknown decision 'layer0.atc': did you mean 'layer0.act'?\n"
    assert not list((tmp_path / "out").iterdir())
