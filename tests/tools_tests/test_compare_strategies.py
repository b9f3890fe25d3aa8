"""The page of compare_strategies.py."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Any

import pytest

from benchmarks.analysis import comparison


def test_the_page_tells_who_beats_random_search(tool: Any, tmp_path: Path) -> None:
    what = ("transnas-macro-segmentation-v1", "transnas-macro-normal-v1", "nas-bench-macro-v1")
    few = (
        "--seeds",
        6,
        "--trainings",
        30,
        "--workers",
        1,
        "--strategy",
        "random_search",
        "greedy_evolution",
        "local_search",
    )
    run = tool("compare_strategies", *what, *few, "--out", tmp_path / "page")
    assert run.returncode == 0, run.stderr
    page = (tmp_path / "page" / "results.md").read_text()
    assert page in run.stdout
    assert "--trainings 30 --out page --strategy random_search greedy_evolution local_search`" in page
    assert all(f"## {name}" in page for name in what)
    assert "## All 3 tables" in page
    assert "Better than random search" in page
    assert {"curves", "results.md", "regrets.csv", "regret.png", "solved.png", "ranks.png"} == {
        one.name for one in (tmp_path / "page").iterdir()
    }
    wrong = tool("compare_strategies", *what, "--within", -1, "--out", tmp_path / "other")
    assert (wrong.returncode, "--within must be from 0 to 1, not -1" in wrong.stderr) == (2, True)
    wrong = tool("compare_strategies", "toy-v2", "--workers", 1, "--out", tmp_path / "other")
    assert (wrong.returncode, "name a tabular benchmark" in wrong.stderr) == (2, True)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("error", "said"), [(BrokenExecutor("dead"), "a worker has died"), (RuntimeError("too deep"), "too deep")]
)
def test_what_fails_is_one_line(
    tool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def fails(*what: Any) -> None:
        raise error

    monkeypatch.setattr(comparison, "kept", fails)
    run = tool("compare_strategies", "nas-bench-macro-v1", "--workers", 1, "--out", tmp_path / "page")
    (line,) = [line for line in run.stderr.splitlines() if line.startswith("failed: ")]
    assert (run.returncode, said in line, "Traceback" in run.stderr) == (1, True, False)
