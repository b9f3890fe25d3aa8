"""The record: what is written comes back, a torn line is cut off, a damaged one is named, one writer at a time."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks import ledger
from benchmarks.files import read_json
from benchmarks.ledger import DivergedError, Ledger, read_events, read_record, read_trials
from search_spaces.toy.space import ToySpace
from strategies import Proposal, StageResult, Trial
from strategies.random_search import RandomSearch
from tasks import Cost, Inherited


def trial(number: int) -> Trial:
    stage = StageResult("short", {"score": 1.5 * number}, Cost(100, 6400, 0.25))
    proposal = Proposal(ToySpace().sample(Random(number)), parent=None, stages=1, note={"number": number})
    more = dict(
        depth=1, objectives=(1.0, -2.0), measures={"params": 9}, inherited=Inherited(1, 2, 3, padded=1, cropped=1)
    )
    return Trial(number, proposal, (stage,), "done", 1.5 * number, **more)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ledger = Ledger(tmp_path, "rules")
    for number in range(3):
        ledger.append(trial(number))
    ledger.close()
    return tmp_path


def test_trials_come_back_whole(folder: Path) -> None:
    again = read_trials(folder / "trials.jsonl")
    assert again == [trial(number) for number in range(3)]
    assert [one.arch.choices for one in again] == [trial(number).arch.choices for number in range(3)]


def test_a_line_holds_what_the_contract_names(folder: Path) -> None:
    record = json.loads((folder / "trials.jsonl").read_text().splitlines()[1])
    assert list(record)[:8] == ["id", "key", "arch", "parent", "stages", "status", "error", "reward"]
    assert list(record["stages"][0]) == ["name", "metrics", "cost"]
    assert list(record["stages"][0]["cost"]) == ["images", "pixels", "seconds"]


def test_records_from_before_padded_and_cropped_were_told_apart_are_read(folder: Path) -> None:
    path = folder / "trials.jsonl"
    path.write_text(path.read_text().replace(', "padded": 1, "cropped": 1}', "}"))
    assert {one.inherited for one in read_trials(path)} == {Inherited(1, 2, 3)}


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_torn_last_line_is_skipped_and_cut_off(folder: Path, cut: int) -> None:
    path = folder / "trials.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert len(read_trials(path)) == 2
    ledger = Ledger(folder, "rules")
    for number in range(3):
        ledger.append(trial(number))  # the first two are there
    ledger.close()
    assert path.read_bytes() == whole


@pytest.mark.parametrize("changed", ['"score": 1.5', '"images": 100'])
def test_figures_that_are_not_those_of_the_study_are_refused(folder: Path, changed: str) -> None:
    path = folder / "trials.jsonl"
    path.write_text(path.read_text().replace(changed, f"{changed}5"))
    ledger = Ledger(folder, "rules")
    with pytest.raises(DivergedError, match="is not what the record of this study says"):
        list(map(ledger.append, map(trial, range(3))))
    ledger.close()


def test_a_damaged_line_is_named_and_the_file_let_go(folder: Path) -> None:
    path = folder / "trials.jsonl"
    whole = path.read_text()
    lines = whole.splitlines()
    path.write_text("\n".join([lines[0], "nonsense", lines[2]]) + "\n")
    with pytest.raises(ValueError, match=r"trials\.jsonl, line 2 is not a trial"):
        Ledger(folder, "rules")
    path.write_text(whole)
    Ledger(folder, "rules").close()


def test_one_writer_at_a_time(folder: Path) -> None:
    first = Ledger(folder, "rules")
    with pytest.raises(ValueError, match="is being written by another process"):
        Ledger(folder, "rules")
    first.close()
    Ledger(folder, "rules").close()


def test_a_disk_without_locks_is_no_other_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(file: Any, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(ValueError, match=r"cannot be locked \(No locks available\): choose a --work-dir whose disk"):
        Ledger(tmp_path, "rules")


def test_the_record_of_another_protocol_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="holds the record of another protocol"):
        Ledger(folder, "other rules")
    (folder / "events.jsonl").unlink()
    with pytest.raises(ValueError, match=r"events.jsonl is gone"):
        Ledger(folder, "rules")


def test_memory_alone_records_nothing() -> None:
    ledger = Ledger()
    ledger.append(trial(0))
    ledger.close()
    assert not ledger.ahead


@pytest.mark.parametrize("read", [read_trials, read_events, lambda path: Ledger(path.parent, "rules")])
@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_a_pipe_is_not_waited_for(tmp_path: Path, read: Any, make: Any) -> None:
    make(tmp_path / "trials.jsonl")
    with pytest.raises(ValueError, match=r"trials\.jsonl is no regular file: remove it"):
        read(tmp_path / "trials.jsonl")


@pytest.mark.parametrize("read", [read_trials, read_json])
def test_a_file_without_end_is_not_read_to_its_end(tmp_path: Path, read: Any) -> None:
    (tmp_path / "file").touch()
    os.truncate(tmp_path / "file", 1 << 36)  # of which the disk holds nothing
    with pytest.raises(ValueError, match=r"file.* has more than 64 MiB: (restore or )?remove it"):
        read(tmp_path / "file")


def test_what_is_checked_before_a_study_is_opened_is_not_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, read = ToySpace(), []
    lines = ledger.read_lines
    monkeypatch.setattr(ledger, "read_lines", lambda path, *how: read.append(path.name) or lines(path, *how))
    before = read_record(folder, space)
    with pytest.raises(ValueError, match="another protocol"):
        Ledger(folder, "other rules", space)
    assert read == ["trials.jsonl", "events.jsonl"]
    Ledger(folder, "rules", space).close()
    assert read_record(folder, space) == before
    assert len(read) == 6  # what is played back is let go, what is read again is kept
    with (folder / "trials.jsonl").open("a") as file:
        file.write("{}\n")
    with pytest.raises(ValueError, match=r"trials\.jsonl, line 4"):
        read_record(folder, space)


def test_a_record_that_nothing_leads_to_is_refused(toy_study: Any, tmp_path: Path) -> None:
    """A proposal that came, it says, after more trials than there are."""
    with toy_study(tmp_path, budget={"trials": 3}) as study:
        RandomSearch().search(study)
    path = tmp_path / "events.jsonl"
    path.write_text(path.read_text().replace('"id": 2, "told": 2', '"id": 2, "told": 9'))
    with toy_study(tmp_path, budget={"trials": 3}) as study, pytest.raises(DivergedError, match="trial 2 is not what"):
        RandomSearch().search(study)
