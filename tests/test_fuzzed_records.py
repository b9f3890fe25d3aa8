"""What a run's files must not hold, entry by entry; whatever else they may hold is in tests/fuzzing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.catalogue import read_protocol
from benchmarks.ledger import Ledger, read_events, read_trials
from benchmarks.records.entries import read_answer, read_config, read_study
from benchmarks.records.record import identity_of
from core import build
from search_spaces import SPACES
from strategies.random_search import RandomSearch

DEEP = (b"[" * 100_000, b'{"a": ' * 50_000)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the toy task, played once."""
    from benchmarks.executors import InlineExecutor
    from benchmarks.run import Run

    config = {"benchmark": {**read_protocol("toy")["benchmark"], "budget": {"trials": 4}}}
    one = Run(
        {**config, "strategy": {"type": "RandomSearch"}}, "random_search", 0, tmp_path_factory.mktemp("runs"), "cpu"
    )
    shared = one.prepare()
    with one.open(InlineExecutor(), 1) as study:
        one.finish(study, RandomSearch().search(study), shared)
    return one.folder


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"{}", b"[]", b"null", b"9" * 5000, *DEEP])
@pytest.mark.parametrize(
    ("name", "read"), [("study.json", read_study), ("config.json", read_config), ("answer.json", read_answer)]
)
def test_what_is_no_object(tmp_path: Path, name: str, read: Callable[[Path], Any], text: bytes) -> None:
    (tmp_path / name).write_bytes(text)
    with pytest.raises(ValueError, match=rf"^\S*{name} .*: remove it and run the benchmark again$"):
        read(tmp_path)


@pytest.mark.parametrize("text", [b"{\n", b"\xff\n", b"\n", b"null\n", b"9" * 5000 + b"\n", DEEP[0] + b"\n"])
@pytest.mark.parametrize(("name", "read"), [("trials.jsonl", read_trials), ("events.jsonl", read_events)])
def test_what_is_no_line(tmp_path: Path, name: str, read: Callable[..., Any], text: bytes) -> None:
    (tmp_path / name).write_bytes(text)
    with pytest.raises(ValueError, match=rf"^\S*{name}, line 1 is not an? "):
        read(tmp_path / name)


def test_every_value_of_a_line_counts(run: Path, tmp_path: Path) -> None:
    """Twice the same trial, another space's choices, and what no study leaves are named by file and line."""
    whole = (run / "trials.jsonl").read_text().splitlines()
    space, first = build(SPACES, {"type": "ToySpace", "layers": 4}), json.loads(whole[0])
    for number, changes in enumerate(
        [dict(id=1), dict(status="finished"), dict(reward=float("nan")), dict(reward="1"), dict(reward=None), dict(arch=None),
         dict(arch={"layer0": 3}), dict(key="0" * 16), dict(stages=[{}]), dict(parent=7), dict(id=-1), dict(id=True)]
    ):  # fmt: skip
        path = tmp_path / f"{number}.jsonl"
        path.write_text("\n".join([json.dumps({**first, **changes}), *whole[1:]]) + "\n")
        with pytest.raises(ValueError, match=rf"{number}\.jsonl, line [12] is not a trial"):
            read_trials(path, space)


def test_two_choices_that_are_equal_and_not_the_same() -> None:
    space = build(SPACES, {"type": "ToySpace", "layers": 4})
    for name, value in space.sample(Random(0)).as_dict().items():
        if isinstance(value, int):
            with pytest.raises(ValueError, match="cannot be"):
                space.architecture({**space.sample(Random(0)).as_dict(), name: float(value)})


def test_the_record_of_another_space_is_refused_before_anything_is_played(run: Path, tmp_path: Path) -> None:
    for name in ("trials.jsonl", "events.jsonl"):
        (tmp_path / name).write_text((run / name).read_text())
    identity = identity_of(json.loads((run / "config.json").read_text()))
    with pytest.raises(ValueError, match=r"trials\.jsonl, line 1 is not a trial \(its choices are none of"):
        Ledger(tmp_path, identity, build(SPACES, {"type": "ToySpace", "layers": 3}))
