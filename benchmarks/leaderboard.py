"""Tables: a pure function of what studies have recorded."""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.records import STATUSES, Record, read_records
from tasks.rewards import COSTS

REFERENCE = "random_search"
LEGEND = """Mean ± sample standard deviation over the finished seeds. Metrics are those of the first network that the search
answers, after the final training, on the split that the search never saw. Search cost is summed over trials, without the shared
part (computed features, pre-training) that is in study.json; trials: done / stopped by the gate / failed / repeated.
"""


class Leaderboard:
    """One row a strategy and benchmark: mean and sample standard deviation over seeds, cost, and how trials ended."""

    def __init__(self, records: list[Record]):
        self.records = records
        groups = sorted(_groups(records), key=lambda group: (group[0].benchmark, -_rank(group)))
        self.rows = [_row(group) for group in groups]

    @classmethod
    def of(cls, folders: Iterable[Path]) -> Leaderboard:
        return cls(read_records(folders))

    def markdown(self) -> str:
        parts = []
        for benchmark, rows in groupby(self.rows, key=lambda row: row["benchmark"]):
            table = [{name: value for name, value in row.items() if name != "benchmark"} for row in rows]
            parts.append(f"## {benchmark}\n\n{_markdown(table)}\n")
            searched = any(record.trials for record in self.records if record.benchmark == benchmark)
            if searched and all(row["strategy"] != REFERENCE for row in table):
                parts.append(f"There is no {REFERENCE} row: without it nobody can tell what the search was worth.\n")
            parts += self._several(benchmark)
        parts.append(LEGEND)
        return "\n".join(parts)

    def _several(self, benchmark: str) -> list[str]:
        """A table for each strategy that answers with several networks."""
        parts = []
        for group in _groups([record for record in self.records if record.benchmark == benchmark]):
            answers = [(record, record.result["answers"]) for record in group if record.result]
            if any(len(several) > 1 for _, several in answers):
                rows = [
                    {"seed": str(record.seed), "answer": str(place), **_figures(answer)}
                    for record, several in answers
                    for place, answer in enumerate(several)
                ]
                title = f"All networks that {group[0].strategy} answers:"
                parts.append(f"{title}\n\n{_markdown(rows)}\n")
        return parts

    def csv(self) -> str:
        """A spread is two columns, of which the second is called "... std"."""
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


def _spread(values: Sequence[float], seeds: int) -> dict[str, Any] | None:
    """Mean and sample standard deviation (None for one value), and of how many seeds, where that is not all `seeds`."""
    if not values:
        return None
    spread = {"mean": statistics.fmean(values), "std": statistics.stdev(values) if len(values) > 1 else None}
    return spread if len(values) == seeds else {**spread, "of": f"{len(values)} of {seeds}"}


def _groups(records: Sequence[Record]) -> list[list[Record]]:
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.benchmark, record.strategy), []).append(record)
    return list(groups.values())


def _rank(group: Sequence[Record]) -> float:
    """The mean of the primary metric, turned so that more is better; minus infinity where no study is finished."""
    results = [record.result for record in group if record.result]
    values = [result["answers"][0]["final"]["metrics"][result["primary"]] for result in results]
    return statistics.fmean(values) * (1 if results[0]["higher_is_better"] else -1) if results else -math.inf


def _row(group: Sequence[Record]) -> dict[str, Any]:
    results = [record.result for record in group if record.result]
    first = [_figures(result["answers"][0]) for result in results]
    names = dict.fromkeys([results[0]["primary"], *(name for row in first for name in row)]) if results else COSTS
    count = len(results)
    figures = {name: _spread([row[name] for row in first if name in row], count) for name in names}
    costs = [result["cost"]["search"] for result in results]
    search = {name: _spread([cost[name] for cost in costs], count) for name in ("images", "seconds")}
    counts = [record.counts() for record in group]
    return {
        "benchmark": group[0].benchmark,
        "strategy": group[0].strategy,
        "seeds": f"{len(results)}" if len(results) == len(group) else f"{len(results)} of {len(group)}",
        **figures,
        "search images": search["images"],
        "search seconds": search["seconds"],
        "trials": " / ".join(str(sum(count[status] for count in counts)) for status in STATUSES),
    }


def _figures(answer: dict[str, Any]) -> dict[str, float]:
    """Metrics and costs of an answer's network by name."""
    final = answer["final"]
    return {**final["metrics"], **{name: final[name] for name in COSTS if name in final}}


def _cells(value: Any) -> list[tuple[str, Any]]:
    """What a value is in a table of plain columns, and what is added to their names."""
    if not isinstance(value, dict):
        return [("", value)]
    return [("", value["mean"]), (" std", value["std"]), *([(" of", value["of"])] if "of" in value else [])]


def _markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """As a table for reading, without columns that have nothing to show."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {_escaped(name): [_show(row.get(name)) for row in rows] for name in names}
    shown = pd.DataFrame({name: cells for name, cells in columns.items() if any(cells)})
    return shown.to_markdown(index=False, disable_numparse=True)


def _escaped(name: str) -> str:
    """A name that others have given, as Markdown shows it and does not read it."""
    return re.sub(r"([\\`*\[\]<>|$#~&])", r"\\\1", " ".join(name.split()))


def _no_formula(name: str) -> str:
    """A name that others have given, as a spreadsheet shows it and does not compute it."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


def _show(value: Any) -> str:
    if isinstance(value, dict):
        shown = _show(value["mean"]) + ("" if value["std"] is None else f" ± {_show(value['std'])}")
        return f"{shown} ({value['of']})" if "of" in value else shown
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else value or ""
