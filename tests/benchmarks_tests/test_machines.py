"""What another machine moves of the same trainings' scores, as a share of what networks differ by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from benchmarks.analysis.machines import moved
from benchmarks.analysis.scoring import Score
from benchmarks.run import Run


@pytest.fixture
def one(toy_config: dict[str, Any], tmp_path: Path) -> Run:
    return Run({"benchmark": toy_config, "strategy": dict(type="RandomSearch")}, "audit", 0, tmp_path, "cpu")


def trained(part: Any, values: np.ndarray) -> list[Score]:
    """A score for each (network, seed) of `values`, after one stage."""
    return [Score(*place, part, {}, ({"score": float(value)},)) for place, value in np.ndenumerate(values)]


def test_what_another_machine_moves(one: Run) -> None:
    search, drift = np.random.default_rng(0).normal(size=(12, 2)), np.linspace(0, 0.3, 12)
    final = search[:, :1]
    here = trained("search", search) + trained("final", final)
    elsewhere = trained("search", search + 0.1) + trained("final", final + drift[:, None])
    there = {score.place: score for score in elsewhere}
    first, last = moved(one, here, there)
    assert (first.part, last.part, first.networks) == ("search", "final", 12)
    assert first.spread == pytest.approx(np.std(search[:, 0], ddof=1))
    assert first.share.value == pytest.approx(0.1 / first.spread)
    assert first.tau.value == 1
    assert last.share.value == pytest.approx(np.sqrt(np.mean(drift**2)) / last.spread)
    assert last.tau.value == pytest.approx(stats.kendalltau(final[:, 0], final[:, 0] + drift).statistic)
    few = {place: score for place, score in there.items() if place.part == "final" or place.architecture < 3}
    assert [found.part for found in moved(one, here, few)] == ["final"]
    broken = {place: replace(score, error="out of memory") for place, score in there.items()}
    assert moved(one, here, broken) == []
