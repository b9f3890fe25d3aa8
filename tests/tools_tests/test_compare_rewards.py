"""compare_rewards, and choices and metrics over time of make_leaderboard, on runs of the toy benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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


def test_answers_are_compared_with_the_final_training(tool, toy_config: dict[str, Any], tmp_path: Path) -> None:
    """Also where the search has one stage, so that there are no two to compare."""
    search = dict(type="RandomSearch")
    shortlist = dict(type="Shortlist", strategy=search, count=8, pick="spread")
    one_stage = {**toy_config, "stages": toy_config["stages"][1:], "gate": None, "budget": dict(trials=16)}
    config, runs, out = tmp_path / "shortlist.py", tmp_path / "runs", tmp_path / "out"
    config.write_text(f"benchmark = {one_stage}\nstrategies = {dict(shortlist=shortlist, search=search)}\n")
    done = tool("run_benchmark", config, "--work-dir", runs)
    assert done.returncode == 0, done.stderr
    done = tool("compare_rewards", runs, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "signals after the stage 'long' against 'score' after 'final', 8 answers of shortlist." in done.stdout
    assert (out / "rewards.png").stat().st_size > 1000
    (answers,) = json.loads(tool("compare_rewards", runs, "--json").stdout)["answers"]
    assert [one["signal"] for one in answers["agreements"]] == ["score", "reward"]
    assert answers["agreements"][1]["tau"]["value"] > 0.3
    for wrong, sentence in (
        (("--long", "long"), "two different ones are needed"),
        (("--final", "scoree"), "unknown metric of the final training 'scoree': did you mean 'score'"),
    ):
        done = tool("compare_rewards", runs, *wrong)
        assert done.returncode == 2
        assert sentence in done.stderr


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


def test_metric_over_time(tool, runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = tool("make_leaderboard", runs, "--out", out, "--metric", "reward", "--period", 5)
    assert done.returncode == 0, done.stderr
    assert (out / "metric_over_time.png").stat().st_size > 1000
    table = pd.read_csv(out / "metric_over_time.csv")
    assert list(table) == ["benchmark", "strategy", "id", "trials", "mean"]
    lines = (runs / "toy-v2/regularized_evolution/seed0/trials.jsonl").read_text().splitlines()
    trials = [json.loads(line) for line in lines]
    deep = {trial["id"]: trial["reward"] for trial in trials if trial["depth"] == 2}
    evolved = table[table["strategy"] == "regularized_evolution"]
    assert evolved["id"].tolist() == sorted(deep)
    last = [deep[number] for number in range(max(deep) - 4, max(deep) + 1) if number in deep]
    assert evolved["mean"].iloc[-1] == pytest.approx(sum(last) / len(last))
    done = tool("make_leaderboard", runs, "--out", tmp_path / "no", "--metric", "rewrad")
    assert done.returncode == 2
    assert done.stderr == "error: unknown metric of trials 'rewrad': did you mean 'reward'?\n"
