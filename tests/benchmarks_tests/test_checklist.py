"""The checklist says yes to what the records show, and NO to everything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.records.record import read_records
from benchmarks.report.checklist import checklist, items

UNKNOWN = {
    "code: it is published, with that of the final training",
    "how hyperparameters were tuned, and what that cost",
}
SHORT = dict(name="short", recipe=dict(epochs=1))
FINAL = dict(name="final", recipe=dict(epochs=1), view=dict(eval="test"))
PROTOCOL = dict(stages=[SHORT], final=FINAL)
PARTS = {part: dict(images=9, pixels=9, seconds=9.0) for part in ("shared", "search", "failed", "retrain")}
STUDY = dict(commit="abc", device="cpu x2", versions=dict(torch="2"), cost=PARTS)


@pytest.fixture
def study(tmp_path: Path, answer: Callable[..., Any], write_study: Callable[..., Path]) -> Callable[..., Path]:
    """Write a finished study without trials, with its hyperparameters; `changes` are made to study.json."""

    def write(strategy: str, seed: int, protocol: Any = PROTOCOL, **changes: Any) -> Path:
        folder = tmp_path / str(protocol.get("id")) / strategy / str(seed)
        write_study(folder, strategy, seed, [], [answer(None, 1.0)], protocol, **{**STUDY, **changes})
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "strategy": {"type": strategy}}))
        return folder

    return write


@pytest.fixture
def no(tmp_path: Path) -> Callable[..., set[str]]:
    """The practices that are not shown to be followed."""

    def found(benchmark: str = "toy-v2") -> set[str]:
        records = read_records([tmp_path])
        studies = [record for record in records if record.benchmark == benchmark]
        ids = sorted({record.benchmark for record in records})
        return {item.practice for item in items(studies, ids) if not item.followed} - UNKNOWN

    return found


def test_a_good_comparison(study, no, tmp_path: Path) -> None:
    for seed in (0, 1):
        study("random_search", seed)
        study("ppo", seed)
    assert no() == {"performance over time", "a tabular or surrogate benchmark", "ablations"}
    text = checklist(read_records([tmp_path]))
    assert "## toy-v2" in text
    assert all(f"| {practice} " in text for practice in UNKNOWN)
    assert "| NO " in text
    assert "| yes " in text


def test_a_poor_one(study, no) -> None:
    study("ppo", 0, commit="unknown", device="")
    study("darts", 0, protocol={**PROTOCOL, "final": dict(FINAL, view=dict(eval="val"))})
    assert no() >= {
        "code: the commit of every study is recorded",
        "the same final training",
        "the same devices, versions and commit",
        "no search costs over 10 % more than random search",
        "a random search row",
        "several seeds of every row",
        "hardware and versions of libraries",
    }


def test_a_search_that_costs_more(study, no) -> None:
    study("random_search", 0)
    study("ppo", 0, cost={**PARTS, "search": dict(images=10, pixels=9, seconds=9.0)})
    assert "no search costs over 10 % more than random search" in no()


def test_costs_of_other_seeds_are_not_compared(study, no) -> None:
    study("random_search", 0)
    study("ppo", 1)
    assert "no search costs over 10 % more than random search" in no()


def test_what_the_search_has_seen(study, no) -> None:
    seen = "a test split that the search has not seen"
    study("ppo", 0, {**PROTOCOL, "id": "a", "stages": [dict(SHORT, view=dict(eval="test"))]})
    study("ppo", 0, {**PROTOCOL, "id": "b", "final": dict(FINAL, view=dict(eval="test", train=["train", "test"]))})
    study("ppo", 0, {**PROTOCOL, "id": "c", "task": dict(type="TabularTask")})
    study("ppo", 0, {**PROTOCOL, "id": "d", "final": dict(FINAL, view=dict(eval="val"))})
    study("ppo", 0, {**PROTOCOL, "id": "e", "final": 3, "task": "damaged"})
    assert all(seen in no(name) for name in "abcde")
    assert "a tabular or surrogate benchmark" not in no("c")


def test_ablations_are_those_of_a_family(study, no) -> None:
    for name in ("x-ablation-v1", "x-ablation-no-gate-v1", "y-v1"):
        study("ppo", 0, {**PROTOCOL, "id": name})
    assert "ablations" not in no("x-ablation-v1")
    assert "ablations" in no("y-v1")
