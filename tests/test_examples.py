"""What examples/ has runs, a script a task, and what it says it makes is there."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MADE = {
    "segmentation": ("network/network.py", "seen.png", "runs/tiny-segmentation-v1/random_search/seed0/study.json"),
    "detection": ("runs/tiny-detection-v1/plain_fcos/seed0/study.json",),
    "restoration": ("network/network.safetensors", "restored.png"),
    "classification": ("runs/tiny-classification-v1/random_search/seed0/study.json",),
}
SAID = {
    "segmentation": "mIoU on the test images",
    "detection": "| random_search",
    "restoration": "dB on the test image",
    "classification": "trial 1: ",
}


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
    from benchmarks.own.folder import data_of
    from core import build
    from tasks.registry import DATA

    script = runpy.run_path(str(ROOT / "examples/write_folder.py"))
    fields, count = script["fields"], {"train": 3, "val": 1, "test": 1}
    monkeypatch.setitem(script["classification"].__globals__, "EVERY", 500)
    script["TASKS"][task]([field for split in count for field in fields(split)[: count[split]]], tmp_path)
    data = build(DATA, data_of(task, tmp_path))
    data.check(("train", "val", "test"), ("val", "test"))
    assert data.size("train") >= data.size("test") >= 1
