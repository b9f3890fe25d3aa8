"""Restoration at the command line: rain-v1 on pairs in a folder, in small."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.restoration.degradations import RainStreaks

TINY = (
    "input_size=[32,32]",
    "space.channels=2",
    "space.stem=4",
    "space.nodes=1",
    "final_space.channels=2",
    "final_space.stem=4",
    "final_space.nodes=1",
    "baselines.dncnn.width=4",
    "stages.0.epochs=2",
    "stages.0.size=[16,16]",
    "final.epochs=2",
    "final.size=[16,16]",
    "budget.trials=2",
)


Tool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    """Those of rain-v1 in small, and the data for it."""
    root, rng, rain = tmp_path / "data", np.random.default_rng(0), RainStreaks(length=(4, 8))
    for split, count in (("train", 4), ("val", 2), ("test", 2)):
        for kind in ("rain", "norain"):
            (root / split / kind).mkdir(parents=True)
        for index in range(count):
            clean = np.full((32, 40, 3), rng.random(3), dtype=np.float32)
            for kind, image in (("norain", clean), ("rain", rain(clean, rng))):
                Image.fromarray((image * 255).astype(np.uint8)).save(root / split / kind / f"{index}.png")
    tiny = [f"benchmark.{'task.' * (name.startswith('input'))}{name}" for name in TINY]
    return [f"benchmark.task.data.root={root}", *tiny]


def test_rain_is_learnt_from_pairs(tool: Tool, options: list[str], tmp_path: Path) -> None:
    rows = ["random_search", "ir_nas", "rainy", "dncnn"]
    strategies = ["strategy.epochs=2", "strategy.warmup=1"]
    for names, more in ((rows[:1] + rows[2:], []), (rows[1:2], strategies)):
        done = tool(
            "run_benchmark", "rain-v1", "--strategy", *names, "--work-dir", tmp_path / "runs",
            "--cfg-options", *options, *more,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    for name in rows:
        study = json.loads((tmp_path / f"runs/rain-v1/{name}/seed0/study.json").read_text())
        assert set(study["final"]["metrics"]) == {"PSNR", "SSIM", "loss"}
        assert study["final"]["metrics"]["PSNR"] > 10
        assert (study["final"]["params"] == 0) == (name == "rainy")


def test_a_search_that_diverges_says_so_in_a_line(tool: Tool, options: list[str], tmp_path: Path) -> None:
    steep = ["strategy.epochs=2", "strategy.warmup=1", "benchmark.stages.0.lr=1e30"]
    runs = tmp_path / "runs"
    done = tool(
        "run_benchmark", "rain-v1", "--strategy", "ir_nas", "--work-dir", runs, "--cfg-options", *options, *steep
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "failed: epoch 1 has metrics that are not finite: lower the stage's lr"
    assert not list(runs.rglob("study.json"))
