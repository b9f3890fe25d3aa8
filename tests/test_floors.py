"""Arrows point down only, names resolve to this checkout, and reading results does not pay for torch."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {
    "search_spaces": set(),
    "tasks": set(),
    "strategies": {"search_spaces", "tasks"},
    "benchmarks": {"search_spaces", "tasks", "strategies"},
    "tools": {"search_spaces", "tasks", "strategies", "benchmarks"},
}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_imports_only_what_is_below(floor: str) -> None:
    for path in (ROOT / floor).rglob("*.py"):
        above = (imported(path) & FLOORS.keys()) - FLOORS[floor] - {floor}
        assert not above, f"{path.relative_to(ROOT)} imports {sorted(above)}"


@pytest.mark.parametrize("floor", sorted(FLOORS.keys() - {"tools"}))
def test_names_resolve_to_this_checkout(floor: str) -> None:
    assert Path(importlib.import_module(floor).__path__[0]).resolve() == ROOT / floor


def test_files_are_short() -> None:
    for floor in FLOORS:
        for path in (ROOT / floor).rglob("*.py"):
            assert len(path.read_text().splitlines()) <= 400, path


def test_reading_results_imports_neither_torch_nor_openmmlab_models() -> None:
    code = (
        "import sys, benchmarks.leaderboard, benchmarks.ledger, strategies.random_search, search_spaces.decoder_cells;"
        "print([name for name in ('torch', 'mmseg', 'mmdet', 'mmcv') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
