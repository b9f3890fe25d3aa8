"""Tables: a pure function of what studies have recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.records import Record, read_records
from benchmarks.rows import PARTS, REFERENCE, Row, figures_of, groups_of, printed, rows_of

COSTS = [f"{part} {unit}" for unit in ("images", "seconds", "device-days") for part in PARTS]
HIDDEN = {"benchmark", "best", "equal cost", *COSTS} - {"search images"}
REPORTED = Path(__file__).parent / "reported.json"  # what papers print for the settings of benchmarks
LEGEND = """Metrics are those of the first network that the search answers, after the final training, on the split that the
search never saw. The primary metric: the mean over the finished seeds and its 95 % interval, by the percentile bootstrap. It is
too narrow with few seeds: of normally distributed scores it holds the true mean in 50 % of all cases with 2 seeds, in 75 % with
3, in 84 % with 5, in 90 % with 10. Others: mean ± sample standard deviation. Rank: by the mean; equal printed means share
one. Bold: of the rows of two seeds or more the best one, those of its rank, and those whose mean lies in its interval.

Against random: by how much the mean is better than that of random search, over the seeds that both have finished. p: the paired
permutation test of these means, two-sided, exact up to 16 seeds, corrected by Holm for all tests of the benchmark. With n seeds
the smallest possible p is 2^(1-n), 0.25 with 3, 0.031 with 6, 0.002 with 10; of m strategies the smallest corrected one is m
times that. † not at equal cost: over 10 % more search images than random search (trials, where that has no images).

