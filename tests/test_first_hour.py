"""A first hour: the pages about a strategy, a space and a task of one's own, followed to the letter, and what examples/ has.

In one file, and so in one process, as all of it sees the same embedded images.
"""

from __future__ import annotations

import json
import re
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stranger import steps

from benchmarks.catalogue import read_protocol
from benchmarks.own.folder import data_of
from core import build
from search_spaces import SPACES
from tasks.registry import DATA

ROOT = Path(__file__).resolve().parents[1]
SHORT = [
    "benchmark.budget.trials=1", "benchmark.space.layers=1", "benchmark.stages.0.recipe.epochs=1",
    "benchmark.final.recipe.epochs=1", "benchmark.stages.0.view.share=0.02", "benchmark.final.view.share=0.02",
]  # fmt: skip

MADE = {
    "segmentation": ("network/network.py", "seen.png", "runs/tiny-segmentation-v1/random_search/seed0/study.json"),
    "detection": ("runs/tiny-detection-v1/plain_fcos/seed0/study.json",),
    "restoration": ("network/network.safetensors", "restored.png"),
    "classification": ("runs/tiny-classification-v1/random_search/seed0/study.json",),
    "depth": ("runs/tiny-depth-v1/SEG-0/seed0/study.json", "runs/tiny-depth-v1/fcn/seed0/study.json"),
    "keypoints": ("network1.pth", "truth.png", "answer.png"),
}
SAID = {
    "segmentation": "mIoU on the test images",
    "detection": "| random_search",
    "restoration": "dB on the test image",
    "classification": "trial 1: ",
    "depth": "SEG-0: ",
    "keypoints": " PCKh after ",
}


def written(page: str, folder: Path) -> list[str]:
    """Write the files of a page, of less than 60 lines each, below a folder; its commands."""
    found = []
    for place, content in steps((ROOT / "docs" / page).read_text()):
        if place:
            assert len(content.splitlines()) < 60, place
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_text(content)
        else:
            found.append(content)
    return found


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages about a space and a task say, in a folder of its own."""
    folder = tmp_path_factory.mktemp("stranger")
    (command,) = written("first_space.md", folder)
    assert command == "python tools/run_benchmark.py mine/denoise.py --strategy random_search dncnn"
    (command,) = written("first_task.md", folder)
    assert command == "python tools/run_benchmark.py mine/edges_benchmark.py"
    return folder / "mine"


@pytest.mark.parametrize(("config", "metric"), [("denoise", "PSNR"), ("edges_benchmark", "accuracy")])
def test_a_space_and_a_task_lead_to_a_row(
    tool: Callable[..., Any], mine: Path, tmp_path: Path, config: str, metric: str
) -> None:
    asked = ("--strategy", "random_search", "--work-dir", tmp_path, "--cfg-options", *SHORT)
    done = tool("run_benchmark", mine / f"{config}.py", *asked)
    assert done.returncode == 0, done.stderr
    (study,) = tmp_path.glob("*/random_search/seed0/study.json")
    assert json.loads(study.read_text())["answers"][0]["final"]["metrics"][metric] > 10
    assert f"| {metric}" in done.stdout


def test_the_space_spells_equal_networks_alike(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(mine)
    space = build(SPACES, dict(type="plain.Plain"))
    gap = space.architecture({"width": 8, "layer0": "none", "layer1": "5x5", "layer2": "none", "layer3": "3x3"})
    end = space.architecture({"width": 8, "layer0": "5x5", "layer1": "3x3", "layer2": "none", "layer3": "none"})
    assert gap == end
    assert space.model(gap)["network"]["kernels"] == [5, 3]


def test_a_strategy_leads_to_a_row(tool: Callable[..., Any], tmp_path: Path) -> None:
    """In this checkout, as the page has it: the file is taken away again."""
    commands = written("first_strategy.md", tmp_path)
    assert len(commands) == 3
    shutil.copy(ROOT / "benchmarks/configs/toy-v2/protocol.py", tmp_path / "benchmarks/configs/toy-v2")
    place = "strategies/climbing.py"
    assert len((tmp_path / place).read_text().strip().splitlines()) <= 25
    assert not (ROOT / place).exists()
    assert Path(place).stem not in read_protocol("toy")["strategies"]  # whose rows lie in the same folder
    try:
        shutil.copy(tmp_path / place, ROOT / place)
        runs = ("--work-dir", tmp_path / "runs")
        assert tool("run_benchmark", "toy", "--strategy", "random_search", *runs).returncode == 0
        done = tool("run_benchmark", tmp_path / "benchmarks/configs/toy-v2/climbing.py", *runs)
    finally:
        (ROOT / place).unlink()
    assert done.returncode == 0, done.stderr
    done = tool("make_leaderboard", tmp_path / "runs", "--out", tmp_path / "board", "--check")
    assert done.returncode == 0, done.stderr
    assert re.search(r"\| climbing +\| +3 ", done.stdout)
    assert "| random_search" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE)
def test_an_example(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [f"{name}.py", str(tmp_path)])
    runpy.run_path(str(ROOT / f"examples/{name}.py"), run_name="__main__")
    assert all((tmp_path / made).is_file() for made in MADE[name])
    assert SAID[name] in capsys.readouterr().out


@pytest.mark.parametrize("task", sorted(MADE))
def test_a_folder_that_somebody_might_have(task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """tools/search.py recognises it, and nothing in it is wrong."""
    script = runpy.run_path(str(ROOT / "examples/write_folder.py"))
    source, count = script["SOURCES"].get(task, script["fields"]), {"train": 3, "val": 1, "test": 1}
    monkeypatch.setitem(script["classification"].__globals__, "EVERY", 500)
    script["TASKS"][task]([one for split in count for one in source(split)[: count[split]]], tmp_path)
    data = build(DATA, data_of(task, tmp_path))
    data.check(("train", "val", "test"), ("val", "test"))
    assert data.size("train") >= data.size("test") >= 1
