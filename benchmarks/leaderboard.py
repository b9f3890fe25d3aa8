"""Tables: a pure function of what studies have recorded."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
            table = pd.DataFrame(list(rows)).drop(columns="benchmark")
            parts.append(f"## {benchmark}\n\n{_markdown(table)}\n")
            if REFERENCE not in set(table["strategy"]):
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
                parts.append(f"{title}\n\n{_markdown(pd.DataFrame(rows))}\n")
        return parts

    def csv(self) -> str:
        columns: dict[str, list[Any]] = {}
        for name, values in pd.DataFrame(self.rows).to_dict("list").items():
            spreads = any(isinstance(value, Spread) for value in values)
            columns[str(name)] = [value.mean if isinstance(value, Spread) else value for value in values]
            if spreads:
                columns[f"{name} std"] = [getattr(value, "std", None) for value in values]
        return pd.DataFrame(columns).to_csv(index=False)

    def json(self) -> str:
        rows = [{name: _plain(value) for name, value in row.items()} for row in self.rows]
        return json.dumps(rows, indent=2) + "\n"

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


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (None for one value)."""

    mean: float
    std: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        if not values:
            return None
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)


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
    figures = {name: Spread.of([row[name] for row in first if name in row]) for name in names}
    search = {name: Spread.of([result["cost"]["search"][name] for result in results]) for name in ("images", "seconds")}
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
    return {**answer["final"]["metrics"], **{name: answer["final"][name] for name in COSTS}}


def _markdown(table: pd.DataFrame) -> str:
    """As a table for reading, without columns that have nothing to show."""
    columns = table.to_dict("list")
    shown = {
        str(name): [_show(value) for value in values] for name, values in columns.items() if any(map(_there, values))
    }
    return pd.DataFrame(shown).to_markdown(index=False, disable_numparse=True)


def _there(value: Any) -> bool:
    """Is there anything to show? A column that pandas had to fill holds NaN."""
    return value is not None and value == value


def _show(value: Any) -> str:
    def number(x: float) -> str:
        return f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.2f}"

    if isinstance(value, Spread):
        return number(value.mean) + (f" ± {number(value.std)}" if value.std is not None else "")
    if isinstance(value, float) and _there(value):
        return number(value)
    if isinstance(value, int):
        return f"{value:,}"
    return str(value) if _there(value) else ""


def _plain(value: Any) -> Any:
    if isinstance(value, Spread):
        return {"mean": value.mean, "std": value.std}
    return value