Cost, mean of a study: what all studies of the benchmark share (computed features, pre-training), the search, of which failed
trials, and the final training; a device-day is 86,400 of these seconds, of which several devices that train a final network
together (--devices) share each. Trials: done / stopped by the gate / failed / repeated.
"""


class Leaderboard:
    """One row a strategy and benchmark: figures over seeds, how it does against random search, cost, how trials ended."""

    def __init__(self, records: list[Record]):
        self.records = records
        self.rows = rows_of(records)

    @classmethod
    def of(cls, folders: Iterable[Path]) -> Leaderboard:
        return cls(read_records(folders))

    def markdown(self) -> str:
        parts = []
        for benchmark, rows in groupby(self.rows, key=lambda row: row["benchmark"]):
            table = list(rows)
            parts.append(f"## {benchmark}\n\n{_markdown([_cells_to_read(row) for row in table])}\n")
            searched = any(record.trials for record in self.records if record.benchmark == benchmark)
            if searched and all(row["strategy"] != REFERENCE for row in table):
                parts.append(f"There is no {REFERENCE} row: without it nobody can tell what the search was worth.\n")
            parts += [*_cost(table), *self._several(benchmark), *_reported(benchmark)]
        parts.append(LEGEND)
        return "\n".join(parts)

    def _several(self, benchmark: str) -> list[str]:
        """A table for each strategy that answers with several networks."""
        parts = []
        for group in groups_of([record for record in self.records if record.benchmark == benchmark]):
            answers = [(record, record.result["answers"]) for record in group if record.result]
            if any(len(several) > 1 for _, several in answers):
                rows = [
                    {"seed": str(record.seed), "answer": str(place), **figures_of(answer)}
                    for record, several in answers
                    for place, answer in enumerate(several)
                ]
                title = f"All networks that {group[0].strategy} answers:"
                parts.append(f"{title}\n\n{_markdown(rows)}\n")
        return parts

    def csv(self) -> str:
        """A spread is several columns: the mean, "... std", and of the primary metric "... low" and "... high"."""
        columns = [
            {f"{name}{suffix}": cell for name, value in row.items() for suffix, cell in _cells(value)}
            for row in self.rows
        ]
        return pd.DataFrame(columns).rename(columns=_no_formula).to_csv(index=False)

    def json(self) -> str:
        return json.dumps(self.rows, indent=2) + "\n"

    def write(self, folder: Path) -> None:
        """leaderboard.md, .csv and .json, and the figure best_so_far.png."""
        from benchmarks.figures import best_so_far

        (folder / "leaderboard.md").write_text(self.markdown())
        (folder / "leaderboard.csv").write_text(self.csv())
        (folder / "leaderboard.json").write_text(self.json())
        best_so_far(self.records).savefig(folder / "best_so_far.png", dpi=120)

    def problems(self) -> list[str]:
        """What does not fit together, within studies and between those of one benchmark."""
        found = [problem for record in self.records for problem in record.problems()]
        hashes: dict[str, set[str]] = {}
        for record in self.records:
            for one in (record, *record.copies):
                hashes.setdefault(one.benchmark, set()).add(one.protocol_hash)
        for benchmark, seen in hashes.items():
            if len(seen) > 1:
                found.append(f"{benchmark}: its studies were played under {len(seen)} different protocols")
        return found


def _reported(benchmark: str) -> list[str]:
    """A table for each source that prints results for this setting."""
    sources = [entry for entry in json.loads(REPORTED.read_text()) if benchmark in entry["benchmarks"]]
    title = "Reported elsewhere, not measured here, under other training and data"
    tables = [[{name: str(value) for name, value in row.items()} for row in entry["figures"]] for entry in sources]
    return [f"{title} ({entry['source']}):\n\n{_markdown(rows)}\n" for entry, rows in zip(sources, tables, strict=True)]


def _cells(value: Any) -> list[tuple[str, Any]]:
    """What a value is in a table of plain columns, and what is added to their names."""
    if not isinstance(value, dict):
        return [("", value)]
    return [("" if name == "mean" else f" {name}", one) for name, one in value.items()]


def _cells_to_read(row: Row) -> Row:
    """What the first table of a benchmark shows of a row."""
    shown = {name: _show(value) for name, value in row.items() if name not in HIDDEN}
    primary = next((name for name, value in row.items() if isinstance(value, dict) and "low" in value), None)
    if row["best"] and primary is not None:
        shown[primary] = f"**{shown[primary]}**"
    if row["rank"] is not None and row["seeds"].split()[0] == "1":
        shown["rank"] += " (1 seed)"
    if row["against random"] is not None:
        shown["against random"] = f"{row['against random']:+.2f} %"
    if row["equal cost"] is False:
        shown["against random"] += "†"
    if row["p (Holm)"] is not None:
        shown["p (Holm)"] = f"{row['p (Holm)']:.2g}"
    return shown


def _cost(rows: Sequence[Row]) -> list[str]:
    """The table of what a study costs, without what costs nothing in all of them."""
    columns = [name for name in COSTS if any(row[name] and row[name]["mean"] for row in rows)]
    shown = [
        {"strategy": row["strategy"]}
        | {
            name: f"{row[name]['mean']:,.3g}" if "days" in name else _show(row[name]["mean"])
            for name in columns
            if row[name]
        }
        for row in rows
    ]
    return [f"Cost:\n\n{_markdown(shown)}\n"] if columns else []


def _markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """As a table for reading, without columns that have nothing to show."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {escaped(name): [_show(row.get(name)) for row in rows] for name in names}
    shown = pd.DataFrame({name: cells for name, cells in columns.items() if any(cells)})
    return shown.to_markdown(index=False, disable_numparse=True)


def escaped(name: str) -> str:
    """A name that others have given, as Markdown shows it and does not read it."""
    return re.sub(r"([\\`*\[\]<>|$#~&])", r"\\\1", " ".join(name.split()))


def _no_formula(name: str) -> str:
    """A name that others have given, as a spreadsheet shows it and does not compute it."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


def _show(value: Any) -> str:
    if isinstance(value, dict):
        shown = _show(value["mean"])
        if value.get("low") is not None:
            shown += f" [{_show(value['low'])}, {_show(value['high'])}]"
        elif value["std"] is not None:
            shown += f" ± {_show(value['std'])}"
        return f"{shown} ({value['of']})" if "of" in value else shown
    if isinstance(value, float):
        return printed(value)
    return f"{value:,}" if isinstance(value, int) else value or ""
