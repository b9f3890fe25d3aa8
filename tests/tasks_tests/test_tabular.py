"""The task that reads a table."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest

from core.table import FORMAT, Schema, table, write_table
from search_spaces.table.space import TableSpace
from tasks import Recipe, Stage, Start, View
from tasks.tabular import TabularTask

EPOCHS = (1, 3, 9)


@pytest.fixture
def place(tmp_path: Path) -> str:
    schema = Schema(
        FORMAT, "tiny", "here", "none", (("a", (0, 1, 2)),), EPOCHS, 2, {"score": True}, {"val": "val", "test": "test"},
        ("params",), images=10,
    )  # fmt: skip
    scores = np.arange(18.0).reshape(3, 2, 3)
    columns = {"code": np.arange(3), "group": np.array([0, 0, 2]), "val.score": scores, "test.score": scores + 100}
    write_table(tmp_path / "tiny", schema, {**columns, "seconds": scores, "params": np.array([5.0, 5.0, 7.0])})
    return str(tmp_path / "tiny")


def stage(epochs: int, split: str = "val", **recipe: bool) -> Stage:
    return Stage("one", View(eval=split), Recipe(epochs, **recipe))  # type: ignore[arg-type]


def test_a_search_sees_one_training_and_the_final_score_is_the_mean(place: str) -> None:
    task, space = TabularTask(place, "score"), TableSpace(place)
    model = space.model(space.architecture({"a": 1}))
    assert model == space.model(space.architecture({"a": 0}))
    seen = {task.fit(model, stage(9), seed=seed).metrics["score"] for seed in range(40)}
    assert seen == {2.0, 5.0, 8.0, 11.0}
    assert task.fit(model, stage(9, "test"), seed=0).metrics["score"] == 106.5
    assert task.fit(model, stage(9), seed=3) == task.fit(model, stage(9), seed=3)


def test_costs_are_those_of_the_table(place: str) -> None:
    task, space = TabularTask(place, "score"), TableSpace(place)
    model = space.model(space.architecture({"a": 2}))
    outcome = task.fit(model, stage(3), seed=0)
    assert (outcome.cost.images, outcome.cost.seconds) == (30, outcome.metrics["score"])
    assert task.measure(model, ["params", "madds"]) == {"params": 7.0}


def test_a_stage_that_continues_reads_the_same_training(place: str, tmp_path: Path) -> None:
    task, space = TabularTask(place, "score"), TableSpace(place)
    model = space.model(space.architecture({"a": 0}))
    kept = str(tmp_path / "run.json")
    for seed in range(6):
        first = task.fit(model, stage(1, continued=True), seed=seed, keep=kept)
        second = task.fit(model, stage(8, continues=True), seed=seed + 100, start=Start(kept))
        assert second.metrics["score"] == first.metrics["score"] + 2
        assert second.cost.images == 80
        assert second.cost.seconds == 2
    with pytest.raises(ValueError, match="from scratch only"):
        task.fit(model, stage(1), seed=0, start=Start(kept))


def test_a_wrong_split_or_epoch_metric_or_table_is_refused(place: str) -> None:
    task = TabularTask(place, "score")
    with pytest.raises(ValueError, match="after 2 epochs, and the table has results after 1, 3, 9"):
        task.check([stage(2)])
    with pytest.raises(ValueError, match="split"):
        task.check([stage(1, "vall")])
    with pytest.raises(ValueError, match="metric of the table tiny"):
        TabularTask(place, "mIoU")
    with pytest.raises(ValueError, match="give task and space the same one"):
        task.fit(TableSpace("transnas-cell").model(TableSpace("transnas-cell").sample(Random(0))), stage(1), seed=0)


def test_the_space_draws_rows_uniformly_and_moves_among_them() -> None:
    space, known = TableSpace("transnas-macro"), table("transnas-macro")
    rng = Random(0)
    drawn = [known.row(space.sample(rng).as_dict()) for _ in range(4000)]
    assert np.mean([row or 0 for row in drawn]) == pytest.approx(len(known) / 2, rel=0.05)
    arch = space.sample(rng)
    for _ in range(50):
        moved = space.mutate(arch, rng)
        assert sum(moved[name] != arch[name] for name in space.decisions) == 1
        arch = moved
