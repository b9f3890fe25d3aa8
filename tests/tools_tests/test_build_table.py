"""Tables of one's own."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.analysis.table_building import COSTS
from core.table import Table
from tasks import Task

CONFIG = """
benchmark = dict(
    id="tiny-v1",
    task=dict(type="RestorationTask", data=dict(type="FolderImages", root="{root}"),
              degradation=dict(type="Noise", sigma=30.0), input_size=[64, 64]),
    space=dict(type="Subset", space=dict(type="RestorationCells", nodes=1, layers=1, channels=2, stem=4), choices={{
        "cell0.node0.a.op": ["conv3", "skip"], "cell0.node0.b.op": ["conv3", "skip"],
        "cell0.node0.a.input": [0], "cell0.node0.b.input": [0], "layer0.width": [0]}}),
    stages=[dict(name="short", view=dict(size=[32, 32], copies=1), recipe=dict(epochs=2, batch=8))],
    final=dict(name="final", view=dict(size=[32, 32], eval="test"), recipe=dict(epochs=1, batch=8)),
    reward=dict(type="Metric", name="PSNR"), budget=dict(trials=4), seeds=[0])
strategies = dict(random_search=dict(type="RandomSearch"))
"""


def test_a_table_is_built_goes_on_and_is_searched(tool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, rng = tmp_path / "tiny.py", np.random.default_rng(0)
    config.write_text(CONFIG.format(root=tmp_path / "data"))
    for split in ("train", "val", "test"):
        (tmp_path / "data/images" / split).mkdir(parents=True)
        for number in range(4):
            colours = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
            Image.fromarray(colours).resize((40, 40)).save(tmp_path / "data/images" / split / f"{split}{number}.png")
    what = ["build_table", str(config), "--workers", "1", "--work-dir", str(tmp_path / "runs")]
    first = tool(*what, "--runs", "1", "--finals", "0", "--out", str(tmp_path / "one"))
    assert first.returncode == 0, first.stderr
    assert "3 different networks of 4 answers, 3 trainings" in first.stdout
    file = tmp_path / "runs" / "tables" / "tiny-v1.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:20])  # as a kill leaves it
    second = tool(*what, "--runs", "2", "--finals", "2", "--out", str(tmp_path / "two"))
    assert second.returncode == 0, second.stderr
    assert len(file.read_text().splitlines()) == 1 + 6 + 2
    one, two = Table(tmp_path / "one"), Table(tmp_path / "two")
    assert np.array_equal(one.metric("val", "PSNR")[:, :1], two.metric("val", "PSNR")[:, :1], equal_nan=True)
    assert two.groups == {0: [0], 1: [1, 2], 3: [3]}
    assert np.isfinite(two.metric("test", "PSNR")[[0, 1, 3]]).all()
    assert np.isfinite(two.metric("final", "PSNR")[[0, 3], 0, -1]).all()
    assert np.isnan(two.metric("final", "PSNR")[1, 0, -1])
    assert two.schema.epochs == (1, 2)
    checked = tool(*what, "--out", str(tmp_path / "two"), "--check", "2")
    assert checked.returncode == 0, checked.stderr
    assert "standard deviations from the recorded mean" in checked.stdout
    assert "of 2 within 3 standard deviations" in checked.stdout
    assert len(file.read_text().splitlines()) == 1 + 6 + 2
    wrong = tool(*what, "--out", str(tmp_path / "one"), "--check", "2")
    assert (wrong.returncode, "has one run" in wrong.stderr) == (2, True)
    again = tool(*what, "--out", str(tmp_path / "two"))
    assert (again.returncode, "is there already" in again.stderr) == (2, True)
    for error, code in ((RuntimeError("too deep"), 0), (OSError(errno.ENOSPC, "the disk is full"), 1)):
        monkeypatch.setattr(Task, "measure", costs_of_all_but_one(error))
        third = tool(*what, "--runs", "2", "--out", str(tmp_path / f"three{code}"))
        assert (third.returncode, "Traceback" in third.stderr) == (code, False), third.stderr
    assert "failed: [Errno 28] the disk is full" in third.stderr
    assert np.isnan(Table(tmp_path / "three0").column("params")).tolist() == [True, False, False, False]
    monkeypatch.setattr("tasks.curves.curve", fails)
    none = tool(*what[:-1], str(tmp_path / "other"), "--runs", "9", "--finals", "0", "--out", str(tmp_path / "four"))
    assert (none.returncode, (tmp_path / "four").exists()) == (2, False)
    assert "error: 25 trainings in a row failed, the last with RuntimeError: too deep: mend that" in none.stderr
    none = tool(*what[:-1], str(tmp_path / "few"), "--runs", "1", "--finals", "0", "--out", str(tmp_path / "four"))
    assert (none.returncode, (tmp_path / "four").exists()) == (2, False)
    assert "no training succeeded, the last one failed with RuntimeError: too deep" in none.stderr


def fails(*what: Any, **how: Any) -> None:
    raise RuntimeError("too deep")


def costs_of_all_but_one(error: Exception) -> Any:
    waiting, measure = [error], Task.measure

    def costs(task: Task, model: Any, names: Any) -> dict[str, float]:
        if waiting and names == COSTS:
            raise waiting.pop()
        return measure(task, model, names)

    return costs
