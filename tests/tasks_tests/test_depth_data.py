"""Depths in folders and the embedded rooms: what is read, what is refused, and that geometry holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core import build
from tasks import rooms, scenes
from tasks.depth.data import ScenesDepth
from tasks.depth.folders import FolderDepth, recognise
from tasks.registry import DATA


def depths(seed: int) -> np.ndarray:
    """(6, 8) millimetres; one pixel was not measured, one is too far away."""
    values = np.random.default_rng(seed).integers(500, 9000, (6, 8)).astype(np.uint16)
    values[0, 0], values[0, 1] = 0, 20_000
    return values


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for split, count in (("train", 3), ("test", 1)):
        for name in ("images", "depth"):
            (tmp_path / name / split).mkdir(parents=True)
        for index in range(count):
            values = depths(10 * len(split) + index)
            picture = np.random.default_rng(index + count).integers(0, 255, (6, 8, 3)).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / f"images/{split}/{index}.jpg")
            if index:
                Image.fromarray(values).save(tmp_path / f"depth/{split}/{index}.png")
            else:
                np.save(tmp_path / f"depth/{split}/{index}.npy", values / 1000)
    return tmp_path


def test_pictures_and_arrays_are_metres(folder: Path) -> None:
    data = recognise(folder)
    assert (data.size("train"), data.size("test")) == (3, 1)
    for index in range(3):
        image, depth = data.read("train", index)
        assert (image.shape, depth.dtype) == ((6, 8, 3), np.float32)
        assert np.allclose(depth, depths(50 + index) / 1000, atol=1e-6)
    assert data.summary("train").startswith("3 images; 95.8% of the pixels have a depth of 0.")
    data.check(["train", "test"])
    (folder / "depth").rename(folder / "annotations")  # as MMSegmentation calls it
    assert recognise(folder).depths == "annotations"
    (folder / "annotations/train/0.npy").rename(folder / "annotations/train/0.NPY")
    assert np.allclose(recognise(folder).read("train", 0)[1], depths(50) / 1000, atol=1e-6)
    in_centimetres = build(DATA, dict(type="FolderDepth", root=str(folder), unit=0.01, metres=[1, 80]))
    assert np.allclose(in_centimetres.read("train", 1)[1], depths(51) / 100, atol=1e-5)
    assert in_centimetres.fingerprint() != recognise(folder).fingerprint()


def test_an_array_that_is_not_finite_was_not_measured(folder: Path) -> None:
    np.save(folder / "depth/test/0.npy", np.full((6, 8), np.nan))
    data = FolderDepth(str(folder))
    assert (data.read("test", 0)[1] == 0).all()
    assert list(data.problems("test")) == [
        "split 'test' has no depth from 0.1 to 10 m: are unit (0.001 m) and metres those of the files?"
    ]


def test_what_is_dealt_out_without_a_depth_is_not_scored(folder: Path) -> None:
    for place in (folder / "depth/train").iterdir():
        place.unlink()
    for index in range(3):
        np.save(folder / f"depth/train/{index}.npy", np.full((6, 8), 1.0 if index else np.nan))
    dealt = build(DATA, dict(type="ResplitDepth", data=dict(type="FolderDepth", root=str(folder)), pool="train"))
    (empty,) = [split for split in ("train", "val", "test") if not dealt.read(split, 0)[1].any()]
    with pytest.raises(ValueError, match=f"split '{empty}' has no depth from 0.1 to 10 m, which scores refer to"):
        dealt.check(["train"], ["train", "val", "test"])


def _cut_off(path: Path) -> None:
    np.save(path, np.zeros((6, 8)))
    path.write_bytes(path.read_bytes()[:70])


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (10**8, 10**8)}
        np.lib.format.write_array_header_1_0(file, header)


def _zipped(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, np.zeros((6, 8)))


def _wrong_size(path: Path) -> None:
    Image.fromarray(np.zeros((3, 3), np.uint16)).save(path)


@pytest.mark.parametrize(
    ("name", "write", "sentence"),
    [
        ("1.png", _wrong_size, "is 3x3, its image 8x6"),
        ("1.png", lambda path: Image.new("RGB", (8, 6)).save(path), "no depth map .mode RGB.: save depths as 16-bit"),
        ("1.png", lambda path: path.write_bytes(b"x"), "cannot be decoded"),
        ("1.png", lambda path: path.unlink(), "1.png is missing"),
        ("0.npy", lambda path: path.write_bytes(b"x"), "0.npy cannot be read as an array"),
        ("0.npy", _cut_off, "0.npy cannot be read as an array"),
        ("0.npy", _huge, "0.npy cannot be read as an array"),
        ("0.npy", _zipped, "0.npy cannot be read as an array"),
        ("0.npy", lambda path: np.save(path, np.zeros((10_000, 10_000), bool)), r"bool \(10000, 10000\): save"),
        ("0.npy", lambda path: np.save(path, np.zeros((10_000, 10_000), np.uint8)), "has more than 89 megapixels"),
        ("0.npy", lambda path: np.save(path, np.zeros((6, 8, 3))), r"float64 \(6, 8, 3\): save \(height, width\)"),
        ("0.npy", lambda path: np.save(path, np.array([object()]), allow_pickle=True), "cannot be read as an array"),
    ],
)
def test_what_is_wrong_with_a_file_is_a_sentence(folder: Path, name: str, write: Any, sentence: str) -> None:
    write(folder / "depth/train" / name)
    with pytest.raises(ValueError, match=sentence):
        FolderDepth(str(folder)).check(["train"])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (dict(unit=0), "unit must be a positive number of metres, at most 1000, not 0"),
        (dict(unit=1e308), "unit must be a positive number of metres, at most 1000, not 1e"),
        (dict(metres=[5, 1]), r"metres must be two rising positive numbers, not \[5"),
        (dict(depths="disparity"), "depths must be one of depth, annotations, not 'disparity'"),
    ],
)
def test_wrong_settings_are_refused(folder: Path, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        build(DATA, dict(type="FolderDepth", root=str(folder), **settings))


def test_check_data(tool: Any, folder: Path) -> None:
    done = tool("check_data", "depth", folder)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "4 images, all good")
    (folder / "depth/train/2.png").unlink()
    done = tool("check_data", "depth", folder)
    assert (done.returncode, "depth/train/2.png is missing" in done.stdout) == (2, True)
    with pytest.raises(ValueError, match="has no images beside depth or annotations"):
        recognise(folder / "images")


def test_rooms_are_pinned() -> None:
    """A change of one pixel is a new version of every benchmark on the rooms: make it rooms-v2."""
    assert rooms.fingerprint() == "bf93e9d03499c4c9"
    data = ScenesDepth()
    for split in scenes.COUNTS:
        seen = np.stack([data.read(split, index)[1] for index in range(data.size(split))])
        assert data.nearest < seen.min()
        assert seen.max() < data.farthest


def test_a_rooms_geometry_is_a_cameras() -> None:
    """The lowest row is floor: all of it at one depth, and that is height x focal length / rows below the horizon."""
    for room in rooms.rooms("val")[:8]:
        floor = np.median(room.depth, axis=1)  # of each row
        wall = floor[0]
        rows = np.flatnonzero((floor < wall - 1e-3) & (np.arange(rooms.SIZE) > 110))
        horizons = rows + 0.5 - rooms.FOCAL * rooms.HEIGHT / floor[rows]
        assert np.percentile(horizons, 90) - np.percentile(horizons, 10) < 1e-3
        assert 24 <= np.median(horizons) <= 76


def test_a_shape_twice_as_far_is_half_as_large() -> None:
    near, far = (rooms.standing(2, 0.3, 0.4, 0.0, z, 46.0).sum() for z in (3.0, 6.0))
    assert near / far == pytest.approx(4, rel=0.1)
