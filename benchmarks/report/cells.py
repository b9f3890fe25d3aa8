"""The tables of a benchmark, as they are read and as they are sorted: the same in Markdown, on the page and in TeX."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.records.record import Record
from benchmarks.report.rows import PARTS, Row, figures_of, groups_of, printed

COSTS = [f"{part} {unit}" for unit in ("images", "seconds", "device-days") for part in PARTS]
HIDDEN = {"benchmark", "best", "equal cost", *COSTS} - {"search images"}
REPORTED = Path(__file__).parents[1] / "reported.json"  # what papers print for the settings of benchmarks
OURS = "ours"  # of a printed row: the "<benchmark>/<strategy>" that stands for its method here, if any does


class Cell(NamedTuple):
    """What is shown (rounded), what it is sorted by (not rounded; None: nothing is known), and whether it stands out."""

    text: str
    key: float | str | None = None
    strong: bool = False


class Table(NamedTuple):
    """Rows by column, without columns that have nothing to show."""

    title: str
    columns: list[str]
    rows: list[list[Cell]]


def tables_of(rows: Sequence[Row], records: Sequence[Record]) -> list[Table]:
    """Of one benchmark: results (without a title), cost, all answers of those with several, and what papers report."""
    results = _table("", [_results(row) for row in rows])
    return [results, *_cost(rows), *_several(records), *_reported(rows[0]["benchmark"])]


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    names = dict.fromkeys(name for row in rows for name in row)
    cells = [{name: value if isinstance(value, Cell) else _cell(value) for name, value in row.items()} for row in rows]
    columns = [name for name in names if any(row[name].text for row in cells if name in row)]
    return Table(title, columns, [[row.get(name, Cell("")) for name in columns] for row in cells])


def _results(row: Row) -> dict[str, Cell]:
    """What the first table of a benchmark shows of a row."""
    cells = {name: _cell(value) for name, value in row.items() if name not in HIDDEN}
    primary = next((name for name, value in row.items() if isinstance(value, dict) and "low" in value), None)
    if row["best"] and primary is not None:
        cells[primary] = cells[primary]._replace(strong=True)
    if row["rank"] is not None and row["seeds"].split()[0] == "1":
        cells["rank"] = cells["rank"]._replace(text=f"{row['rank']} (1 seed)")
    if row["against random"] is not None:
        dagger = "†" if row["equal cost"] is False else ""
        cells["against random"] = cells["against random"]._replace(text=f"{row['against random']:+.2f} %{dagger}")
    if row["p (Holm)"] is not None:
        cells["p (Holm)"] = cells["p (Holm)"]._replace(text=f"{row['p (Holm)']:.2g}")
    for name in ("seeds", "trials", "failed", "split batches"):  # "1 of 2", "60 / 0 / 1 / 0", "3 (2 error, 1 lost)"
        if row[name]:
            cells[name] = cells[name]._replace(key=int(row[name].split()[0]))
    return cells


def _cost(rows: Sequence[Row]) -> list[Table]:
    """The table of what a study costs, without what costs nothing in all of them."""
    columns = [name for name in COSTS if any(row[name] and row[name]["mean"] for row in rows)]
    shown = [
        {"strategy": row["strategy"]}
        | {
            name: Cell(f"{mean:,.3g}" if "days" in name else show(mean), mean)
            for name, mean in ((name, row[name]["mean"]) for name in columns if row[name])
        }
        for row in rows
    ]
    return [_table("Cost", shown)] if columns else []


def _several(records: Sequence[Record]) -> list[Table]:
    """A table for each strategy that answers with several networks."""
    tables = []
    for group in groups_of(records):
        answers = [(record, record.result["answers"]) for record in group if record.result]
        if any(len(several) > 1 for _, several in answers):
            rows = [
                {"seed": Cell(str(record.seed), record.seed), "answer": Cell(str(place), place), **figures_of(answer)}
                for record, several in answers
                for place, answer in enumerate(several)
            ]
            tables.append(_table(f"All networks that {group[0].strategy} answers", rows))
    return tables


def _reported(benchmark: str) -> list[Table]:
    """A table for each source that prints results for this setting."""
    sources = [entry for entry in json.loads(REPORTED.read_text()) if benchmark in entry["benchmarks"]]
    title = "Reported elsewhere, not measured here, under other training and data"
    return [
        _table(
            f"{title} ({entry['source']})",
            [{n: Cell(str(v), v) for n, v in row.items() if n != OURS} for row in entry["figures"]],
        )
        for entry in sources
    ]


def _cell(value: Any) -> Cell:
    return Cell(show(value), value["mean"] if isinstance(value, dict) else value)


def show(value: Any) -> str:
    if isinstance(value, dict):
        shown = show(value["mean"])
        if value.get("low") is not None:
            shown += f" [{show(value['low'])}, {show(value['high'])}]"
        elif value["std"] is not None:
            shown += f" ± {show(value['std'])}"
        return f"{shown} ({value['of']})" if "of" in value else shown
    if isinstance(value, float):
        return printed(value)
    return f"{value:,}" if isinstance(value, int) else value or ""
