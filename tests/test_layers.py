"""Imports point down only, names resolve to this checkout, files are short, reading results does not pay for torch."""

from __future__ import annotations

import ast
import importlib
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = {
    "core": set(),
    "search_spaces": {"core"},
    "tasks": {"core"},
    "strategies": {"core", "search_spaces", "tasks"},
    "benchmarks": {"core", "search_spaces", "tasks", "strategies"},
    "tools": {"core", "search_spaces", "tasks", "strategies", "benchmarks"},
}
LONGEST, MEDIAN = 300, 90  # lines of a file


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_what_is_below(layer: str) -> None:
    for path in (ROOT / layer).rglob("*.py"):
        above = (imported(path) & LAYERS.keys()) - LAYERS[layer] - {layer}
        assert not above, f"{path.relative_to(ROOT)} imports {sorted(above)}"


@pytest.mark.parametrize("layer", sorted(LAYERS.keys() - {"tools"}))
def test_names_resolve_to_this_checkout(layer: str) -> None:
    assert Path(importlib.import_module(layer).__path__[0]).resolve() == ROOT / layer


def test_files_are_short() -> None:
    lines = {path: len(path.read_text().splitlines()) for layer in LAYERS for path in (ROOT / layer).rglob("*.py")}
    tests = {path: len(path.read_text().splitlines()) for path in (ROOT / "tests").rglob("*.py")}
    long = [f"{path.relative_to(ROOT)} has {count} lines" for path, count in (lines | tests).items() if count > LONGEST]
    assert not long, long
    assert statistics.median(count for count in lines.values() if count) < MEDIAN


def test_reading_results_imports_no_torch_no_openmmlab_models_and_nothing_to_draw_with() -> None:
    code = (
        "import sys, benchmarks.leaderboard, benchmarks.analysis.ranking, benchmarks.catalogue, benchmarks.run,"
        "benchmarks.report.page, strategies.random_search, search_spaces.decoder_cells.space;"
        "print([name for name in ('torch', 'mmseg', 'mmdet', 'mmcv', 'matplotlib') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.stdout.strip() == "[]", found.stderr
