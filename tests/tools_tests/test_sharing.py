"""bundle and replay: what is sent is what is received, and what does not fit is told."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def played() -> dict[str, Path]:
    """Where the runs of this module lie, which are played once."""
    return {}


@pytest.fixture
def runs(tool, played: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    if not played:
        played["runs"] = tmp_path_factory.mktemp("played") / "runs"
        one = ("toy", "--strategy", "random_search", "--seed", 0, "--work-dir", played["runs"])
        assert tool("run_benchmark", *one).returncode == 0
    shutil.copytree(played["runs"], tmp_path / "runs")
    return tmp_path / "runs"


def test_a_bundle_is_made_sent_and_derived_again(tool, runs: Path, tmp_path: Path) -> None:
    sent = tmp_path / "new/sent.zip"
    made = tool("bundle", runs, "--out", sent, "--weights")
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith(f"{sent}: 1 studies, ")
    assert not made.stderr
    with zipfile.ZipFile(sent) as archive:
        assert "runs/toy-v2/random_search/seed0/answers/0/final.pth" in archive.namelist()
        told = archive.read("leaderboard/leaderboard.md").decode()
    done = tool("replay", sent, "--out", tmp_path / "table")
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert done.stdout.strip() == told.strip() == (tmp_path / "table/leaderboard.md").read_text().strip()
    assert tool("replay", runs).stdout == done.stdout


def test_what_does_not_fit_is_a_line_each(tool, runs: Path, tmp_path: Path) -> None:
    tool("make_leaderboard", runs, "--out", runs / "leaderboard")
    table = runs / "leaderboard/leaderboard.json"
    assert tool("replay", runs).returncode == 0
    rows = json.loads(table.read_text())
    rows[0]["search images"]["mean"] += 1
    rows[0]["trials"] = "\x1b[2J"
    table.write_text(json.dumps(rows))
    done = tool("replay", runs)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 2
    assert "search images, mean is" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_runs_that_contradict_themselves_are_not_bundled(tool, runs: Path, tmp_path: Path) -> None:
    study = runs / "toy-v2/random_search/seed0/study.json"
    content = json.loads(study.read_text())
    content["trials"]["done"] += 1
    study.write_text(json.dumps(content))
    done = tool("bundle", runs, "--out", tmp_path / "sent.zip")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "study.json says" in done.stderr
    assert not (tmp_path / "sent.zip").exists()


def test_what_is_wrong_is_said_of_the_bundle(tool, runs: Path, tmp_path: Path) -> None:
    tool("bundle", runs, "--out", tmp_path / "sent.zip")
    with zipfile.ZipFile(tmp_path / "sent.zip", "a") as archive:
        archive.writestr("runs/more", "x")
    done = tool("replay", tmp_path / "sent.zip")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{tmp_path}/sent.zip is no bundle that can be read" in done.stderr
    for name in ("nowhere.zip", "nowhere"):
        done = tool("replay", tmp_path / name)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    done = tool("bundle", tmp_path / "nowhere", "--out", tmp_path / "b.zip")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
