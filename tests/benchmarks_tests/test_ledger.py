"""The ledger: what is written comes back, a torn line is cut off, a damaged one is named, one writer at a time."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from benchmarks.ledger import Ledger, read_trials
from search_spaces.toy import ToySpace
from strategies import Proposal, StageResult, Trial
from tasks import Cost


def trial(number: int) -> Trial:
    stage = StageResult("short", {"score": 1.5 * number}, Cost(100, 6400, 0.25))
    return Trial(number, Proposal(ToySpace().sample(Random(number)), parent=None), (stage,), "done", 1.5 * number)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "trials.jsonl"
    ledger = Ledger(path)
    for number in range(3):
        ledger.append(trial(number))
    ledger.close()
    return path


def test_trials_come_back_whole(path: Path) -> None:
    again = read_trials(path)
    assert again == [trial(number) for number in range(3)]
    assert [one.arch.choices for one in again] == [trial(number).arch.choices for number in range(3)]


def test_a_line_holds_what_the_contract_names(path: Path) -> None:
    record = json.loads(path.read_text().splitlines()[1])
    assert list(record) == ["id", "key", "arch", "parent", "stages", "status", "error", "reward"]
    assert list(record["stages"][0]) == ["name", "metrics", "cost"]
    assert list(record["stages"][0]["cost"]) == ["images", "pixels", "seconds"]


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_torn_last_line_is_skipped_and_cut_off(path: Path, cut: int) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert len(read_trials(path)) == 2
    ledger = Ledger(path)
    ledger.append(trial(2))
    ledger.close()
    assert path.read_bytes() == whole


def test_a_damaged_line_is_named(path: Path) -> None:
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "nonsense", lines[2]]) + "\n")
    with pytest.raises(ValueError, match=r"trials\.jsonl, line 2 is not a trial"):
        read_trials(path)


def test_one_writer_at_a_time(path: Path) -> None:
    first = Ledger(path)
    with pytest.raises(ValueError, match="is being written by another process"):
        Ledger(path)
    first.close()
    Ledger(path).close()
