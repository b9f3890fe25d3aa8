"""What is kept on disk: never half made, shared by processes, readable by others."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from tasks.cache import NOTE, _own, cached
from tasks.cost import Cost, Meter
from tasks.features import _reserved


def kept(root: Path, text: str = "x", **settings) -> tuple[str, Cost]:
    """What lies in the cache for one identity, `text` where it is made now."""
    meter = Meter()

    def make(folder: Path) -> None:
        meter.count(3, (2, 2))
        (folder / "content").write_text(text)

    folder, cost = cached(root, "thing", {"a": 1}, make, meter, **settings)
    return (folder / "content").read_text(), cost


def only(root: Path) -> Path:
    return next(root.glob("thing-*"))


def test_made_once_and_paid_once(tmp_path: Path) -> None:
    first, cost = kept(tmp_path)
    assert (first, cost.images, cost.pixels) == ("x", 3, 12)
    assert kept(tmp_path, "y") == ("x", cost)


@pytest.mark.parametrize("note", [None, "", "{", '{"identity": 1}', '{"cost": {"dogs": 1}}'])
def test_a_folder_without_a_readable_note_is_set_aside_and_made_again(tmp_path: Path, capsys, note) -> None:
    kept(tmp_path)
    (only(tmp_path) / NOTE).unlink() if note is None else (only(tmp_path) / NOTE).write_text(note)
    assert kept(tmp_path, "y")[0] == "y"
    assert kept(tmp_path, "z")[0] == "y"
    assert [path.name.rsplit(".", 1)[-1] for path in tmp_path.glob("*.bad")] == ["bad"]
    assert "has no readable made_from.json: set aside as" in capsys.readouterr().err


def test_what_has_a_flaw_is_made_again_once(tmp_path: Path) -> None:
    kept(tmp_path, "old")

    def flaw(folder: Path) -> str | None:
        return None if (folder / "content").read_text() == "new" else "is old"

    assert kept(tmp_path, "new", flaw=flaw)[0] == "new"
    with pytest.raises(ValueError, match=r"thing-\w+ is wrong, also made anew"):
        kept(tmp_path, "new", flaw=lambda folder: "is wrong")


def test_of_two_that_finish_together_both_use_the_first(tmp_path: Path, monkeypatch) -> None:
    rename = os.rename

    def late(part: Path, folder: Path) -> None:
        monkeypatch.setattr(os, "rename", rename)
        kept(tmp_path, "first")
        rename(part, folder)

    monkeypatch.setattr(os, "rename", late)
    assert kept(tmp_path, "second")[0] == "first"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failed_making_leaves_nothing(tmp_path: Path) -> None:
    def make(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached(tmp_path, "thing", {}, make, Meter())
    assert not list(tmp_path.iterdir())


def test_a_team_can_read_it(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        kept(tmp_path / "shared")
    finally:
        os.umask(before)
    assert stat.S_IMODE(only(tmp_path / "shared").stat().st_mode) == 0o755


@pytest.mark.parametrize("name", ["content", NOTE])
def test_a_flipped_byte_anywhere_is_found_and_made_again(tmp_path: Path, capsys, name: str) -> None:
    kept(tmp_path, "x" * 40)
    size = (only(tmp_path) / name).stat().st_size
    for place in range(0, size, max(1, size // 12)):
        (damaged,) = [folder for folder in tmp_path.glob("thing-*") if not folder.name.endswith(".bad")]
        data = bytearray((damaged / name).read_bytes())
        data[place % len(data)] ^= 0b1
        if json_equal(bytes(data), (damaged / name).read_bytes()):
            continue  # a blank between two entries
        (damaged / name).write_bytes(data)
        assert kept(tmp_path, "y" * 40)[0] == "y" * 40
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert f"{damaged} has" in said


def json_equal(one: bytes, other: bytes) -> bool:
    try:
        return json.loads(one) == json.loads(other)
    except ValueError:
        return False


def test_a_file_that_is_gone_is_found(tmp_path: Path, capsys) -> None:
    kept(tmp_path)
    (only(tmp_path) / "content").unlink()
    assert kept(tmp_path, "y")[0] == "y"
    assert "has no content: set aside as" in capsys.readouterr().err


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to(path)])
@pytest.mark.parametrize("name", ["content", NOTE, ""])
def test_what_is_no_file_and_no_folder_is_made_again(tmp_path: Path, capsys, name: str, make) -> None:
    kept(tmp_path)
    place = only(tmp_path) / name
    place.rename(tmp_path / "away")
    make(place)
    assert kept(tmp_path, "y")[0] == "y"
    assert "set aside as" in capsys.readouterr().err
    assert kept(tmp_path, "z")[0] == "y"


@pytest.mark.parametrize(("name", "again"), [("teacher.npy", True), ("more/tap9.npy", True), (".DS_Store", False)])
def test_a_file_that_nobody_wrote_is_damage(tmp_path: Path, capsys, name: str, again: bool) -> None:
    kept(tmp_path)
    stray = only(tmp_path) / name
    stray.parent.mkdir(exist_ok=True)
    stray.touch()
    assert kept(tmp_path, "y")[0] == ("y" if again else "x")
    assert (f"has a {name} that was not written: set aside as" in capsys.readouterr().err) == again


def test_what_a_killed_process_was_making_is_removed_and_what_a_living_one_makes_is_not(tmp_path: Path) -> None:
    dead = tmp_path / ".features-0123456789abcdef-01234567"
    dead.mkdir()
    (tmp_path / ".somebody-elses-folder").mkdir()
    with _own(tmp_path / "features-0123456789abcdef") as alive:
        kept(tmp_path)
        assert alive.is_dir()
    assert not dead.exists()
    assert not alive.exists()
    assert (tmp_path / ".somebody-elses-folder").is_dir()


def test_an_array_is_reserved_before_it_is_written(tmp_path: Path) -> None:
    array = _reserved(tmp_path / "tap.npy", np.dtype("float16"), (1000, 8, 8, 4))
    status = (tmp_path / "tap.npy").stat()
    assert status.st_blocks * 512 >= array.nbytes
    array[3] = 2.0
    array.flush()  # type: ignore[attr-defined]
    again = np.load(tmp_path / "tap.npy")
    assert (again.shape, again.dtype, again[3].min(), again[4].max()) == ((1000, 8, 8, 4), np.float16, 2.0, 0.0)


def test_a_disk_without_room_is_an_error_that_names_the_file(tmp_path: Path, monkeypatch) -> None:
    def full(*arguments: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*tap\.npy'"):
        _reserved(tmp_path / "tap.npy", np.dtype("float16"), (10, 10))
