"""Names of images to restore: twins, accents, hidden files, sources that overlap, settings that make no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core import build
from tasks.registry import DATA
from tasks.restoration.folders import FolderImages, FolderPairs


def picture(path: Path, shape: tuple[int, ...] = (12, 16, 3), seed: int = 0) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(values).save(path)
    return values


def test_two_degraded_images_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("in/a.png", "in/a.bmp", "out/a.png"):
        picture(tmp_path / "test" / name)
    with pytest.raises(ValueError, match=r"in/a\.png has the name of a\.bmp: keep one, or rename it"):
        FolderPairs(str(tmp_path), "in", "out").check(["test"])


def test_names_are_compared_however_accents_are_written(tmp_path: Path) -> None:
    for name in ("in/e\u0301.png", "in/._e\u0301.png", "out/\xe9.jpg"):
        picture(tmp_path / "test" / name)
    (tmp_path / "some.txt").write_bytes("\ufeffx\r\n".encode())
    picture(tmp_path / "deep/er/x.png")
    data = FolderPairs(str(tmp_path), "in", "out")
    data.check(["test"])
    assert data.size("test") == 1
    assert FolderImages(str(tmp_path), {"test": "some.txt"}).size("test") == 1


def test_an_image_twice_in_a_split_is_refused(tmp_path: Path) -> None:
    for index in range(4):
        picture(tmp_path / f"train/{index}.png", seed=index)
    with pytest.raises(ValueError, match=r"2\.png is in split 'all' more than once: name it once in `splits`"):
        FolderImages(str(tmp_path), {"all": ["train[:3]", "train[2:]"]}).check(["all"])
    with pytest.raises(ValueError, match=r"the source 'train\[::0\]' has steps of 0"):
        FolderImages(str(tmp_path), {"all": "train[::0]"}).check(["all"])


def test_a_pair_of_gray_and_colours(tmp_path: Path) -> None:
    """Gray counts as three equal channels."""
    level = picture(tmp_path / "test/in/a.png", (12, 16))
    picture(tmp_path / "test/out/a.png")
    degraded, clean = FolderPairs(str(tmp_path), "in", "out").read("test", 0)
    assert (degraded == level[..., None]).all()
    assert degraded.shape == clean.shape


def test_the_validation_split_may_be_called_valid(tmp_path: Path) -> None:
    picture(tmp_path / "valid/a.png")
    assert FolderImages(str(tmp_path)).size("val") == 1


@pytest.mark.parametrize("settings", [dict(splits="val"), dict(splits={"val": 3}), dict(gray="yes"), dict(root=3)])
def test_settings_of_a_wrong_type_are_refused(tmp_path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"of data set 'FolderImages' must be "):
        build(DATA, {"type": "FolderImages", "root": str(tmp_path), **settings})
