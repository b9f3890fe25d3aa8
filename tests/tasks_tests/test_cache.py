"""What is kept on disk: never half made, shared by processes, readable by others."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tasks.cache import NOTE, cached
from tasks.cost import Cost, Meter


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
