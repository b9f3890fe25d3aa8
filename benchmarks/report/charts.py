"""Figures of the page as Vega-Lite specifications, made with Altair.

Columns have names of ours, as a name that others have given may mean something to Vega: it stands in values, and in titles
without the characters that Vega-Lite, which writes titles into expressions, does not escape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from benchmarks.report.answers import Confusion
from benchmarks.report.choices import PARTS

Spec = dict[str, Any]
WIDE, BEST = "container", "best reward so far"
CELL = 18  # pixels of a square of a heat map


def best_so_far(bands: Mapping[str, Sequence[Mapping[str, float]]], axis: str) -> Spec:
    """A line and a band a strategy; `bands` are those of `bands.band`."""
    rows = [{"strategy": name, **point} for name, points in bands.items() for point in points]
    x = alt.X("x:Q", title=axis, axis=alt.Axis(format="," if "seconds" in axis else "~s"))
    chart = alt.Chart(_data(rows)).encode(x, color=_colours(bands))
    y = alt.Y("middle:Q", title=BEST, scale=alt.Scale(zero=False))
    area = chart.mark_area(opacity=0.15, interpolate="step-after").encode(alt.Y("low:Q", title=BEST), y2="high:Q")
    line = chart.mark_line(interpolate="step-after").encode(y, tooltip=["strategy:N", "x:Q", *_spread()])
    return _spec((area + line).properties(width=WIDE, height=300))


def reward_against_final(rows: Sequence[Mapping[str, Any]], strategies: Sequence[str], metric: str) -> Spec:
    """A point an answer: the reward of its trial (`reward`), and the metric after the final training (`final`)."""
    y = alt.Y("final:Q", title=_title(metric), scale=alt.Scale(zero=False))
    x = alt.X("reward:Q", title="reward in the search", scale=alt.Scale(zero=False))
    chart = alt.Chart(_data(rows)).mark_circle(size=70, opacity=0.8)
    tips = ["strategy:N", "seed:N", "reward:Q", alt.Tooltip("final:Q", title=_title(metric))]
    return _spec(chart.encode(x, y, color=_colours(strategies), tooltip=tips).properties(width=WIDE, height=260))


def pareto(
    answers: Sequence[Mapping[str, Any]],
    trials: Sequence[Mapping[str, Any]],
    strategies: Sequence[str],
    names: Sequence[str],
) -> Spec:
    """A point an answer (`cost`, `metric`, `front`: is none better in both?), lighter ones for trials; `names` of both axes."""
    x = alt.X("cost:Q", title=_title(names[0]), scale=alt.Scale(zero=False), axis=alt.Axis(format="~s"))
    y = alt.Y("metric:Q", title=_title(names[1]), scale=alt.Scale(zero=False))
    tips = [
        "strategy:N",
        "seed:N",
        alt.Tooltip("cost:Q", title=_title(names[0])),
        alt.Tooltip("metric:Q", title=_title(names[1])),
    ]
    colour = _colours(strategies)
    points = alt.Chart(_data(answers)).mark_circle(size=70, opacity=0.9).encode(x, y, color=colour, tooltip=tips)
    front = sorted((row for row in answers if row["front"]), key=lambda row: (row["cost"], row["metric"]))
    line = alt.Chart(_data(front)).mark_line(interpolate="step-after", strokeDash=[4, 3], color="gray").encode(x, y)
    layers = [line, points]
    if trials:
        layers.insert(
            0, alt.Chart(_data(trials)).mark_circle(size=20, opacity=0.25).encode(x, y, color=colour, tooltip=tips)
        )
    return _spec(alt.layer(*layers).properties(width=WIDE, height=300))


def choices(rows: Sequence[Mapping[str, Any]]) -> Spec:
    """A heat map a part of the search: decisions against choices, `rows` as in `choices.Shares`."""
    x = alt.X("choice:N", title=None, sort=_in_order(rows, "choice"))
    y = alt.Y("decision:N", title=None, sort=_in_order(rows, "decision"), axis=alt.Axis(labelLimit=220))
    colour = alt.Color(
        "share:Q", title="share", scale=alt.Scale(scheme="viridis", domain=[0, 1]), legend=alt.Legend(format="%")
    )
    tips = ["decision:N", "choice:N", alt.Tooltip("share:Q", format=".0%"), "trials:Q"]
    chart = alt.Chart(_data(rows)).mark_rect().encode(x, y, colour, tooltip=tips)
    chart = chart.properties(width=alt.Step(CELL), height=alt.Step(CELL))
    return _spec(chart.facet(alt.Facet("part:N", title=None, sort=list(PARTS)), columns=len(PARTS)))


def training(rows: Sequence[Mapping[str, Any]], strategies: Sequence[str]) -> Spec:
    """A panel a figure (`name`) of the final training's epochs, a line a strategy."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    y = alt.Y("value:Q", title=None, scale=alt.Scale(zero=False))
    tips = ["strategy:N", "epoch:Q", "value:Q"]
    chart = alt.Chart(_data(rows)).mark_line(point=len(rows) < 200)
    chart = chart.encode(alt.X("epoch:Q"), y, color=_colours(strategies), tooltip=tips).properties(
        width=260, height=180
    )
    facets = chart.facet(alt.Facet("name:N", title=None, sort=names), columns=3).resolve_scale(y="independent")
    return _spec(facets)


def confusion(table: Confusion) -> Spec:
    """Rows are what items are, columns what they were taken for, in shares of the row."""
    rows = [
        {"is": own, "as": other, "count": count, "share": count / (sum(counts) or 1)}
        for own, counts in zip(table.classes, table.counts, strict=True)
        for other, count in zip(table.classes, counts, strict=True)
    ]
    x, y = (
        alt.X("as:N", title="taken for", sort=list(table.classes)),
        alt.Y("is:N", title="is", sort=list(table.classes)),
    )
    colour = alt.Color(
        "share:Q", title="share", scale=alt.Scale(scheme="viridis", domain=[0, 1]), legend=alt.Legend(format="%")
    )
    tips = ["is:N", "as:N", "count:Q", alt.Tooltip("share:Q", format=".1%")]
    chart = alt.Chart(_data(rows)).mark_rect().encode(x, y, colour, tooltip=tips)
    return _spec(chart.properties(width=alt.Step(24), height=alt.Step(24)))


def _colours(strategies: Sequence[str] | Mapping[str, Any]) -> alt.Color:
    """The same for a strategy in every figure of a benchmark, and another one's for none of up to twenty."""
    many: Any = {"scheme": "tableau20"} if len(strategies) > 10 else {}  # Vega's own has ten
    return alt.Color(
        "strategy:N",
        title=None,
        scale=alt.Scale(domain=list(strategies), **many),
        legend=alt.Legend(orient="bottom", columns=2, symbolOpacity=1),
    )


def _title(name: str) -> str:
    return "".join(one if one.isprintable() and one not in '\\"' else "\ufffd" for one in name)


def _spread() -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{name}:Q", title=name) for name in ("low", "middle", "high")]


def _in_order(rows: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    """Numbers by size before words by the alphabet."""
    return sorted(
        {row[name] for row in rows}, key=lambda text: (not text.isdigit(), int(text) if text.isdigit() else 0, text)
    )


def _data(rows: Sequence[Mapping[str, Any]]) -> alt.Data:
    return alt.Data(values=[dict(row) for row in rows])


def _spec(chart: Any) -> Spec:
    """Not validated against Vega-Lite's schema, which takes as long as all else here: tests do that."""
    return chart.configure_view(stroke=None).configure(background="transparent").to_dict(validate=False)
