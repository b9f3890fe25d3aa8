"""How long each tool takes to answer `--help`, and whether it imports torch for that."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

TOOLS = Path(__file__).resolve().parents[2] / "tools"
NO_TOOLS = ("command_line",)


def startup() -> list[dict[str, Any]]:
    """A row for each tool: CPU seconds of `--help`, and whether torch was imported.

    Raises RuntimeError where a tool does not answer.
    """
    return [_row(path) for path in sorted(TOOLS.glob("*.py")) if path.stem not in NO_TOOLS]


def _row(path: Path) -> dict[str, Any]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-v", str(path), "--help"]  # -v: each import is a line
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise RuntimeError(f"{path.name} --help leaves with {done.returncode}: {done.stderr[-300:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"tool": path.stem, "CPU s": seconds, "imports torch": "import 'torch' #" in done.stderr}
