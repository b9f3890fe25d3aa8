"""What a final training leaves to be looked at, and what is not looked at: other people's files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.leaderboard import Leaderboard
from benchmarks.report.answers import EXAMPLES, PNG, Report, picture, read_report
from benchmarks.report.page import page, section

CURVE = [{"epoch": 1, "loss": 0.5, "mIoU": None}, {"epoch": 2, "loss": 0.25, "mIoU": 40.0}]
CONFUSION = {"classes": ["field", "<b>"], "counts": [[3, 1], [0, 2]]}


def leave(folder: Path, **content: Any) -> Path:
    """A report in the first answer of a run, with the pictures that its examples name."""
    home = folder / "answers/0"
    (home / "examples").mkdir(parents=True)
    (home / "report.json").write_text(json.dumps(content))
    for number in range(9):
        (home / f"examples/{number}.png").write_bytes(PNG + bytes([number]))
    return home


def examples(count: int) -> list[dict[str, Any]]:
    return [
        dict(name=f"<i>{k}", files={"input": f"examples/{k}.png", "truth": "gone.png"}, score={"PSNR": 27.126})
        for k in range(count)
    ]


@pytest.fixture
def runs(tmp_path: Path, played: Callable[..., Path]) -> Path:
    for strategy, final in (("random_search", 30.0), ("ppo", 40.0)):
        for seed in range(2):
            played(tmp_path, strategy, seed, [1.0, 2.0], final + seed)
    return tmp_path


def test_curves_confusion_and_examples_of_the_best_answer_are_shown(runs: Path) -> None:
    leave(runs / "ppo/seed0", examples=examples(1))  # not the best
    leave(runs / "ppo/seed1", curve=CURVE, confusion=CONFUSION, examples=examples(9))
    leave(runs / "random_search/seed1", curve=CURVE[:1], examples=examples(2))
    board = Leaderboard.of([runs])
    found = section(board.rows, board.records)
    assert [(one.strategy, one.seed, len(one.pictures)) for one in found.galleries] == [
        ("ppo", 1, EXAMPLES), ("random_search", 1, 2)
    ]  # fmt: skip
    assert found.galleries[0].pictures[0].files == {"input": "data:image/png;base64,iVBORw0KGgoA"}
    assert [panel.title for panel in found.panels[-2:]] == ["Final training", "Confusion of classes: ppo, seed 1"]
    values = [(row["strategy"], row["epoch"], row["name"], row["value"]) for row in data(found.panels[-2].spec)]
    assert values == [
        ("ppo", 1, "loss", 0.5),
        ("ppo", 2, "loss", 0.25),
        ("ppo", 2, "mIoU", 40.0),
        ("random_search", 1, "loss", 0.5),
    ]
    html = page(board)
    assert "&lt;i&gt;0" in html
    assert "27.13" in html


def data(spec: dict[str, Any]) -> list[dict[str, Any]]:
    (rows,) = spec["datasets"].values() if "datasets" in spec else (spec["data"]["values"],)
    return rows


def test_where_random_search_has_no_examples_the_next_strategy_shows_its_own(
    runs: Path, played: Callable[..., Path]
) -> None:
    leave(runs / "ppo/seed1", examples=examples(1))
    leave(played(runs, "unet", 0, [], 10.0), examples=examples(1))
    board = Leaderboard.of([runs])
    assert [one.strategy for one in section(board.rows, board.records).galleries] == ["ppo", "unet"]


def test_without_reports_there_is_less_to_see(runs: Path) -> None:
    board = Leaderboard.of([runs])
    found = section(board.rows, board.records)
    assert found.galleries == []
    assert read_report(runs / "ppo/seed0/answers/0") == Report()


def test_what_another_version_added_is_left_out(runs: Path) -> None:
    home = leave(
        runs / "ppo/seed0",
        curve=CURVE,
        more=1,
        confusion={**CONFUSION, "more": 1},
        examples=[{**examples(1)[0], "more": 1}],
    )
    assert read_report(home).confusion is not None


@pytest.mark.parametrize(
    "content",
    [dict(curve=3), dict(curve=[{"epoch": "x"}]), dict(confusion={"classes": ["a"], "counts": [[1, 2]]}),
     dict(examples=[{"name": 3}]),
     dict(examples=3), dict(examples=[{"name": "x"}]), dict(confusion=[])],
)  # fmt: skip
def test_what_is_no_report_is_refused(runs: Path, content: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"report\.json cannot be read .*: remove it, or train the answer again"):
        read_report(leave(runs / "ppo/seed0", **content))


def test_pictures_lie_in_the_answer(runs: Path) -> None:
    home = leave(runs / "ppo/seed0")
    (runs / "secret.png").write_bytes(PNG)
    (home / "examples/link.png").symlink_to(runs / "secret.png")
    for file in ("../../../../secret.png", str(runs / "secret.png"), "examples/link.png"):
        with pytest.raises(ValueError, match="leaves the answer's folder"):
            picture(home, file)
    (home / "examples/text.png").write_text("secret")
    with pytest.raises(ValueError, match="is no PNG"):
        picture(home, "examples/text.png")
    assert picture(home, "examples/none.png") is None
