"""Strategies compared on tables."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import wilcoxon

from benchmarks.analysis import comparison
from benchmarks.analysis.comparison import compare, kept, play, whole_training
from benchmarks.analysis.regrets import TARGETS, Table, mean_ranks, share_of_reference, solved, tuned
from benchmarks.executors import InlineExecutor
from core.table import table
from tasks.tabular import TabularTask


def test_regret_is_what_the_answer_lacks_and_never_below_zero() -> None:
    curves = play("nas-bench-macro-v1", "random_search", [0, 1, 2], 40)
    assert curves.shape == (3, 40)
    assert (curves >= 0).all()
    assert len({tuple(curve) for curve in curves}) == 3
    means = table("nas-bench-macro").means("test", "accuracy")
    assert all(np.isclose(max(means.values()) - curve, list(means.values())[::-1]).any() for curve in curves[:, -1:])
    assert np.array_equal(curves, play("nas-bench-macro-v1", "random_search", [0, 1, 2], 40))


def test_a_benchmark_without_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="name a tabular benchmark"):
        play("toy-v2", "random_search", [0], 5)


def made(shift: float = 1.0) -> Table:
    rng = np.random.default_rng(0)
    random = rng.uniform(1, 2, size=(12, 1)) * np.linspace(2, 1, 10)
    return Table("made", {"random_search": random, "better": random - shift, "same": random[::-1]})


def test_a_clear_difference_is_significant_and_none_is_not() -> None:
    found = made(0.5)
    alone = wilcoxon(found.final["better"], found.final["random_search"], zero_method="zsplit").pvalue
    assert found.adjusted.loc["better", "random_search"] == pytest.approx(min(1, 3 * alone))
    assert found.winners() == ["better"]
    assert found.adjusted.loc["same", "random_search"] > 0.5


def test_how_strict_a_test_is_and_what_is_left_of_random_regret() -> None:
    table = made()
    better = next(who for who in table.winners() if who != "random_search")
    assert better in table.winners(0.01)
    assert better not in table.winners(0.0)
    share = table.final[better].mean() / table.final["random_search"].mean()
    assert share_of_reference([table, table], better) == pytest.approx(share)


def test_better_by_the_mean_and_worse_by_the_test_is_not_better() -> None:
    random = np.linspace(1, 2, 100)[:, None]
    seldom = np.where(np.arange(100)[:, None] < 10, 0.0, random + 0.01)
    table = Table("made", {"random_search": random, "jackpot": seldom})
    assert table.final["jackpot"].mean() < table.final["random_search"].mean()
    assert table.adjusted.loc["jackpot", "random_search"] < 0.001
    assert table.winners() == []


def test_the_expected_running_time_counts_failures() -> None:
    curves = np.array([[3.0, 2.0, 1.0, 0.0], [3.0, 3.0, 3.0, 3.0], [0.5, 0.5, 0.5, 0.5]])
    reached = Table("made", {"one": curves, "none": curves + 9}).reached(1.0)
    assert reached.loc["one", "share"] == pytest.approx(2 / 3)
    assert reached.loc["one", "trainings"] == (3 + 4 + 1) / 2
    assert math.isinf(reached.loc["none", "trainings"])


def test_ranks_are_over_tables_and_of_common_strategies() -> None:
    one, other = made(), made(-1.0)
    other = Table("other", {"random_search": other.regrets["random_search"], "better": other.regrets["better"]})
    ranks = mean_ranks([one, other])
    assert list(ranks.columns) == ["random_search", "better"]
    assert ranks.loc["made"].tolist() == [2, 1]
    assert ranks.loc["other"].tolist() == [1, 2]


@pytest.mark.slow
def test_evolution_and_predictor_beat_random_search_where_the_table_says_so(tmp_path: Path) -> None:
    """NAS-Bench-Macro, 100 trainings: a claim with 30 seeds."""
    who = ["random_search", "greedy_evolution", "local_search", "predictor"]
    (found,) = compare(["nas-bench-macro-v1"], range(30), 100, InlineExecutor(), tmp_path, who)
    assert {"greedy_evolution", "predictor"} <= set(found.winners())
    assert found.final.mean()["predictor"] < found.final.mean()["greedy_evolution"]
    assert found.final.mean()["random_search"] > 2 * found.final.mean()["greedy_evolution"]


def test_what_was_played_is_not_played_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    what: Any = ["nas-bench-macro-v1"], range(5), 10, InlineExecutor(), tmp_path, ["random_search"]
    (first,) = compare(*what)
    with monkeypatch.context() as patch:
        patch.setattr(comparison, "play", None)
        (again,) = compare(*what)
    assert np.array_equal(again.regrets["random_search"], first.regrets["random_search"], equal_nan=True)
    assert {"strategies.ppo", "strategies.policy", "strategies.controller", "strategies.strategy"} <= set(
        comparison.sources("strategies.ppo")
    )
    (other,) = compare(what[0], range(6), *what[2:])
    assert other.regrets["random_search"].shape == (6, 10)


def test_what_was_played_on_another_table_is_played_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And lies in the folder, wherever the config does."""
    config, folder = tmp_path / "mine.py", tmp_path / "curves"
    config.write_text('like = "nas-bench-macro-v1"\nbenchmark = {"id": "mine-v1"}\n')
    monkeypatch.setattr(comparison, "play", lambda *what: np.zeros((1, 2)))
    for content in ("one", "one", "another"):
        monkeypatch.setitem(vars(table("nas-bench-macro")), "fingerprint", content)
        kept(folder, str(config), "random_search", [0], 2)
    assert [path.name.startswith("mine-v1-random_search-") for path in folder.iterdir()] == [True, True]
    monkeypatch.setattr(TabularTask, "version", TabularTask.version + 1)
    kept(folder, str(config), "random_search", [0], 2)
    assert len(list(folder.iterdir())) == 3
    assert {path.name for path in tmp_path.iterdir()} - {"__pycache__"} == {"mine.py", "curves"}


