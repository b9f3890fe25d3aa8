"""Rankings in bfloat16 beside those in float32: which trainings are compared, and what they agree on."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from benchmarks.benchmark import Benchmark
from benchmarks.speed.precision import precision
from tasks.toy.task import ToyTask


class Upside(ToyTask):
    """In bfloat16 the best network scores worst; `runs` are the trainings."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[tuple[bool, int]] = []

    def train_and_score(self, model: Any, stage: Any, seed: int, start: Any, keep: Any, adopt: Any) -> Any:
        self.runs.append((stage.recipe.bfloat16, seed))
        metrics, inherited = super().train_and_score(model, stage, seed, start, keep, adopt)
        return {name: -value if stage.recipe.bfloat16 else value for name, value in metrics.items()}, inherited


def models(benchmark: Benchmark) -> list[Any]:
    return [benchmark.space.model(benchmark.space.sample(Random(number))) for number in range(6)]


def test_what_is_compared_is_told_by_the_correlations(toy_config: dict[str, Any]) -> None:
    benchmark, task = Benchmark(toy_config), Upside()
    rows = precision(benchmark, task, models(benchmark))
    assert task.runs[1:] == [(False, 0), (True, 0), (False, 1)] * 6
    assert [row["tau"] for row in rows] == pytest.approx([-1, 1, -1])
    assert [row["rho"] for row in rows] == pytest.approx([-1, 1, -1])
    assert [row["networks"] for row in rows] == [6, 6, 6]
    assert rows[2]["seconds"] == pytest.approx(rows[1]["seconds"] / rows[0]["seconds"])


def test_few_networks_are_refused(tool: Any) -> None:
    done = tool("measure_speed", "precision", "toy-v2", "--candidates", "3")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "needs 4 networks or more, not 3: raise --candidates" in done.stderr
