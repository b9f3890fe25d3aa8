"""check_data on label maps, and what all kinds of data share: classes seen, wrong files, folders that are none."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def test_label_maps(tool, folder_data: Path) -> None:
    done = tool("check_data", "segmentation", folder_data)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("train: 6 images; classes field ")
    assert done.stdout.endswith("12 images, all good\n")


def test_every_wrong_thing_is_a_line(tool, folder_data: Path) -> None:
    (folder_data / "masks/train/p1.png").unlink()
    (folder_data / "images/val/p2.jpg").write_text("x")
    done = tool("check_data", "segmentation", folder_data)
    assert done.returncode == 2
    assert "masks/train/p1.png is missing" in done.stdout
    assert "images/val/p2.jpg cannot be decoded" in done.stdout
    assert done.stderr == "error: 2 things are wrong, see above\n"


@pytest.mark.parametrize("task", ["segmentation", "detection", "restoration", "classification", "depth", "keypoints"])
def test_a_folder_that_is_not_there_is_one_line(tool, tmp_path: Path, task: str) -> None:
    done = tool("check_data", task, tmp_path / "nowhere")
    assert done.returncode == 2
    assert "there is no folder" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_label_values_without_names(tool, tmp_path: Path) -> None:
    for kind, mode in (("images", "RGB"), ("masks", "L")):
        (tmp_path / kind / "train").mkdir(parents=True)
        for value in range(3):
            Image.new(mode, (9, 8), (value,) * len(mode)).save(tmp_path / kind / f"train/{value}.png")
    for path in (tmp_path / "masks/train").iterdir():
        Image.fromarray(np.tile(np.arange(3, dtype=np.uint8), (8, 3))).save(path)
    done = tool("check_data", "segmentation", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "3 images; classes 0 33.3%, 1 33.3%, 2 33.3%" in done.stdout
    for value in range(3):
        Image.new("L", (9, 8)).save(tmp_path / f"masks/train/{value}.png")
    done = tool("check_data", "segmentation", tmp_path)
    assert (done.returncode, "labels of fewer than two classes" in done.stdout) == (2, True)


def test_camvid(tool, shared) -> None:
    done = tool("check_data", "segmentation", shared("camvid"))
    assert done.returncode == 0, done.stderr
    assert "176 images, all good" in done.stdout


@pytest.mark.parametrize(("change", "sentence"), [
    ("'task': 'segmentation'", "task of the benchmark of .* must be a dict, not 'segmentation'"),
    ("'task.data': 'roads'", "the data of .* must be a dict, not 'roads'"),
    ("'task.data': dict(type='ResplitSegmentation', data='roads')", "the data of .* must be a dict, not 'roads'"),
    ("'stages': 3", "stages of the benchmark of .* must be a list, not 3"),
    ("'final': 'x'", "final of the benchmark of .* must be a dict, not 'x'"),
    ("'final.view': 'x'", "view of .* must be a dict, not 'x'"),
    ("'final.view.train': 'train'", "train of .* must be a list, not 'train'"),
])  # fmt: skip
def test_a_benchmark_that_says_nothing_about_data(
    tool, folder_data: Path, tmp_path: Path, change: str, sentence: str
) -> None:
    data = "'task.data': dict(type='FolderSegmentation', root='x', layout='folders')"
    path = tmp_path / "mine.py"
    path.write_text(f"like = 'camvid-decoder-v2'\nbenchmark = {{'id': 'my-roads-v1', {data}, {change}}}\n")
    done = tool("check_data", "segmentation", folder_data, "--config", path)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert re.search(sentence, done.stderr), done.stderr
