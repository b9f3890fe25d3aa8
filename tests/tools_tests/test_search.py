"""search.py: from a bare folder to an exported network and its page, in small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


def photographs(folder: Path, count: int = 6) -> None:
    import skimage.data

    (folder / "noisy").mkdir(parents=True)
    (folder / "clean").mkdir()
    rng, whole = np.random.default_rng(0), skimage.data.astronaut()
    for index in range(count):
        clean = whole[60 * index : 60 * index + 64, 100:180]
        noisy = (clean + rng.normal(0, 25, clean.shape)).clip(0, 255).round().astype(np.uint8)
        Image.fromarray(clean).save(folder / "clean" / f"{index}.png")
        Image.fromarray(noisy).save(folder / "noisy" / f"{index}.png")


@pytest.mark.slow
def test_from_a_folder_to_a_network(tool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photographs(tmp_path / "photos")
    monkeypatch.setattr("benchmarks.own.plan.SEARCH", 0.02)  # a test has no minutes
    monkeypatch.setattr("benchmarks.own.plan.FINAL", 0.02)
    out = tmp_path / "found"
    what = ["search", "restoration", "--data", tmp_path / "photos", "--minutes", "1", "--out", out]
    done = tool(*what, "--limit", "params=12k")
    assert done.returncode == 0, done.stderr
    about = json.loads((out / "network/model.json").read_text())
    assert about["params"] <= 12_000
    assert about["metrics"]["PSNR"] > 5
    assert {"network.py", "network.safetensors", "network.onnx", "config.py"} <= {
        path.name for path in (out / "network").iterdir()
    }
    assert (out / "page/index.html").is_file()
    before = (out / "protocol.json").read_text()
    again = tool(*what, "--limit", "params=12k")
    assert again.returncode == 0, again.stderr
    assert (out / "protocol.json").read_text() == before
    other = tool(*what, "--limit", "params=13k")
    assert (other.returncode, "another --limit" in other.stderr) == (2, True)


def test_what_is_wrong_is_said_before_anything_is_made(tool: Any, tmp_path: Path) -> None:
    photographs(tmp_path / "photos")
    for arguments, words in (
        (["restoration", "--data", tmp_path / "nowhere"], "no folder"),
        (["restoration", "--data", tmp_path / "photos", "--limit", "size=3"], "choose one of params"),
        (
            ["restoration", "--data", tmp_path / "photos", "--minutes", "0"],
            "--minutes must be from 1 to 100,000, not 0",
        ),
        (["restoration", "--data", tmp_path / "photos", "--encoder", "x.pth"], "leave it out"),
        (["segmentation", "--data", tmp_path / "photos", "--encoder", "x.pth"], "there is no file"),
        (["segmentation", "--data", tmp_path / "photos"], "none of the layouts"),
        (["restoration", "--data", tmp_path / "photos", "--limit", "params=10"], "allow more"),
    ):
        done = tool("search", *arguments, "--out", tmp_path / "found")
        assert done.returncode == 2, done.stderr
        assert words in done.stderr.splitlines()[-1], done.stderr
        assert not (tmp_path / "found/protocol.json").exists()
