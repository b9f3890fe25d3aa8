"""Results that are kept in the checkout are what their ledgers come to, under the protocols of today."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.records import committed
from benchmarks.records.committed import differences

ONE = "toy-v2/random_search/seed0"


@pytest.mark.parametrize("folder", committed.committed(), ids=lambda folder: folder.name)
def test_kept_results_are_what_their_ledgers_come_to(folder: Path) -> None:
    assert differences(folder) == []


@pytest.fixture(scope="module")
def made() -> dict[str, Path]:
    """Where the results of this module lie, which are made once."""
    return {}


@pytest.fixture
def results(tool, made: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    if not made:
        made["here"] = tmp_path_factory.mktemp("made") / "toy"
        asked = ("toy", "--strategy", "random_search", "--seed", 0, 1, "--jobs", 1, "--work-dir", made["here"])
        assert tool("run_benchmark", *asked).returncode == 0
        assert tool("make_leaderboard", made["here"], "--out", made["here"]).returncode == 0
    shutil.copytree(made["here"], tmp_path / "results/toy")
    return tmp_path / "results/toy"


def change(path: Path, entry: Callable[[Any], Any]) -> None:
    content = json.loads(path.read_text())
    entry(content)
    path.write_text(json.dumps(content))


def test_whole_results_have_no_differences(results: Path) -> None:
    assert committed.committed(results.parent) == [results]
    assert committed.committed(results / "nowhere") == []
    assert differences(results) == []


def one_digit(path: Path, old: str) -> None:
    """Raise the last digit of a number in a text by one, or lower it."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, old[:-1] + str(int(old[-1]) ^ 1), 1))


def test_a_digit_is_found_wherever_it_was_changed(results: Path) -> None:
    mean = json.loads((results / "leaderboard.json").read_text())[0]["score"]["mean"]
    images = json.loads((results / ONE / "study.json").read_text())["cost"]["search"]["images"]
    for name, number, sentence in (
        ("leaderboard.json", repr(mean), "score, mean is"),
        ("leaderboard.md", f"{mean:.2f}", "leaderboard.md, line 5 is"),
        (f"{ONE}/study.json", f'"images": {images}', "images, study.json says otherwise"),
    ):
        before = (results / name).read_text()
        one_digit(results / name, number)
        assert any(sentence in found for found in differences(results)), name
        (results / name).write_text(before)
    assert differences(results) == []


def test_what_is_not_there_is_named(results: Path) -> None:
    (results / "leaderboard.md").unlink()
    (results / "leaderboard.json").unlink()
    assert sorted(sentence.partition(" has no ")[2] for sentence in differences(results)) == [
        "leaderboard.json: write it with tools/make_leaderboard.py",
        "leaderboard.md: write it with tools/make_leaderboard.py",
    ]


def other_protocols(results: Path) -> list[str]:
    return [
        one for one in differences(results) if any(word in one for word in ("protocol is", "rules", "no benchmark"))
    ]


def test_a_protocol_that_is_not_todays_is_named(results: Path) -> None:
    config = results / ONE / "config.json"
    change(config, lambda content: content.update(protocol_hash="0123456789abcdef"))
    (sentence,) = other_protocols(results)
    assert "seed0: its protocol is 0123456789abcdef, and that of toy-v2 today" in sentence
    change(config, lambda content: content["benchmark"]["budget"].update(trials=999))
    assert any(
        one.endswith("seed0: its rules are not those of toy-v2 in this checkout") for one in other_protocols(results)
    )
    change(config, lambda content: content["benchmark"].update(id="toy-v1"))
    change(results / ONE / "study.json", lambda content: content.update(benchmark="toy-v1"))
    (sentence,) = other_protocols(results)
    assert sentence.endswith("seed0: there is no benchmark toy-v1 in this checkout")


def test_of_data_that_are_not_here_there_is_no_hash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # where there is no data/camvid
    committed._today.cache_clear()
    assert committed._today("camvid-decoder-v2") is None
    assert committed._today("toy-v2") is not None
