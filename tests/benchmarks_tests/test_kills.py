"""Two process workers under `kill -9`: of the study and of a worker, and what becomes of workers that it leaves."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from benchmarks.torture import kills
from benchmarks.torture.command import by_number
from benchmarks.torture.fault import Settings


@pytest.mark.slow
def test_kills_lose_no_trial_and_make_none_twice(tool, tmp_path: Path) -> None:
    workers = ("--executor", "process", "--workers", 2)
    assert kills.killed(tmp_path / "killed", "random_search", Random(0), 8.0, 2, workers) <= 2
    assert tool("run_benchmark", *kills.command(tmp_path / "whole")).returncode == 0
    found, expected = (by_number(kills.run_of(tmp_path / name)) for name in ("killed", "whole"))
    assert [trial["id"] for trial in found] == list(range(kills.TRIALS))
    assert found == expected


@pytest.mark.slow
def test_workers_end_with_a_study_that_is_killed(tmp_path: Path) -> None:
    assert kills.orphans(Settings(tmp_path)).endswith("were gone")
