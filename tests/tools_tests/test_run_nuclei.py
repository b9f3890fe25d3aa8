"""The benchmarks on microscope images, from the search to the final score, in small."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize(("name", "primary"), [("nuclei-segmentation-v1", "mIoU"), ("nuclei-detection-v1", "mAP")])
def test_a_search_on_nuclei(tool, tmp_path: Path, name: str, primary: str) -> None:
    short = [
        f"benchmark.{stage}.{what}" for stage in ("stages.0", "final") for what in ("recipe.epochs=1", "view.share=0.1")
    ]
    done = tool(
        "run_benchmark", name, "--strategy", "random_search", "--work-dir", tmp_path,
        "--cfg-options", "benchmark.budget.trials=1", "benchmark.task.encoder.pretrain_epochs=0", *short,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / name / "random_search/seed0/study.json").read_text())
    assert result["primary"] == primary
    assert result["trials"]["done"] == 1
    assert result["answers"][0]["final"]["metrics"][primary] >= 0
