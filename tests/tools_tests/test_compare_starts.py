"""compare_starts on the toy benchmark: a child's score before and behind its training, and what it took over."""

from __future__ import annotations

import json
from pathlib import Path


def test_weights_of_the_parent_are_worth_something_before_any_training(tool, tmp_path: Path) -> None:
    done = tool("compare_starts", "toy", "--json", "--work-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    anew, matching, ours = json.loads(done.stdout)
    assert [one["start"] for one in (anew, matching, ours)] == ["anew", "by name and shape", "by the space's rule"]
    assert anew["before"]["score"] < min(anew["behind"]["score"], ours["before"]["score"])
    assert (anew["tensors"], ours["tensors"]) == ({}, {"gains": "copied"})


def test_a_table_and_a_line_for_each_tensor(tool, tmp_path: Path) -> None:
    done = tool("compare_starts", "toy", "--tensors", "--work-dir", tmp_path)
    assert "| score, untrained   | score, trained   |" in done.stdout
    assert done.stdout.endswith("copied  gains\n")
    done = tool("compare_starts", "toyy")
    assert done.returncode == 2
    assert "did you mean" in done.stderr
