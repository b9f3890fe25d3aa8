"""audit_proxy on the toy benchmark: a table, an object, a run that goes on, refusals in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SMALL = ("toy", "--architectures", 6, "--seeds", 2)


def test_a_benchmark_is_audited_and_gone_on_with(tool, tmp_path: Path) -> None:
    done = tool("audit_proxy", *SMALL, "--work-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "toy-v2: 6 networks" in done.stdout
    assert "| share of the variance due to the architecture |" in done.stdout
    assert "final training" not in done.stdout
    written = tmp_path / "audits/toy-v2.jsonl"
    before = written.read_text()
    assert len(before.splitlines()) == 1 + 6 * 2
    done = tool("audit_proxy", *SMALL, "--final", "--json", "--workers", 2, "--work-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["networks"], result["failed"]) == (6, 0)
    assert 0.5 < result["share"]["value"] <= 1  # the toy's noise is small
    assert result["final"]["value"] > 0
    assert result["regret"]["value"] >= 0
    assert written.read_text().startswith(before)
    assert len(written.read_text().splitlines()) == 1 + 6 * 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("tooy",), "unknown benchmark 'tooy': did you mean 'toy'"),
        (("toy", "--architectures", 3), "--architectures must be at least 4, not 3"),
        (("toy", "--seeds", 1), "--seeds must be at least 2, not 1"),
        (("toy", "--cfg-options", "benchmark.reward.name=scor"), "unknown metric"),
    ],
)
def test_bad_input_is_one_line(tool, tmp_path: Path, arguments: tuple[object, ...], sentence: str) -> None:
    done = tool("audit_proxy", *arguments, "--work-dir", tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
