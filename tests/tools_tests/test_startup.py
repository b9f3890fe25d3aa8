"""What a process imports, and what it settles before: tools answer without torch, waiting threads do not spin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.executors import ProcessExecutor
from benchmarks.speed import startup

ROOT = Path(__file__).resolve().parents[2]


def printed(code: str, **environment: str) -> str:
    """What a new process prints, which hears nothing of how OpenMP waits here."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, cwd=ROOT, env={**own, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_no_tool_imports_torch_to_answer_help() -> None:
    rows = startup.startup()
    assert {"run_benchmark", "compare_rewards", "verify_published"} <= {row["tool"] for row in rows}
    assert [row["tool"] for row in rows if row["imports torch"]] == []
    assert all(row["CPU s"] > 0 for row in rows)


def test_a_tool_that_imports_torch_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "heavy.py").write_text("import torch\n")
    (tmp_path / "broken.py").write_text("raise SystemExit(3)\n")
    monkeypatch.setattr(startup, "TOOLS", tmp_path)
    with pytest.raises(RuntimeError, match="leaves with 3"):
        startup.startup()
    (tmp_path / "broken.py").unlink()
    (row,) = startup.startup()
    assert row["imports torch"]


@pytest.mark.parametrize("kept", [True, False])
def test_what_is_described_and_a_small_leaderboard_are_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    (tmp_path / "describe.py").write_text("import sys; sys.exit(sys.argv[1:] != ['scenes-segmentation-v2'])")
    (tmp_path / "make_leaderboard.py").write_text("import sys; sys.exit(sys.argv[1:3] != ['kept/one-v1', '--out'])")
    if kept:
        (tmp_path / "kept/one-v1").mkdir(parents=True)
    for name, value in (("ROOT", tmp_path), ("TOOLS", tmp_path), ("KEPT", "kept/one-v1")):
        monkeypatch.setattr(startup, name, value)
    rows = startup.small_tasks()
    asked = [("describe", "scenes-segmentation-v2"), ("make_leaderboard", "one-v1")]
    assert [(row["tool"], row["asked"]) for row in rows] == asked[: 1 + kept]
    assert not any(row["imports torch"] for row in rows)


def test_everything_is_listed_without_torch() -> None:
    code = (
        "import sys; sys.path.insert(0, 'tools'); sys.argv = ['describe'];"
        "import describe; text = describe.listing();"
        "print('SegmentationTask' in text, 'torch' in sys.modules, 'scipy' in sys.modules)"
    )
    assert printed(code) == "True False False"


def test_restoration_needs_no_library_of_another_task() -> None:
    code = """if True:
        import json, sys
        from random import Random
        from benchmarks.benchmark import Benchmark
        from benchmarks.catalogue import read_protocol
        from benchmarks.running.job import build_task
        benchmark = Benchmark(read_protocol("scenes-denoise-v2")["benchmark"])
        task = build_task(json.dumps({**benchmark.proxy, "cache": "", "device": "cpu"}))
        task.measure(benchmark.space.model(benchmark.space.sample(Random(0))), ["params"])
        print(json.dumps([name for name in ("mmseg", "mmdet", "matplotlib") if name in sys.modules]))
        """
    assert json.loads(printed(code)) == []


@pytest.mark.parametrize(("given", "holds"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")])
def test_waiting_threads_do_not_spin_unless_somebody_wants_it(given: dict[str, str], holds: str) -> None:
    code = (
        "import sys; sys.path.insert(0, 'tools'); import command_line, os;"
        "print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    )
    assert printed(code, **given) == f"{holds} False"


def test_nor_do_those_of_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    with ProcessExecutor(1) as pool:
        assert pool.submit(os.getenv, "OMP_WAIT_POLICY").result() == "PASSIVE"
