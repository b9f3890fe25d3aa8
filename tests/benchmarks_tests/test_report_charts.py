"""The figures of the page: what is drawn, of which trials, and that Vega-Lite's schema allows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import altair as alt
import pytest

from benchmarks.records.record import Record, read_records
from benchmarks.report import bands, choices, fronts
from benchmarks.report.answers import Confusion, chosen
from benchmarks.report.charts import Spec, confusion, training
from benchmarks.report.panels import Panel, panels
from search_spaces.head_cells.space import HeadCells
from search_spaces.toy.space import ToySpace
from strategies import Proposal, StageResult, Trial
from tasks import Cost

TOY = {"type": "ToySpace"}


def trial(number: int, reward: float | None, images: int = 100, **more: Any) -> Trial:
    arch = more.pop("arch", None) or ToySpace().sample(Random(number))
    stages = (StageResult("short", {"score": reward or 0.0}, Cost(images, 0, 0.5)),)
    status = "done" if reward is not None else "failed"
    return Trial(number, Proposal(arch, note=more.pop("note", {})), stages, status, reward, depth=1, **more)


def record(trials: Sequence[Trial], seed: int = 0, strategy: str = "a", space: Mapping[str, Any] = TOY) -> Record:
    return Record(Path(), "b", strategy, seed, list(trials), {"benchmark": {"space": space}})


def test_a_band_begins_where_every_seed_has_a_reward_and_ends_with_the_last() -> None:
    one = record([trial(0, 1.0), trial(1, 3.0), trial(2, 2.0)])
    two = record([trial(0, None), trial(1, 5.0)], seed=1)
    assert bands.band([one, two], "images") == [
        dict(x=200, low=3.0, middle=4.0, high=5.0),
        dict(x=300, low=3.0, middle=4.0, high=5.0),
    ]
    assert [point["x"] for point in bands.band([one], "trials")] == [1, 2, 3]
    assert bands.band([record([trial(0, None)])], "images") == []


def test_a_band_of_five_seeds_holds_the_middle_half() -> None:
    (point,) = bands.band([record([trial(0, float(seed))], seed) for seed in range(5)], "images")
    assert point == dict(x=100, low=1.0, middle=2.0, high=3.0)
    assert bands.meaning(5) == "5 seeds: median and quartiles"
    assert bands.meaning(4) == "4 seeds: median and range"
    assert len(bands.rising([record([trial(0, None)]), record([trial(0, 1.0)])])) == 1


def test_a_long_band_is_thinned() -> None:
    rising = [record([trial(k, k + seed / 7) for k in range(1500)], seed) for seed in range(2)]
    points = bands.band(rising, "images")
    assert len(points) == bands.POINTS
    assert (points[0]["x"], points[-1]["x"], points[-1]["high"]) == (100, 150_000, 1499 + 1 / 7)
    assert len(bands.band([record([trial(k, 1.0) for k in range(1500)])], "images")) == 2


def shares_of(rows: Sequence[Mapping[str, Any]], decision: str, part: str) -> dict[str, float]:
    return {row["choice"]: row["share"] for row in rows if (row["decision"], row["part"]) == (decision, part)}


def test_choices_are_counted_in_canonical_forms() -> None:
    """A head that skips the layers with own weights shares all."""
    space = HeadCells(layers=2)
    spelt = [space.read((split, ops)) for split, ops in ((1, [4, 1]), (1, [1, 4]), (0, [1, 1]))]
    made = record([trial(k, 1.0, arch=arch) for k, arch in enumerate(spelt)], space={"type": "HeadCells", "layers": 2})
    found = choices.shares([made])
    assert shares_of(found.rows, "head.split", "first third") == {"0": 1.0}
    assert shares_of(found.rows, "head.split", "second third") == {"1": 1.0}
    assert shares_of(found.rows, choices.EVERY, "last third") == {"conv3": 1.0}
    assert {row["decision"] for row in found.rows} == {
        "head.split",
        "head.layer1",
        choices.EVERY,
    }  # layer 0 is always conv3
    assert (found.used, found.made) == (3, 3)


def test_a_decision_counts_where_it_was_searched() -> None:
    archs = [ToySpace().architecture({**ToySpace().sample(Random(0)).as_dict(), "layer0.kernel": k}) for k in (1, 3, 5)]
    notes = [{"part": "layer1"}, {"part": "layer0"}, {"part": "layer0"}]
    made = record([trial(k, 1.0, arch=archs[k], note=notes[k]) for k in range(3)])
    rows = choices.shares([made]).rows
    assert shares_of(rows, "layer0.kernel", "first third") == {}
    assert shares_of(rows, "layer0.kernel", "second third") == {"3": 1.0}


def test_of_many_trials_a_sample_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "MOST", 30)
    made = record([trial(k, 1.0) for k in range(90)])
    found = choices.shares([made])
    assert (found.used, found.made) == (30, 90)
    assert found == choices.shares([made])


def answer(strategy: str, cost: float, metric: float, seed: int = 0) -> dict[str, Any]:
    return dict(strategy=strategy, seed=seed, cost=cost, metric=metric)


def test_the_hypervolume_is_a_share_of_what_lies_before_the_reference_point() -> None:
    rows = [answer("a", 10, 50.0), answer("b", 20, 40.0), answer("b", 10, 40.0)]
    found, reference = fronts.hypervolumes(rows, True)
    assert found == {"a": pytest.approx(1.0), "b": pytest.approx(1.1 * 0.1 / 1.21)}
    assert reference == "(21.00, 39.00)"
    smaller, reference = fronts.hypervolumes(rows, False)
    assert smaller == {"a": pytest.approx(1.1 * 0.1 / 1.21), "b": pytest.approx(1.0)}
    assert reference == "(21.00, 51.00)"


def test_more_seeds_have_no_larger_hypervolume() -> None:
    rows = [answer("a", 10, 40.0, 0), answer("a", 20, 50.0, 1), answer("b", 10, 40.0), answer("c", 20, 50.0)]
    found, _ = fronts.hypervolumes(rows, True)
    assert found["a"] == pytest.approx((found["b"] + found["c"]) / 2)


@pytest.fixture
def found(tmp_path: Path, played: Callable[..., Path]) -> list[Panel]:
    """The figures of two strategies of two seeds."""
    for seed in range(2):
        played(tmp_path, "random_search", seed, [10.0, 30.0, 20.0], 31.0 + seed)
        played(tmp_path, "ppo", seed, [10.0, 40.0, 35.0], 44.5 + seed)
    records = read_records([tmp_path])
    shown = [one for one in (chosen(records[:2]), chosen(records[2:])) if one is not None]
    return panels(records, ["ppo", "random_search"], shown)


def test_panels_are_drawn_for_what_is_there(found: list[Panel]) -> None:
    titles = ["Search against cost", "Search against seconds", "Reward and final score", "Quality against parameters"]
    assert [one.title for one in found] == [*titles, "Quality against MAdds", "Choices as the search went on"]
    front = found[3]
    assert "Light points are 12 of 12 trials" in front.caption
    assert "reference point" in front.caption
    assert "as the search went on" in found[5].title


def test_specifications_follow_the_schema(found: list[Panel]) -> None:
    table = Confusion(("a", "b"), ((3, 1), (0, 0)))
    lines = training([dict(strategy="ppo", epoch=1, name="loss", value=0.5)], ["ppo"])
    for spec in [*(one.spec for one in found), confusion(table), lines]:
        alt.Chart.from_dict(spec)
        assert all(field in ("x", "low", "middle", "high", "reward", "final", "cost", "metric", "choice", "decision", "share",
                             "part", "trials", "strategy", "seed", "epoch", "value", "name", "is", "as", "count")
                   for field in fields(spec))  # fmt: skip


def fields(spec: Any) -> list[str]:
    """The columns that a specification reads: names of ours, and of nobody else."""
    if isinstance(spec, list):
        return [name for item in spec for name in fields(item)]
    if not isinstance(spec, dict):
        return []
    own = [spec["field"]] if isinstance(spec.get("field"), str) else []
    return own + [name for key, item in spec.items() if key not in ("datasets", "values") for name in fields(item)]


def test_a_row_of_the_confusion_without_items_has_no_shares() -> None:
    spec: Spec = confusion(Confusion(("a", "b"), ((3, 1), (0, 0))))
    (rows,) = spec["datasets"].values() if "datasets" in spec else (spec["data"]["values"],)
    assert [row["share"] for row in rows] == [0.75, 0.25, 0.0, 0.0]


def test_the_health_of_a_supernet_is_the_mean_of_the_seeds_epoch_by_epoch() -> None:
    def epochs(seed: int, ratios: Sequence[float]) -> Record:
        stages = [(StageResult("supernet", {"score": 1.0, "skip_ratio": ratio}, Cost(1, 0, 1.0)),) for ratio in ratios]
        return record(
            [Trial(k, Proposal(ToySpace().sample(Random(k))), one, "done", 1.0) for k, one in enumerate(stages)], seed
        )

    found = {panel.title: panel for panel in panels([epochs(0, [0.25, 1.0]), epochs(1, [0.75])], ["a"], [])}
    rows = found["Health of supernets"].spec["data"]["values"]
    assert [(row["epoch"], row["name"], row["value"]) for row in rows] == [
        (1, "skip_ratio", 0.5),
        (2, "skip_ratio", 1.0),
    ]
    assert "Health of supernets" not in {panel.title for panel in panels([record([trial(0, 1.0)])], ["a"], [])}


def test_more_than_ten_strategies_have_more_colours() -> None:
    rows = [dict(strategy="0", name="loss", epoch=1, value=0.5)]
    ten = [str(one) for one in range(10)]
    assert "scheme" not in str(training(rows, ten))
    assert "'scheme': 'tableau20'" in str(training(rows, [*ten, "10"]))
