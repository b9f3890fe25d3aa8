"""The table of a supernet's memory: what is foreseen is what is measured, and sums before the cells keep less."""

from __future__ import annotations

import json
from typing import Any

import pytest

SMALL = ("benchmark.space.channels=2", "benchmark.space.stem=8", "benchmark.stages.0.view.size=[16,16]")


def rows(tool: Any, *options: str) -> list[dict[str, Any]]:
    done = tool("measure_speed", "memory", "--json", "--cfg-options", *SMALL, *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.exhaustive
def test_the_memory_of_a_supernet_is_foreseen_and_smaller_with_sums(tool: Any) -> None:
    summed, each, ratio = rows(tool, "benchmark.space.layers=3")
    for row in (summed, each):
        assert row["foreseen MiB"] == pytest.approx(row["peak MiB"], rel=0.1)
        assert 0 < row["kept MiB"] <= row["peak MiB"] < row["needs MiB"]
    assert ratio["kept MiB"] == pytest.approx(summed["kept MiB"] / each["kept MiB"])
    assert 0.5 < ratio["kept MiB"] < 0.7
    deep = rows(tool, "benchmark.space.layers=6")
    assert deep[2]["kept MiB"] < ratio["kept MiB"]
    more = [(deep[way]["kept MiB"] - row["kept MiB"]) for way, row in enumerate((summed, each))]
    assert more[0] / more[1] < 0.5


def test_a_space_that_knows_one_way_only_is_refused(tool: Any) -> None:
    done = tool("measure_speed", "memory", "scenes-segmentation-v2")
    assert done.returncode == 2
    assert "unknown setting of space" in done.stderr
    assert len(done.stderr.splitlines()) == 1
