"""What papers report stands below the benchmark whose setting it is, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.catalogue import read_protocol
from benchmarks.leaderboard import Leaderboard
from benchmarks.report.cells import OURS, REPORTED
from tasks.depth.metrics import NAMES as DEPTH
from tasks.keypoints.metrics import COCO_METRICS, HEAD_METRICS

CONFIGS = Path(REPORTED).parent / "configs"
ENTRIES = json.loads(REPORTED.read_text())
METRICS = {
    "mIoU",
    "mAP",
    *DEPTH,
    *HEAD_METRICS,
    *COCO_METRICS,
    *(f"{name}{sigma}" for name in ("PSNR", "SSIM") for sigma in ("", 30, 50, 70)),
}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["benchmarks"][0])
def test_entries_are_of_benchmarks_that_exist_and_name_their_table(entry: dict[str, Any]) -> None:
    assert all((CONFIGS / name / "protocol.py").exists() for name in entry["benchmarks"])
    assert any(word in entry["source"] for word in ("Table", "slide", "figure"))
    for row in entry["figures"]:
        assert row.keys() - {"method", OURS} <= METRICS
        assert len(row) > 1
        name, _, strategy = row.get(OURS, "").partition("/")
        assert not name or (name in entry["benchmarks"] and strategy in read_protocol(name)["strategies"])


def test_they_stand_below_their_benchmark_alone(
    tmp_path: Path, answer: Callable[..., Any], write_study: Callable[..., Path]
) -> None:
    for name in ("voc-decoder-v1", "toy-v2"):
        write_study(tmp_path / name, "plain", 0, [], [answer(None, 1.0)], {"id": name})
    toy, voc = Leaderboard.of([tmp_path]).markdown().split("## voc-decoder-v1")
    assert "Reported elsewhere, not measured here" not in toy
    assert 'slide "Inference Results on VOC"' in voc
    assert "| arch0           | 78.0   |" in voc
