"""Whatever an outside file holds: it is taken, or refused with one sentence; nothing hangs, nothing is written.

`python -m pytest tests/fuzzing --examples 1000` gives every reader so many inputs.
"""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import readers_of_archives
import readers_of_data
import readers_of_protocols
import readers_of_records
from hypothesis import HealthCheck, given, settings
from verdict import Reader, accepted

MODULES = (readers_of_data, readers_of_protocols, readers_of_records, readers_of_archives)
READERS = [reader for module in MODULES for reader in module.READERS]
MEMORY = 1 << 20  # KiB that no small file may take


def named(reader: Any) -> str:
    """A reader's name: that of the function that makes it, or of the module's variable."""
    return next(name for module in MODULES for name, value in vars(module).items() if value is reader)


@pytest.mark.timeout(0)  # as long as --examples asks for
@pytest.mark.parametrize("reader", READERS, ids=named)
def test_whatever_a_reader_is_given(
    reader: Callable[[Path], Reader], tmp_path: Path, examples: int, counts: Counter[str]
) -> None:
    made = reader(tmp_path)
    assert accepted(made, made.sound, tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    @settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(made.inputs)
    def fuzzed(given: Any) -> None:
        counts["accepted" if accepted(made, given, tmp_path) else "refused"] += 1

    fuzzed()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY
