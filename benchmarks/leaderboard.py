"""Tables: a pure function of what studies have recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.files import write
from benchmarks.records.record import Record, read_records
from benchmarks.report.cells import Table, tables_of
from benchmarks.report.rows import REFERENCE, notices, rows_of

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
together (--devices) share each. Trials: done / stopped by the gate / failed / repeated. Latency, of one image, is what the
machine had to give when the network was measured: where anything else ran, it says nothing of the network.
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
            mine, records = list(rows), self.records_of(benchmark)
            results, *others = tables_of(mine, records)
            warned = "".join(f"**{notice}**\n\n" for notice in notices(records))
            parts.append(f"## {benchmark}\n\n{warned}{_markdown(results)}\n")
            if any(record.trials for record in records) and all(row["strategy"] != REFERENCE for row in mine):
                parts.append(f"There is no {REFERENCE} row: without it nobody can tell what the search was worth.\n")
            parts += [f"{table.title}:\n\n{_markdown(table)}\n" for table in others]
        parts.append(LEGEND)
        return "\n".join(parts)

    def records_of(self, benchmark: str) -> list[Record]:
        return [record for record in self.records if record.benchmark == benchmark]

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
        """leaderboard.md, .csv and .json, and the figures best_so_far.png and answers.png."""
        from benchmarks.report.figures import answers, best_so_far, save

        write(folder / "leaderboard.md", self.markdown())
        write(folder / "leaderboard.csv", self.csv())
        write(folder / "leaderboard.json", self.json())
        save(best_so_far(self.records), folder / "best_so_far.png")
        save(answers(self.records), folder / "answers.png")

    def problems(self) -> list[str]:
        """What does not fit together, within studies and between those of one benchmark."""
        found = [problem for record in self.records for problem in record.problems()]
        names = dict.fromkeys(record.benchmark for record in self.records)
        return found + [f"{name}: {notice}" for name in names for notice in notices(self.records_of(name))]


def _cells(value: Any) -> list[tuple[str, Any]]:
    """What a value is in a table of plain columns, and what is added to their names."""
    if not isinstance(value, dict):
        return [("", value)]
    return [("" if name == "mean" else f" {name}", one) for name, one in value.items()]


def _markdown(table: Table) -> str:
    names = [escaped(name) for name in table.columns]
    rows = [[f"**{cell.text}**" if cell.strong else cell.text for cell in row] for row in table.rows]
    return pd.DataFrame(rows, columns=names).to_markdown(index=False, disable_numparse=True)


def escaped(name: str) -> str:
    """A name that others have given, as Markdown shows it and does not read it."""
    return re.sub(r"([\\`*\[\]<>|$#~&])", r"\\\1", " ".join(name.split()))


def _no_formula(name: str) -> str:
    """A name that others have given, as a spreadsheet shows it and does not compute it."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name
