"""What was found out about a data set's files is known to later processes, as long as the files are the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tasks.looks
from core import build
from tasks.data import Data
from tasks.files import decode
from tasks.looks import looks_kept_in
from tasks.registry import DATA
from tasks.restoration import folders as restoration
from tasks.restoration.task import RestorationTask

SPLITS = ("train", "val")
Read = list[str]


def aged(root: Path, by: int = 10) -> None:
    """Change the time of all files to one that long ago."""
    for path in root.rglob("*.*"):
        os.utime(path, ns=(then := path.stat().st_mtime_ns - by * 10**9, then))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """The names of the files that are decoded or hashed, as they are."""
    names: Read = []

    def noted(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda path, *more: names.append(path.name) or function(path, *more)

    for module in ("segmentation", "depth", "classification", "restoration"):
        monkeypatch.setattr(f"tasks.{module}.folders.decode", noted(decode))
    monkeypatch.setattr(tasks.looks, "file_digest", noted(tasks.looks.file_digest))
    return names


@pytest.fixture
def depths(folder_data: Path) -> Path:
    """The pictures of `folder_data` with their label maps as depths in decimetres."""
    for split in ("train", "val", "test"):
        (folder_data / "depth" / split).mkdir(parents=True)
        for path in (folder_data / "masks" / split).iterdir():
            depth = np.array(Image.open(path)).astype(np.uint16) * 100 + 150
            Image.fromarray(depth).save(folder_data / "depth" / split / path.name)
    return folder_data


def found(cache: Path | str, config: dict[str, Any], splits: tuple[str, ...] = SPLITS) -> Any:
    """All that is found out about data, in a process of its own as far as they know."""
    with looks_kept_in(str(cache)):
        data: Data = build(DATA, config)
    said = data.fingerprint(), [list(data.problems(split)) for split in splits]
    sound = [split for split, problems in zip(splits, said[1], strict=True) if not problems]
    seen = [(data.summary(split), data.pictures(split), list(data.unscorable(split))) for split in sound]
    shapes = [data.shape(split, place) for split in sound for place in range(data.size(split))]
    data.keep()
    return said, seen, shapes


CONFIGS = {
    "segmentation": dict(type="FolderSegmentation", layout="folders"),
    "depth": dict(type="FolderDepth", metres=(0.1, 5.0)),
}


@pytest.mark.parametrize(("kind", "again"), [("segmentation", set()), ("depth", {"p0.jpg", "p0.png"})])
def test_no_file_is_read_again(kind: str, again: set[str], depths: Path, tmp_path: Path, read: Read) -> None:
    """But for the first of a split with depths, to tell whether it can be scored."""
    aged(depths)
    config = {**CONFIGS[kind], "root": str(depths)}
    alone, cache = found("", config), tmp_path / "cache"
    assert found(cache, config) == alone
    assert len(list(cache.iterdir())) == 1
    read.clear()
    assert found(cache, config) == alone
    assert set(read) == again
    assert len(read) == 2 * len(again)


def test_what_is_dealt_out_is_not_read_again(folder_data: Path, tmp_path: Path, read: Read) -> None:
    aged(folder_data)
    data = {**CONFIGS["segmentation"], "root": str(folder_data)}
    config = dict(type="ResplitSegmentation", data=data, pool="train", shares={"train": 0.5, "val": 0.5})
    first = found(tmp_path / "cache", config, ("test",))
    read.clear()
    assert found(tmp_path / "cache", config, ("test",)) == first
    assert set(read) == {"p0.jpg", "p0.png"}  # to tell whether a split can be scored


def test_a_file_that_changed_is_read_again(folder_data: Path, tmp_path: Path, read: Read) -> None:
    aged(folder_data)
    config, cache = {**CONFIGS["segmentation"], "root": str(folder_data)}, tmp_path / "cache"
    (before, *_), *_ = found(cache, config)
    image = folder_data / "images/val/p1.jpg"
    Image.fromarray(np.full((40, 48, 3), 7, np.uint8)).save(image)
    os.utime(image, ns=(1, 1))
    read.clear()
    (after, *_), *_ = changed = found(cache, config)
    assert before != after
    assert set(read) == {"p1.jpg", "p1.png"}  # an image is opened with its label map
    assert changed == found("", config)


def test_what_is_wrong_is_said_again(folder_data: Path, tmp_path: Path) -> None:
    aged(folder_data)
    config, cache = {**CONFIGS["segmentation"], "root": str(folder_data)}, tmp_path / "cache"
    (folder_data / "images/train/p3.jpg").write_bytes(b"no picture")
    (folder_data / "images/val/p0.jpg").unlink()
    alone = found("", config)
    assert [len(problems) for problems in alone[0][1]] == [1, 1]
    assert [found(cache, config) for _ in range(2)] == [alone, alone]


def test_other_settings_are_looked_at_anew(folder_data: Path, tmp_path: Path) -> None:
    config = {**CONFIGS["segmentation"], "root": str(folder_data)}
    found(tmp_path / "cache", config)
    few = {**config, "classes": ["field", "road"]}
    assert found(tmp_path / "cache", few) == found("", few) != found("", config)


@pytest.mark.parametrize("damage", [b"", b"\x80", b"0" * 64 + b"\n[{}, {}]", b"{}"])
def test_a_damaged_file_of_looks_is_made_anew(folder_data: Path, tmp_path: Path, read: Read, damage: bytes) -> None:
    aged(folder_data)
    config, cache = {**CONFIGS["segmentation"], "root": str(folder_data)}, tmp_path / "cache"
    alone = found(cache, config)
    (kept,) = cache.iterdir()
    content = kept.read_bytes()
    kept.write_bytes(damage or content[:-1])
    read.clear()
    assert found(cache, config) == alone
    assert read
    assert kept.read_bytes() == content


def test_a_file_that_may_still_change_is_hashed_again(folder_data: Path, tmp_path: Path, read: Read) -> None:
    """Two changes may have the same time stamp; what is in the file decides whether it is decoded again."""
    aged(folder_data, -3600)
    config, cache = {**CONFIGS["segmentation"], "root": str(folder_data)}, tmp_path / "cache"
    found(cache, config)
    read.clear()
    found(cache, config)
    assert len(read) == 24  # two files of each of the images


def test_of_two_writers_both_add(folder_data: Path, tmp_path: Path, read: Read) -> None:
    aged(folder_data)
    config, cache = {**CONFIGS["segmentation"], "root": str(folder_data)}, tmp_path / "cache"
    with looks_kept_in(str(cache)):
        both: list[Data] = [build(DATA, config) for _ in SPLITS]
    for data, split in zip(both, SPLITS, strict=True):
        data.check([split])
    for data in both:
        data.keep()
    read.clear()
    with looks_kept_in(str(cache)):
        build(DATA, config).check(SPLITS)
    assert read == []


@pytest.mark.parametrize(("room", "decoded"), [(0, 0), (1 << 20, 11)])
def test_a_task_keeps_looks_when_it_is_prepared(
    photos: Path, tmp_path: Path, stage: Any, read: Read, monkeypatch: pytest.MonkeyPatch, room: int, decoded: int
) -> None:
    """Images that are kept in memory are decoded early still: processes that read ahead share them."""
    monkeypatch.setattr(restoration, "MEMORY", room)
    aged(photos)
    for _ in range(2):
        read.clear()
        data = dict(type="FolderImages", root=str(photos))
        task = RestorationTask(data, str(tmp_path / "cache"), dict(type="Noise", sigma=40))
        task.fingerprint()
        task.check([stage()])
        assert not list(tmp_path.glob("cache/.*"))
        task.prepare([stage()])
    assert len(read) == decoded
