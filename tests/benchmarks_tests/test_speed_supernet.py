"""A supernet's step beside a network's: what is told of it, and which spaces have one."""

from __future__ import annotations

import json
from typing import Any

import pytest

SMALL = ("benchmark.stages.0.view.size=[16,16]", "benchmark.stages.0.view.share=0.1", "benchmark.space.stem=8")


def test_all_answers_take_more_than_one(tool: Any) -> None:
    small = ("--candidates", 2, "--repeat", 1, "--json", "--cfg-options", *SMALL)
    done = tool("measure_speed", "supernet", "scenes-denoise-v2", *small)
    assert done.returncode == 0, done.stderr
    rows = {row["step"]: row for row in json.loads(done.stdout)}
    assert list(rows) == ["a network", "weights", "DARTS", "OneShot"]
    single, mixture = rows["a network"], rows["weights"]
    assert (single["times"], single["memory"]) == (1, 1)
    for row in rows.values():
        assert row["times"] == pytest.approx(row["seconds"] / single["seconds"])
        assert row["memory"] == pytest.approx(row["peak MiB"] / single["peak MiB"])
        assert 0 < row["kept MiB"] < row["peak MiB"]
    assert mixture["memory"] > 2  # all operations
    assert rows["DARTS"]["peak MiB"] == mixture["peak MiB"]  # one pass after the other
    assert rows["OneShot"]["peak MiB"] < mixture["peak MiB"]


def test_a_space_without_a_supernet_is_refused(tool: Any) -> None:
    done = tool("measure_speed", "supernet", "scenes-templates-v1")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "has no supernet: use a strategy that asks and tells, and measure another benchmark" in done.stderr
