"""How many inputs a reader gets (`--examples`), and what became of them."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `mutators`, `verdict` and the readers are imported by their names
FEW = 25  # with which the suite stays quick
COUNTED = pytest.StashKey[dict[str, Counter[str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COUNTED] = {}


@pytest.fixture
def examples(request: pytest.FixtureRequest) -> int:
    return request.config.getoption("--examples") or FEW


@pytest.fixture
def counts(request: pytest.FixtureRequest) -> Counter[str]:
    """What became of the inputs of a reader, told in the end where somebody asked for many."""
    return request.config.stash[COUNTED].setdefault(request.node.name, Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[COUNTED] and config.getoption("--examples"):
        total = sum(config.stash[COUNTED].values(), Counter())
        for name, count in {**config.stash[COUNTED], "all": total}.items():
            taken, refused = count["accepted"], count["refused"]
            terminalreporter.write_line(f"{taken + refused:7,} inputs, {taken:7,} taken, {refused:7,} refused: {name}")
