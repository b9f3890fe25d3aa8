"""How long tools take to answer `--help`, and some to do the least that they do, and whether torch is imported for that."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"
NO_TOOLS = ("command_line",)
KEPT = "benchmarks/results/embedded/scenes-depth-v1"


def startup() -> list[dict[str, Any]]:
    """A row for each tool: CPU seconds of `--help`, and whether torch was imported.

    Raises RuntimeError where a tool does not answer.
    """
    return [_row(path, "--help") for path in sorted(TOOLS.glob("*.py")) if path.stem not in NO_TOOLS]


def small_tasks() -> list[dict[str, Any]]:
    """The same of a benchmark that is described, and of the leaderboard of one, where the checkout has its results."""
    rows = [_row(TOOLS / "describe.py", "scenes-segmentation-v2")]
    if (ROOT / KEPT).is_dir():
        with tempfile.TemporaryDirectory() as out:
            rows.append(_row(TOOLS / "make_leaderboard.py", KEPT, "--out", out))
    return rows


def _row(path: Path, *asked: str) -> dict[str, Any]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-v", str(path), *asked]  # -v: each import is a line
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise RuntimeError(f"{path.name} {asked[0]} leaves with {done.returncode}: {done.stderr[-300:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    row = {"tool": path.stem, "asked": asked[0].rpartition("/")[2], "CPU s": seconds}
    return row | {"imports torch": "import 'torch' #" in done.stderr}