def test_a_strategy_that_is_not_there_is_refused(tmp_path: Path) -> None:
    names = ["nas-bench-macro-v1", "toy-v2"]
    for chosen, sentence in (
        (["random_search", "greedy_evolutoin"], "unknown strategy 'greedy_evolutoin': did you mean 'greedy_evolution'"),
        (["greedy_evolution"], "toy-v2 has none of these strategies: leave it out"),
    ):
        with pytest.raises(ValueError, match=sentence):
            next(compare(names, range(5), 10, InlineExecutor(), tmp_path, chosen))


def test_a_strategy_without_an_answer_is_named_with_its_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    curves = np.array([[1.0, 0.5], [np.nan, np.nan]])
    monkeypatch.setattr(comparison, "kept", lambda *what: curves)
    with pytest.raises(ValueError, match="random_search has no answer on toy-v2 with seed 8: give more --trainings"):
        next(compare(["toy-v2"], [7, 8], 2, InlineExecutor(), tmp_path, ["random_search"]))


def test_networks_without_a_training_are_not_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = table("nas-bench-macro")
    means = whole.means("test", "accuracy")
    monkeypatch.setattr(
        type(whole), "means", lambda *what: {next(iter(means)): np.nan, **dict(list(means.items())[1:])}
    )
    assert np.nanmin(play("nas-bench-macro-v1", "random_search", [0], 5)) >= 0


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_a_scale_is_of_first_answers() -> None:
    """A first training that takes longer than most has no answer after the time of one."""
    found = Table("made", {"one": np.array([[np.nan, 0.4, 0.1], [0.6, 0.5, 0.2]])})
    assert (found.scale(1.0), found.scale(0.1)) == (0.5, 0.05)
    without = Table("made", {"none": np.full((2, 3), np.nan), **found.regrets})
    assert without.scale(1.0) == 0.5


def test_the_share_of_targets_reached() -> None:
    curves = np.array([[1.0, 0.5, 0.0], [1.0, 1.0, np.nan]])
    shares = solved([Table("made", {"one": curves})])["one"]
    assert shares.index.tolist() == [1, 2, 3]
    half = (TARGETS >= 0.5).mean()
    assert shares.tolist() == pytest.approx([1 / 21, (half + 1 / 21) / 2, (1 + 1 / 21) / 2])


def test_a_target_that_was_reached_stays_reached() -> None:
    """An incumbent may be worse by its mean than the one before it."""
    shares = solved([Table("made", {"one": np.array([[1.0, 0.0, 0.9], [1.0, np.nan, 0.5]])})])["one"]
    half = (TARGETS >= 0.5).mean()
    assert shares.tolist() == pytest.approx([1 / 21, (1 + 1 / 21) / 2, (1 + half) / 2])


def test_what_tuning_is_worth() -> None:
    """One setting is the better one on two tables, the other on the third."""
    values = [(0.2, 0.4), (0.1, 0.3), (0.5, 0.25)]
    tables = [
        Table(str(place), {name: np.array([[1.0, value]] * 5) for name, value in zip("ab", pair, strict=True)})
        for place, pair in enumerate(values)
    ]
    (row,) = tuned(tables, {"kind": ["a", "b"], "alone": ["a"]}).to_dict("records")
    assert row["first setting"] == pytest.approx((0.2 + 0.1 + 0.5) / 3)
    assert row["tuned on another"] == pytest.approx((0.1 + 0.5 + 0.2 + 0.5 + 0.4 + 0.3) / 6)
    assert row["best of each"] == pytest.approx((0.2 + 0.1 + 0.25) / 3)


def test_a_training_that_was_stopped_for_a_while_costs_one() -> None:
    """By the clock one of this table's took as long as five hundred others."""
    whole = table("micro-segmentation")
    seconds = whole.column("seconds")[..., -1]
    assert seconds.max() > 100 * np.median(seconds)
    task = TabularTask(table="micro-segmentation", metric="mIoU", cache="", device="cpu")
    assert whole_training(task) == ("images", 6 * 292)
    assert np.isfinite(play("tabular-segmentation-v1", "random_search", range(20), 10)).all()
