"""Figures of results: what their lines and points are, and names that stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.text import Text

from benchmarks.analysis.ranking import Sample
from benchmarks.records.record import Record
from benchmarks.report import figures as drawn
from benchmarks.report.figures import (
    answers,
    best_so_far,
    choice_over_time,
    choice_shares,
    metric_over_time,
    moving_means,
    scatter,
)
from search_spaces.toy.space import ToySpace
from strategies import Proposal, StageResult, Trial
from tasks import Cost

TOY = {"benchmark": {"space": {"type": "ToySpace"}}}
FORMULA = r"_$\frac$"


def trial(number: int, ap: float | None, depth: int = 1) -> Trial:
    """With minus the AP as its reward; None: it failed."""
    proposal = Proposal(ToySpace().sample(Random(number)))
    if ap is None:
        return Trial(number, proposal, (), "failed", failure="error")
    stage = StageResult("short", {"AP": ap}, Cost(100, 100, 0.5))
    return Trial(number, proposal, (stage,), "done", -ap, depth=depth, measures={"params": 10 * ap})


def study(aps: Sequence[float | None], strategy: str = "a", seed: int = 0, benchmark: str = "b") -> Record:
    """Whose trials are told backwards."""
    trials = [trial(number, ap) for number, ap in enumerate(aps)][::-1]
    return Record(Path(), benchmark, strategy, seed, trials, TOY)


def answered(record: Record, *networks: tuple[float, float]) -> Record:
    """With MAdds and AP of its answers."""
    final = [{"final": {"metrics": {"AP": ap}, "params": 1, "madds": madds}} for madds, ap in networks]
    return replace(record, result={"primary": "AP", "higher_is_better": True, "answers": final})


def test_no_two_strategies_are_drawn_alike() -> None:
    records = [study([1.0, 2.0], f"{place:02}") for place in range(25)]
    for figure in (best_so_far(records), metric_over_time(moving_means(records, "AP", 2), "AP", 2)):
        (panel,) = figure.axes
        drawn = [(one.get_color(), one.get_linestyle()) for one in panel.get_lines()]
        assert len(set(drawn)) == 25
        assert all(same_color(colour, f"C{place}") for place, (colour, _) in enumerate(drawn[:10]))
        assert {style for _, style in drawn[:10]} == {"-"}


def test_answers_are_points_with_their_front() -> None:
    one, two = answered(study([], "a"), (2.0, 5.0), (1.0, 3.0)), answered(study([], "b"), (3.0, 4.0))
    (panel, empty) = answers([one, two, study([], "a", 1), study([], benchmark="unfinished")]).axes
    drawn = {str(dots.get_label()): dots.get_offsets().tolist() for dots in panel.collections}  # type: ignore[union-attr]
    assert drawn == {"a": [[2.0, 5.0], [1.0, 3.0]], "b": [[3.0, 4.0]]}
    assert panel.lines[0].get_xydata().tolist() == [[1.0, 3.0], [2.0, 5.0]]  # type: ignore[union-attr]
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("madds", "AP after the final training")
    assert not empty.collections
    assert empty.get_title() == "unfinished"


def test_a_moving_mean_is_that_of_the_last_trials_of_all_seeds() -> None:
    records = [study([1.0, 2.0, 6.0, 4.0]), study([3.0, None, 4.0], seed=1), study([5.0], "c")]
    assert moving_means(records, "AP", 2).to_dict("split")["data"] == [
        ["b", "a", 0, 2, 2.0],
        ["b", "a", 1, 3, 2.0],  # 1, 3, 2
        ["b", "a", 2, 3, 4.0],  # 2, 6, 4
        ["b", "a", 3, 3, pytest.approx(14 / 3)],  # 6, 4, 4
        ["b", "c", 0, 1, 5.0],
    ]
    assert moving_means(records, "reward", 1)["mean"].tolist() == [-2.0, -2.0, -5.0, -4.0, -5.0]
    assert moving_means(records, "params", 99)["mean"].iloc[-1] == 50.0


def test_a_moving_mean_looks_at_no_more_than_its_period(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(drawn, "fmean", lambda values: seen.append(len(list(values))) or 0.0)
    moving_means([study([1.0] * 400)], "AP", 5)
    assert (len(seen), sum(seen)) == (400, 5 * 400 - 10)


def test_trials_of_which_less_was_seen_do_not_count() -> None:
    record = study([50.0, 1.0])
    record.trials.append(trial(2, 3.0, depth=2))
    assert moving_means([record], "AP", 9).to_dict("split")["data"] == [["b", "a", 2, 1, 3.0]]


def test_a_metric_that_nobody_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown metric of trials 'APP': did you mean 'AP'"):
        moving_means([study([1.0])], "APP", 5)
    with pytest.raises(ValueError, match="at least 1 trial, not 0"):
        moving_means([study([1.0])], "AP", 0)


def test_searches_of_two_benchmarks_are_lines_of_one_panel() -> None:
    records = [study([1.0, 2.0]), study([4.0, 8.0], benchmark="by-loss")]
    (panel,) = metric_over_time(moving_means(records, "AP", 2), "AP", 2).axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in panel.get_lines()}
    assert lines == {"a, b": [[1, 1.0], [2, 1.5]], "a, by-loss": [[1, 4.0], [2, 6.0]]}
    assert panel.get_ylabel() == "AP, mean of 2 trials"
    (panel,) = metric_over_time(moving_means([study([1.0])], "AP", 2), "AP", 2).axes
    assert [line.get_label() for line in panel.get_lines()] == ["a"]


def sample(strategy: str | None = None) -> Sample:
    before = [{"loss_cls": 0.5, "AP": 1.0, "reward": -0.5}, {"loss_cls": 0.25, "AP": 3.0, "reward": -0.25}]
    return Sample("b", strategy, "short", "final", "AP", before, [{"AP": 10.0}, {"AP": 20.0}], ())


def test_every_pair_is_a_panel_with_both_axes_named() -> None:
    panels = scatter([sample(), sample("shortlist")]).axes
    assert [panel.get_title() for panel in panels] == ["b\nall strategies"] * 3 + ["b\nshortlist"] * 3
    assert [panel.get_xlabel() for panel in panels[:3]] == [
        "-loss_cls after short", "AP after short", "reward after short"
    ]  # fmt: skip
    assert {panel.get_ylabel() for panel in panels} == {"AP after final"}
    points = [panel.collections[0].get_offsets().tolist() for panel in panels[:2]]  # type: ignore[union-attr]
    assert points == [[[-0.5, 10.0], [-0.25, 20.0]], [[1.0, 10.0], [3.0, 20.0]]]
    (panel, *_) = scatter([replace(sample(), smaller="AP")]).axes
    assert panel.get_ylabel() == "-AP after final"


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


def test_names_are_shown_and_no_formulas(tmp_path: Path) -> None:
    """A formula that is none would be an error as soon as it is drawn, and a leading underscore hides a line."""
    one = replace(study([1.0, 2.0]), strategy=FORMULA, benchmark=FORMULA)
    two = replace(one, benchmark="b")
    kernel = str(one.trials[0].arch["layer0.kernel"])
    shares = choice_shares([one], "layer0.kernel", kernel, 1)
    figures = {
        "best": (best_so_far([one, two]), [FORMULA] * 3),  # a title, and a line in each legend
        "answers": (answers([answered(replace(one, trials=[]), (1.0, 2.0))]), [FORMULA] * 2),
        "choice": (choice_over_time(shares, "layer0.kernel", kernel, 1), [FORMULA] * 2),
        "metric": (
            metric_over_time(moving_means([one, two], "AP", 1), "AP", 1),
            [f"{FORMULA}, {FORMULA}", f"{FORMULA}, b"],
        ),
        "rewards": (scatter([replace(sample(FORMULA), benchmark=FORMULA)]), [f"{FORMULA}\n{FORMULA}"] * 3),
    }
    for name, (figure, expected) in figures.items():
        figure.savefig(tmp_path / f"{name}.png")
        shown = texts(figure)
        assert all(shown.count(text) >= expected.count(text) for text in expected), name


def test_a_note_of_a_strategys_own_is_no_part() -> None:
    record = study([1.0, 2.0, 3.0])
    for one in record.trials[:2]:
        one.proposal.note["part"] = 1
    record.trials[2].proposal.note["part"] = "layer1."
    kernel = str(record.trials[0].arch["layer0.kernel"])
    assert choice_shares([record], "layer0.kernel", kernel, 9)["trials"].tolist() == [2]
