"""The page: one HTML file that needs nothing else, a pure function of what studies have recorded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.files import write
from benchmarks.leaderboard import LEGEND, Leaderboard
from benchmarks.records.record import Record
from benchmarks.report.answers import EXAMPLES, Chosen, chosen, picture
from benchmarks.report.cells import Table, tables_of
from benchmarks.report.networks import Pair, pair
from benchmarks.report.panels import Panel, panels
from benchmarks.report.rows import REFERENCE, Row, notices
from benchmarks.report.setup import commands, settings
from benchmarks.report.summary import Summary, summary
from benchmarks.report.vega import script

TEMPLATES = Path(__file__).parent / "templates"


class Picture(NamedTuple):
    """An example of the final split: pictures by what they show (data URIs), and its scores."""

    name: str
    files: dict[str, str]
    score: dict[str, float]


class Gallery(NamedTuple):
    """Examples of one answer."""

    strategy: str
    seed: int
    pictures: list[Picture]


class Section(NamedTuple):
    """All that the page says of one benchmark."""

    benchmark: str
    summary: Summary
    notices: list[str]
    results: Table
    tables: list[Table]
    panels: list[Panel]
    galleries: list[Gallery]
    pair: Pair | None
    settings: list[tuple[str, list[str]]]
    commands: list[str]


def page(board: Leaderboard) -> str:
    """The page of all benchmarks. Raises ValueError where an answer's report cannot be read."""
    sections = [
        section(list(rows), board.records_of(benchmark))
        for benchmark, rows in groupby(board.rows, key=lambda row: row["benchmark"])
    ]
    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    vega = script() if any(one.panels for one in sections) else ""
    return environment.get_template("page.html").render(sections=sections, legend=LEGEND.split("\n\n"), vega=vega)


def section(rows: Sequence[Row], records: Sequence[Record]) -> Section:
    """Of one benchmark, rows from the best to the worst."""
    names = [row["strategy"] for row in rows]
    results, *tables = tables_of(rows, records)
    others = sorted(
        names[1:], key=lambda name: name != REFERENCE
    )  # the first is random search, or who comes next to it
    answers = [chosen([record for record in records if record.strategy == name]) for name in (names[0], *others)]
    winner, *rest = answers
    shown = [one for one in (winner, *rest[:1]) if one is not None]
    return Section(
        rows[0]["benchmark"],
        summary(rows, records),
        notices(records),
        results,
        tables,
        panels(records, names, shown),
        _galleries(answers),
        pair(winner, rest[0] if rest else None),
        settings(records),
        commands(records),
    )


def _galleries(answers: Sequence[Chosen | None]) -> list[Gallery]:
    """Of the winner, which is the first, and of the next one that has examples."""
    return list(islice((shown for one in answers if one is not None and (shown := _gallery(one)).pictures), 2))


def _gallery(one: Chosen) -> Gallery:
    pictures = []
    for example in one.report.examples[:EXAMPLES]:
        files = {what: uri for what, file in example.files.items() if (uri := picture(one.home, file)) is not None}
        if files:
            pictures.append(Picture(example.name, files, dict(example.score)))
    return Gallery(one.record.strategy, one.record.seed, pictures)


def write_page(board: Leaderboard, folder: Path) -> None:
    """`index.html` and `leaderboard.tex`."""
    from benchmarks.report.tex import tex

    write(folder / "index.html", page(board))
    write(folder / "leaderboard.tex", tex(board))
