"""check_data on images to restore: clean ones and pairs, and every wrong thing in a line."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run check_data in this process, as its start takes long: exit code, standard output and standard error."""
    monkeypatch.syspath_prepend(TOOLS)
    module = importlib.import_module("check_data")

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["check_data", "restoration", *map(str, arguments)])
        try:
            code = module.main()
        except SystemExit as exit:
            code = exit.code
        return code, *capsys.readouterr()

    return run


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
    assert lines[0] == "train: 3 pairs; wrong: 0"
    assert lines[1].startswith("val: not there (there are no folders val/rain and val/norain in ")
    assert lines[2:] == ["test: 2 pairs; wrong: 0", "5 images, all good"]


def test_every_wrong_thing_is_a_line(check, pairs: Path) -> None:
    (pairs / "train/norain/norain-001.png").unlink()
    Image.new("RGB", (20, 17)).save(pairs / "train/rain/rain-002.png")
    Image.new("RGBA", (20, 16)).save(pairs / "test/rain/rain-000.png")
    code, out, err = check(pairs)
    assert code == 2
    assert err == "error: 3 things are wrong, see above\n"
    for sentence in (
        "rain-001.png has 0 clean images in ",
        "rain-002.png is 20x17, its clean image 20x16",
        "rain-000.png has an alpha channel",
    ):
        assert sum(sentence in line for line in out.splitlines()) == 1, out


def test_clean_images(check, pairs: Path, tmp_path: Path) -> None:
    (pairs / "train/rain").rename(tmp_path / "val")
    code, out, err = check(tmp_path)
    assert code == 0, err
    assert "val: 3 images; wrong: 0" in out
    assert "3 images, all good" in out


def test_a_benchmark_names_the_folders(check, pairs: Path, tmp_path: Path) -> None:
    data = "dict(type='FolderPairs', root='elsewhere', degraded='norain', clean='rain', splits={'val': 'test'})"
    config = tmp_path / "pairs.py"
    config.write_text(f"benchmark = dict(task=dict(data={data}))\nstrategy = dict()\n")
    code, out, err = check(pairs, "--config", config)
    assert code == 0, err
    assert "val: 2 pairs; wrong: 0" in out


def test_what_cannot_be_opened_is_one_line(check, tmp_path: Path) -> None:
    for folder, sentence in ((tmp_path / "nowhere", "there is no folder"), (tmp_path, "has no split train or val")):
        code, _, err = check(folder)
        assert code == 2
        assert sentence in err
        assert len(err.splitlines()) == 1
