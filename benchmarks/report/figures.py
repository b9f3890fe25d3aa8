"""Figures of the leaderboard, and the tables behind them."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from benchmarks.files import replacing
from benchmarks.report.bands import curve
from benchmarks.report.choices import searched
from benchmarks.report.fronts import points
from core import did_you_mean
from search_spaces import Choice
from strategies import Trial

if TYPE_CHECKING:
    from benchmarks.analysis.ranking import Sample
    from benchmarks.records.record import Record

COLUMNS = 4  # panels side by side in `scatter`
MARKERS, LINES = "os^D", ("-", "--", ":", "-.")  # one for each ten strategies, as there are ten colours


def line(place: int) -> str:
    """The format of the lines of a strategy, by its place among those of a panel."""
    return f"C{place % 10}{LINES[place // 10 % len(LINES)]}"


def best_so_far(records: Sequence[Record]) -> Figure:
    """Best reward of a search against the images it has seen: a panel a benchmark, a colour a strategy, a line a seed."""
    benchmarks = list(dict.fromkeys(record.benchmark for record in records))
    figure, panels = _row(len(benchmarks))
    for panel, benchmark in zip(panels, benchmarks, strict=True):
        shown = [record for record in records if record.benchmark == benchmark and record.trials]  # no baselines
        styles = {name: line(place) for place, name in enumerate(sorted({record.strategy for record in shown}))}
        lines = {}
        for record in shown:
            style: dict[str, Any] = dict(where="post", label=record.strategy, alpha=0.8)
            (lines[record.strategy],) = panel.step(*curve(record.trials), styles[record.strategy], **style)
        panel.set(title=benchmark, xlabel="images seen by the search", ylabel="best reward so far")
        if lines:
            panel.legend(handles=list(lines.values()))
        panel.grid(alpha=0.3)
    return _laid_out(figure)


def answers(records: Sequence[Record]) -> Figure:
    """What the networks cost that searches answer, and how good they are after their final training.

    A panel a benchmark, a colour a strategy, a point a network of a seed; along the line nothing is better in both. The cost is
    MAdds, or parameters where nothing has MAdds.
    """
    benchmarks = list(dict.fromkeys(record.benchmark for record in records))
    figure, panels = _row(len(benchmarks))
    for panel, benchmark in zip(panels, benchmarks, strict=True):
        shown = [record for record in records if record.benchmark == benchmark]
        cost, metric, rows = _answers(shown)
        dots = []
        for place, name in enumerate(sorted({row["strategy"] for row in rows})):
            mine = [row for row in rows if row["strategy"] == name]
            mark: dict[str, Any] = dict(color=f"C{place % 10}", marker=MARKERS[place // 10 % len(MARKERS)], alpha=0.8)
            dots.append(
                panel.scatter([row["cost"] for row in mine], [row["metric"] for row in mine], label=name, **mark)
            )
        front = sorted((row["cost"], row["metric"]) for row in rows if row["front"])
        panel.step([one for one, _ in front], [one for _, one in front], where="post", color="0.5", lw=1, zorder=0)
        panel.set(title=benchmark, xlabel=cost, ylabel=f"{metric} after the final training")
        if rows:
            panel.legend(handles=dots, fontsize="small")
        panel.grid(alpha=0.3)
    return _laid_out(figure)


def _answers(records: Sequence[Record]) -> tuple[str, str, list[dict[str, Any]]]:
    """The cost, the primary metric, and the answers of one benchmark that have both."""
    finished = next((record.result for record in records if record.result), None)
    if finished:
        metric, higher = finished["primary"], finished["higher_is_better"]
        for cost in ("madds", "params"):
            if rows := points(records, cost, metric, higher):
                return cost, metric, rows
    return "cost", "metric", []


def choice_shares(records: Sequence[Record], decision: str, choice: str, period: int) -> pd.DataFrame:
    """How often each strategy proposed `choice` at `decision`: a row a benchmark, strategy and period of `period` trials.

    Choices are those of the canonical form, which tells what a network really has (a head whose own layers are all skips
    shares everything), compared as text. Trials of a progressive search count where they searched the decision, not where it
    was held. They count in the order of their ids, those of a strategy's seeds together; `share` is in 0 to 1, of `trials`
    trials with the ids `first` to `last`. Records without the decision are left out. Raises ValueError where none has it, no
    trial made this choice, or `period` is below 1.
    """
    if period < 1:
        raise ValueError(f"a period must have at least 1 trial, not {period}")
    made = [(record, trial, choices) for record in records for trial, choices in _searched(record, decision)]
    names = dict.fromkeys(name for *_, choices in made for name in choices)
    if decision not in names:
        raise ValueError(did_you_mean("decision", decision, names))
    rows = [
        dict(benchmark=record.benchmark, strategy=record.strategy, id=trial.id, choice=str(choices[decision]))
        for record, trial, choices in made
        if decision in choices
    ]
    table = pd.DataFrame(rows)
    if choice not in set(table["choice"]):
        raise ValueError(did_you_mean(f"choice of {decision} (no trial made it)", choice, sorted(set(table["choice"]))))
    table["period"] = table["id"] // period
    table["made"] = table["choice"] == choice
    shares = table.groupby(["benchmark", "strategy", "period"], as_index=False).agg(
        first=("id", "min"), last=("id", "max"), trials=("id", "size"), share=("made", "mean")
    )
    return shares.drop(columns="period")


def _searched(record: Record, decision: str) -> Iterator[tuple[Trial, dict[str, Choice]]]:
    """The trials in which a decision was not held, with the canonical forms of their networks."""
    space = record.space()
    for trial in record.trials:
        if searched(trial, decision):
            choices = trial.arch.as_dict()
            yield trial, choices if space is None else dict(space.architecture(choices).canonical)


def choice_over_time(shares: pd.DataFrame, decision: str, choice: str, period: int) -> Figure:
    """The `shares` of `choice_shares` against trials: a panel a benchmark, a line a strategy.

    NAS-FCOS (Wang et al., CVPR 2020) draws how often heads that share all their weights are sampled, in periods of 50.
    """
    panels_of = list(shares.groupby("benchmark"))
    figure, panels = _row(len(panels_of))
    for panel, (benchmark, table) in zip(panels, panels_of, strict=True):
        for place, (strategy, rows) in enumerate(table.groupby("strategy")):
            panel.plot(rows["last"] + 1, 100 * rows["share"], line(place), marker="o", label=strategy)
        panel.set(
            title=benchmark, xlabel="trials", ylabel=f"{decision} = {choice}, % of {period} trials", ylim=(-3, 103)
        )
        panel.legend(handles=panel.get_lines())
        panel.grid(alpha=0.3)
    return _laid_out(figure)


def moving_means(records: Sequence[Record], metric: str, period: int) -> pd.DataFrame:
    """How a metric changes as a search goes on: a row a benchmark, strategy and trial.

    `mean` is that over the last `period` trial ids up to `id`, those of a strategy's seeds together; `trials` says of how many
    trials it is: fewer at the beginning, and where some failed. `metric` is "reward", a metric of the trial's last stage, or a
    cost of its network that the study measured. As in `best_so_far`, trials that went deepest count. Raises ValueError where
    none has this metric, or `period` is below 1.
    """
    if period < 1:
        raise ValueError(f"a period must have at least 1 trial, not {period}")
    made = [
        (record, trial.id, {**trial.measures, **trial.stages[-1].metrics, "reward": trial.score})
        for record in records
        for trial in _deepest(record.trials)
    ]
    names = dict.fromkeys(name for *_, figures in made for name in figures)
    if metric not in names:
        raise ValueError(did_you_mean("metric of trials", metric, names))
    values: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for record, number, figures in made:
        if metric in figures:
            values.setdefault((record.benchmark, record.strategy), []).append((number, figures[metric]))
    rows = []
    for (benchmark, strategy), found in values.items():
        found.sort()
        numbers = [number for number, _ in found]
        for last in dict.fromkeys(numbers):
            window = found[bisect_right(numbers, last - period) : bisect_right(numbers, last)]
            mean = fmean(value for _, value in window)
            row = dict(benchmark=benchmark, strategy=strategy, id=last, trials=len(window), mean=mean)
            rows.append(row)
    return pd.DataFrame(rows)


def _deepest(trials: Sequence[Trial]) -> list[Trial]:
    """Those with a reward that went through most stages."""
    scored = [trial for trial in trials if trial.reward is not None and trial.stages]
    depth = max((trial.depth for trial in scored), default=0)
    return [trial for trial in scored if trial.depth == depth]


def metric_over_time(means: pd.DataFrame, metric: str, period: int) -> Figure:
    """The `means` of `moving_means` against trials in one panel: a line a strategy and benchmark.

    NAS-FCOS (Wang et al., CVPR 2020, figure 7) draws the AP of two searches, of which one is rewarded with it and the other
    with the negative losses: two benchmarks here.
    """
    figure = Figure(figsize=(7, 4))
    panel = figure.subplots()
    benchmarks = dict.fromkeys(means["benchmark"])
    for benchmark in benchmarks:
        for strategy, rows in means[means["benchmark"] == benchmark].groupby("strategy", sort=False):
            label = strategy if len(benchmarks) == 1 else f"{strategy}, {benchmark}"
            panel.plot(rows["id"] + 1, rows["mean"], line(len(panel.get_lines())), label=label)
    panel.set(title=", ".join(benchmarks), xlabel="trials", ylabel=f"{metric}, mean of {period} trials")
    panel.legend(handles=panel.get_lines())
    panel.grid(alpha=0.3)
    return _laid_out(figure)


def scatter(samples: Sequence[Sample]) -> Figure:
    """What comparisons compare: a panel for every signal and the metric that it is to agree with, a point a network."""
    pairs = [(sample, *signal) for sample in samples for signal in sample.signals.items()]
    columns = min(COLUMNS, len(pairs))
    rows = math.ceil(len(pairs) / columns)
    figure = Figure(figsize=(4 * columns, 3.8 * rows))
    panels = figure.subplots(rows, columns, squeeze=False)
    for panel in panels.flat[len(pairs) :]:
        panel.remove()
    for panel, (sample, signal, values) in zip(panels.flat, pairs, strict=False):
        panel.scatter(values, sample.truth, alpha=0.7)
        minus = {name: "-" if sample.turn(name) < 0 else "" for name in (signal, sample.metric)}
        panel.set(
            title=f"{sample.benchmark}\n{sample.strategy or 'all strategies'}",
            xlabel=f"{minus[signal]}{signal} after {sample.short}",
            ylabel=f"{minus[sample.metric]}{sample.metric} after {sample.long}",
        )
        panel.grid(alpha=0.3)
    return _laid_out(figure)


def save(figure: Figure, path: Path) -> None:
    """As a PNG, whole or not at all."""
    with replacing(path) as part:
        figure.savefig(part, format="png", dpi=120)


def _row(count: int) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels side by side."""
    figure = Figure(figsize=(6 * count, 4))
    return figure, list(figure.subplots(1, count, squeeze=False)[0])


def _laid_out(figure: Figure) -> Figure:
    """With names as they are, in which a `$` begins no formula, and with nothing cut off."""
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_parse_math(False)
    figure.tight_layout()
    return figure
