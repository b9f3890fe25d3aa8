"""check_data on images to restore: clean ones and pairs, and every wrong thing in a line."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from benchmarks.own.folder import data_of
from core import build
from tasks.data import SPLITS
from tasks.registry import DATA


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Rainy images of 20x16 with their clean ones, matched by number: three in train, two in test."""
    root = tmp_path / "pairs"
    for split, count in (("train", 3), ("test", 2)):
        for kind in ("rain", "norain"):
            (root / split / kind).mkdir(parents=True)
            for index in range(count):
                Image.new("RGB", (20, 16)).save(root / split / kind / f"{kind}-{index:03}.png")
    return root


def test_pairs(tool, pairs: Path) -> None:
    done = tool("check_data", "restoration", pairs)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["train: 3 pairs; wrong: 0", "test: 2 pairs; wrong: 0"]
    assert lines[2:] == ["dealt out: train 2, val 1, test 2", "5 images, all good"]


def test_every_wrong_thing_is_a_line(tool, pairs: Path) -> None:
    (pairs / "train/norain/norain-001.png").unlink()
    Image.new("RGB", (20, 17)).save(pairs / "train/rain/rain-002.png")
    Image.new("RGBA", (20, 16)).save(pairs / "test/rain/rain-000.png")
    done = tool("check_data", "restoration", pairs)
    assert done.returncode == 2
    assert done.stderr == "error: 3 things are wrong, see above\n"
    for sentence in (
        "rain-001.png has 0 clean images in ",
        "rain-002.png is 20x17, its clean image 20x16",
        "rain-000.png has an alpha channel",
    ):
        assert sum(sentence in line for line in done.stdout.splitlines()) == 1, done.stdout


def test_clean_images(tool, pairs: Path, tmp_path: Path) -> None:
    (pairs / "train/rain").rename(tmp_path / "train")
    done = tool("check_data", "restoration", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "train: 3 images; wrong: 0\ndealt out: train 1, val 1, test 1\n3 images, all good" in done.stdout


def test_a_benchmark_names_the_folders(tool, pairs: Path, tmp_path: Path) -> None:
    data = "dict(type='FolderPairs', root='elsewhere', degraded='norain', clean='rain', splits={'val': 'test'})"
    config = tmp_path / "pairs.py"
    config.write_text(f"benchmark = dict(task=dict(data={data}))\nstrategy = dict()\n")
    done = tool("check_data", "restoration", pairs, "--config", config)
    assert done.returncode == 0, done.stderr
    assert "val: 2 pairs; wrong: 0" in done.stdout


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([], "has no split 'train', and no images without a split"),
        (["val/a.png"], "has no split 'train', and no images without a split"),
        (["a.png", "b.png"], "2 different pictures cannot be dealt out to train, val, test"),
        (["a.png", "b.png", "c.png"], ""),
        (["train/a.png", "test/b.png"], "1 different pictures cannot be dealt out to train, val"),
    ],
)
def test_a_folder_is_good_for_the_checker_where_it_is_for_a_search(
    tool, tmp_path: Path, files: list[str], sentence: str
) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        Image.new("RGB", (20, 16)).save(tmp_path / file)
    done = tool("check_data", "restoration", tmp_path)
    assert (done.returncode, sentence in done.stderr, done.stderr.count("\n")) == (
        2 * bool(sentence),
        True,
        bool(sentence),
    )
    if sentence:
        with pytest.raises(ValueError, match=sentence):
            build(DATA, data_of("restoration", tmp_path))
    else:
        assert (
            done.stdout == "without splits: 3 images; wrong: 0\ndealt out: train 1, val 1, test 1\n3 images, all good\n"
        )
        build(DATA, data_of("restoration", tmp_path)).check(SPLITS, SPLITS[1:])
