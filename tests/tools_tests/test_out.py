"""Results that can be written nowhere are refused before any work is done."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("name", "arguments", "below"),
    [
        ("make_leaderboard", ["runs"], ""),
        ("bundle", ["runs"], "bundle.zip"),
        ("replay", ["runs"], ""),
        ("compare_strategies", ["tabular-segmentation-v1", "--workers", "1"], ""),
        ("import_table", ["nas-bench-macro", "nothing.json"], "table"),
        ("build_table", ["toy"], "table"),
        ("audit_proxy", ["toy"], ""),
    ],
)
def test_a_file_where_a_folder_is_to_be(tool, tmp_path: Path, name: str, arguments: list[str], below: str) -> None:
    if arguments == ["runs"]:
        done = tool("run_benchmark", "toy", "--strategy", "random_search", "--seed", 0, "--work-dir", tmp_path / "runs")
        assert done.returncode == 0, done.stderr
        arguments = [str(tmp_path / "runs")]
    file = tmp_path / "there"
    file.touch()
    done = tool(name, *arguments, "--out", file / below if below else file)
    *_, line = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith(f"error: {file}")
    assert re.search(r"cannot be made \(.*\): choose another --out$", line)
    assert not file.read_bytes()


def test_runs_that_are_a_file(tool, tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    done = tool("missing", "toy", "--runs", tmp_path / "runs")
    assert (done.returncode, done.stdout, "is a file: give the folder" in done.stderr) == (2, "", True)
