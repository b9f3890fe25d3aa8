"""Who is first on a benchmark, what that cost, and whether it is more than luck, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.records.record import Record
from benchmarks.report.rows import REFERENCE, Row, notices, printed

LIKELY = 0.05  # a p value from which on a difference is taken for chance
NO_SHARE = "Random search comes to 0, of which there is no percentage."
SHORT = 10_000  # below it a number is printed whole
UNITS = (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3))


class Summary(NamedTuple):
    """`winner` (None: nothing is finished) with its `primary` metric and `score`, sentences, and figures (name, value)."""

    winner: str | None
    primary: str
    score: str
    sentences: list[str]
    figures: list[tuple[str, str]]


def summary(rows: Sequence[Row], records: Sequence[Record]) -> Summary:
    """Of one benchmark's rows, the best first, and its studies."""
    first, finished = rows[0], [row for row in rows if row["rank"] is not None]
    if not finished:
        if told := notices(records):
            return Summary(None, "", "", told, [])
        return Summary(None, "", "", [f"No study is finished yet: {_count(len(records), 'run')} recorded."], [])
    result = next(record.result for record in records if record.strategy == first["strategy"] and record.result)
    primary, better = result["primary"], "more" if result["higher_is_better"] else "less"
    searched = any(record.trials for record in records if record.strategy == first["strategy"])
    score = first[primary]
    parts = [
        f"The score is {_seeds(first)}; {better} is better.",
        *_ties(first, finished),
        _against(first, finished, searched),
        *_open(rows),
    ]
    figures = [*_sizes(first), *_cost(first, searched)]
    return Summary(first["strategy"], primary, printed(score["mean"]) + _interval(score), parts, figures)


def _seeds(row: Row) -> str:
    count, _, of = row["seeds"].partition(" of ")
    return (
        f"the mean over {count} seeds" + (f" of {of}" if of else "")
        if count != "1"
        else "that of one seed, so without an interval"
    )


def _interval(score: dict[str, Any]) -> str:
    return "" if score["low"] is None else f" [{printed(score['low'])}, {printed(score['high'])}]"


def _ties(first: Row, finished: Sequence[Row]) -> list[str]:
    alike = ((row["best"] and first["best"]) or row["rank"] == first["rank"] for row in finished)
    others = [row["strategy"] for row, same in zip(finished, alike, strict=True) if same and row is not first]
    return [f"Its interval or rank does not tell it from {_listed(others)}."] if others else []


def _against(first: Row, finished: Sequence[Row], searched: bool) -> str:
    reference = next((row for row in finished if row["strategy"] == REFERENCE), None)
    if first is reference:
        compared = [row for row in finished if row["equal cost"] is not None]
        best = max(compared, key=lambda row: row["against random"] or 0.0, default=None)
        if best is None:
            return "There is no other finished strategy to compare with on the same seeds."
        if best["against random"] is None:
            return f"Nothing beats random search. {NO_SHARE}"
        if best["against random"] > 0:
            where = "" if best["p (Holm)"] is None else " on the seeds that both have"
            how = f"{_by(best)}{where}{_dear(best)}{_luck(best)}"
            return f"Random search is first by its mean, but {best['strategy']} is {how}."
        return f"Nothing beats random search: the next, {best['strategy']}, is {_by(best)}{_luck(best)}."
    if reference is None:
        what = "what the search was worth" if searched else "what a search would be worth"
        return f"There is no finished {REFERENCE}: without it nobody can tell {what}."
    if first["equal cost"] is None:
        return "It shares no finished seed with random search: there is nothing to compare."
    if first["against random"] is None:
        return NO_SHARE
    return f"Against random search it is {_by(first)}{_dear(first) if searched else ''}{_luck(first)}."


def _by(row: Row) -> str:
    change = row["against random"]
    return f"{printed(abs(change))} % {'better' if change >= 0 else 'worse'}"


def _dear(row: Row) -> str:
    return "" if row["equal cost"] else ", at more than an equal cost"


def _luck(row: Row) -> str:
    p = row["p (Holm)"]
    if p is None:
        return " on the one seed that both have, which no test can judge"
    return f" (p = {p:.2g} after Holm's correction{'' if p < LIKELY else ', so it may be chance'})"


def _open(rows: Sequence[Row]) -> list[str]:
    waiting = [row["strategy"] for row in rows if row["rank"] is None or " of " in row["seeds"]]
    return [f"Not all studies are finished: {_listed(waiting)}."] if waiting else []


def _sizes(row: Row) -> list[tuple[str, str]]:
    names = {"params": "parameters", "madds": "MAdds"}
    return [(shown, _short(row[name]["mean"])) for name, shown in names.items() if row.get(name)]


def _cost(row: Row, searched: bool) -> list[tuple[str, str]]:
    if not searched:
        return [("search", "none")]
    units = [(unit, row[f"search {unit}"]) for unit in ("images", "seconds")]
    return [(f"search, {unit}", _short(one["mean"])) for unit, one in units if one and one["mean"]]


def _short(value: float) -> str:
    """A large number in thousands, millions, ..., with three digits."""
    if abs(value) < SHORT:
        return printed(value)
    rounded = float(f"{value:.3g}")
    unit, size = next((unit, size) for unit, size in UNITS if abs(rounded) >= size)
    return f"{rounded / size:.3g} {unit}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
