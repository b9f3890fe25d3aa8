"""Ranks, tests against random search and costs of the leaderboard's rows, of made-up studies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.leaderboard import Leaderboard
from benchmarks.report.rows import printed
from benchmarks.report.summary import summary
from search_spaces.toy.space import ToySpace
from strategies import Proposal, StageResult, Trial
from tasks import Cost


@pytest.fixture
def studies(tmp_path: Path, answer: Callable[..., Any], write_study: Callable[..., Path]) -> Callable[..., None]:
    """Write studies of a strategy with these final scores, seeds 0, 1, ..., each of `trials` that cost `images` together."""

    def write(strategy: str, *finals: float, images: int = 400, trials: int = 4, **result: Any) -> None:
        for seed, final in enumerate(finals):
            proposals = [Proposal(ToySpace().sample(Random(number))) for number in range(trials)]
            stages = (StageResult("short", {"score": 1.0}, Cost(images // trials, 0, 0.5)),)
            made = [Trial(number, one, stages, "done", 1.0, depth=1) for number, one in enumerate(proposals)]
            folder = tmp_path / strategy / f"seed{seed}"
            write_study(folder, strategy, seed, made, [answer(None, final)], **result)

    return write


@pytest.fixture
def rows(tmp_path: Path) -> Callable[[], dict[str, dict[str, Any]]]:
    return lambda: {row["strategy"]: row for row in Leaderboard.of([tmp_path]).rows}


def line(tmp_path: Path, strategy: str) -> list[str]:
    """The cells of a strategy in the first table."""
    lines = Leaderboard.of([tmp_path]).markdown().splitlines()
    return next(cells for cells in ([cell.strip() for cell in one.split("|")] for one in lines) if strategy in cells)


def test_the_primary_metric_has_an_interval(studies, rows, tmp_path: Path) -> None:
    studies("random_search", 20.0, 22.0, 27.0)
    assert rows()["random_search"]["score"] == pytest.approx(
        {"mean": 23.0, "std": 13**0.5, "low": 20.0, "high": 27.0},
    )
    assert "**23.00 [20.00, 27.00]**" in line(tmp_path, "random_search")


def test_failures_are_told_by_kind_and_trainings_in_parts_are_marked(rows, answer, write_study, tmp_path: Path) -> None:
    kinds: list[Any] = ["not_finite", "out_of_memory", None, "out_of_memory", None]
    proposals = [Proposal(ToySpace().sample(Random(number))) for number in range(len(kinds))]
    made = [
        Trial(number, one, (), "failed", None, "x", kind)
        if kind
        else Trial(number, one, (StageResult("short", {"batch_parts": 2}, Cost(1, 0, 0.5)),), "done", 1.0, depth=1)
        for number, (one, kind) in enumerate(zip(proposals, kinds, strict=True))
    ]
    split, plain = answer(None, 3.0), answer(None, 4.0)
    split["final"]["metrics"]["batch_parts"] = 4
    write_study(tmp_path / "split/seed0", "split", 0, made, [split])
    write_study(tmp_path / "plain/seed0", "plain", 0, made[2:3], [plain])
    write_study(tmp_path / "sound/seed0", "sound", 0, [], [plain])
    found = rows()
    assert (found["split"]["failed"], found["split"]["split batches"]) == (
        "3 (2 out of memory, 1 not finite)",
        "2 trials, 1 final",
    )
    assert (found["plain"]["failed"], found["plain"]["split batches"]) == (None, "1 trials, 0 final")
    assert (found["sound"]["failed"], found["sound"]["split batches"]) == (None, None)
    assert "batch_parts" not in found["split"]
    assert {"3 (2 out of memory, 1 not finite)", "2 trials, 1 final"} <= set(line(tmp_path, "split"))


def test_strategies_are_tested_against_random_search(studies, rows, tmp_path: Path) -> None:
    studies("random_search", *[20.0 + seed for seed in range(6)])
    studies("better", *[25.5 + 1.1 * seed for seed in range(6)])
    studies("like_it", *[20.0 + seed + (-1) ** seed for seed in range(6)])
    studies("one_seed", 40.0)
    found = rows()
    assert found["better"]["p (Holm)"] == pytest.approx(2 * 2 / 2**6)  # the smaller one of two
    assert found["better"]["against random"] == pytest.approx(100 * 5.75 / 22.5)
    assert found["like_it"]["p (Holm)"] == 1.0
    assert found["one_seed"]["p (Holm)"] is None
    assert found["one_seed"]["against random"] == pytest.approx(100.0)
    assert found["random_search"]["against random"] is None
    assert line(tmp_path, "better")[5:7] == ["+25.56 %", "0.062"]


def test_less_is_better_where_the_metric_says_so(studies, rows) -> None:
    studies("random_search", 4.0, 5.0, higher_is_better=False)
    studies("better", 2.0, 2.5, higher_is_better=False)
    assert rows()["better"]["rank"] == 1
    assert rows()["better"]["against random"] == pytest.approx(50.0)


def test_a_search_that_costs_more_is_marked(studies, rows, tmp_path: Path) -> None:
    studies("random_search", 4.0, 5.0, images=400)
    studies("dear", 5.0, 6.0, images=444)
    studies("as_dear", 5.0, 6.0, images=440)
    studies("cheap", 5.0, 6.0, images=4)
    found = rows()
    assert {name: found[name]["equal cost"] for name in ("dear", "as_dear", "cheap")} == {
        "dear": False, "as_dear": True, "cheap": True,
    }  # fmt: skip
    assert line(tmp_path, "dear")[5] == "+22.22 %†"
    assert line(tmp_path, "cheap")[5] == "+22.22 %"


def test_trials_are_the_cost_where_there_are_no_images(studies, rows) -> None:
    studies("random_search", 4.0, 5.0, images=0)
    studies("dear", 5.0, 6.0, images=0, trials=5)
    studies("as_dear", 5.0, 6.0, images=0)
    assert not rows()["dear"]["equal cost"]
    assert rows()["as_dear"]["equal cost"]


def test_equal_printed_means_share_a_rank(studies, rows, tmp_path: Path) -> None:
    studies("random_search", 4.0, 6.0)
    studies("same", 5.001, 5.001)
    studies("single", 7.0)
    studies("worse", 3.0, 3.0)
    assert {name: row["rank"] for name, row in rows().items()} == {
        "single": 1, "same": 2, "random_search": 2, "worse": 4,
    }  # fmt: skip
    assert {name for name, row in rows().items() if row["best"]} == {"same", "random_search"}
    assert line(tmp_path, "single")[1] == "1 (1 seed)"
    assert "7.00" in line(tmp_path, "single")  # not bold


def test_means_in_the_interval_of_the_best_are_bold_too(studies, rows) -> None:
    studies("first", 4.0, 8.0)
    studies("near", 4.5, 4.5)
    studies("below", 3.0, 3.5)
    assert {name for name, row in rows().items() if row["best"]} == {"first", "near"}


def test_costs_are_told_by_part(studies, rows, tmp_path: Path) -> None:
    parts = dict(shared=(50, 8640.0), search=(400, 86400.0), failed=(100, 10.0), retrain=(1000, 43200.0))
    cost = {part: dict(images=images, pixels=0, seconds=seconds) for part, (images, seconds) in parts.items()}
    studies("random_search", 4.0, 5.0, cost=cost)
    row = rows()["random_search"]
    assert {part: row[f"{part} images"]["mean"] for part in parts} == {
        part: figures[0] for part, figures in parts.items()
    }
    assert row["search device-days"]["mean"] == 1.0
    assert row["retrain device-days"]["mean"] == 0.5
    table = Leaderboard.of([tmp_path]).markdown().split("Cost:")[1]
    assert "| failed images" in table
    assert "| 0.1 " in table  # of a device-day are shared


@pytest.mark.parametrize(
    ("value", "text"), [(0.000412, "0.000412"), (0.02, "0.020"), (0.69, "0.690"), (0, "0"), (-0.004, "-0.004")]
)
def test_small_figures_are_printed_with_three_digits(value: float, text: str) -> None:
    assert printed(value) == text


def summed_up(tmp_path: Path) -> str:
    board = Leaderboard.of([tmp_path])
    return " ".join(summary(board.rows, board.records).sentences)


def test_one_seed_is_not_told_to_be_alike(studies, tmp_path: Path) -> None:
    studies("random_search", 50.0, 52.0, 54.0)
    studies("lucky", 60.0)
    assert "does not tell it from" not in summed_up(tmp_path)


def test_where_random_search_is_first_the_best_on_common_seeds_is_named(studies, tmp_path: Path) -> None:
    studies("random_search", 55.0, 55.0, 70.0)
    studies("next", 54.0, 54.0, 69.0)
    studies("dear", 58.0, 58.0, images=800)
    said = "is first by its mean, but dear is 5.45 % better on the seeds that both have, at more than an equal cost"
    assert said in summed_up(tmp_path)
