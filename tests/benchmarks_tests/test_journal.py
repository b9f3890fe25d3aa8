"""Files of measurements, which one process at a time writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.analysis.table_building import Entries, Entry
from benchmarks.run import Run


def test_a_journal_is_of_one_process_at_a_time(toy_config: dict[str, Any], tmp_path: Path) -> None:
    config, path = {"benchmark": toy_config, "strategy": dict(type="RandomSearch")}, tmp_path / "tables/toy.jsonl"
    one, entry = Run(config, "table", 0, tmp_path, "cpu"), Entry("a", 0, {"val": ({"score": 1.0},)}, (2.0,))
    with Entries(path, one) as entries:
        entries.add(entry)
        with pytest.raises(ValueError, match=r"toy\.jsonl is being written by another process: wait for it"):
            Entries(path, one)
    with Entries(path, one) as again:
        assert again.known == {("a", 0): entry}
