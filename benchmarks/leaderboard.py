"""Tables and figures: a pure function of the ledgers."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.ledger import read_trials
from strategies import Trial

BASELINE = "random_search"


@dataclass(frozen=True)
class Record:
    """One study as its files tell it: `result` is `study.json`, None where the study is not finished."""

    folder: Path
    trials: list[Trial]
    result: dict[str, Any] | None

    @property
    def benchmark(self) -> str:
        return self.folder.parts[-3]

    @property
    def strategy(self) -> str:
        return self.folder.parts[-2]

    def problems(self) -> list[str]:
        """What in this study's files contradicts itself, a sentence each."""
        found = []
        ids = [trial.id for trial in self.trials]
        if sorted(ids) != list(range(len(ids))):
            found.append(f"{self.folder}: trial ids are not 0 to {len(ids) - 1}")
        if self.result is None:
            return found
        keys = {trial.arch.key for trial in self.trials if trial.reward is not None}
        best = self.result["best"]
        if best["id"] is not None and best["key"] not in keys:
            found.append(f"{self.folder}: the best architecture {best['key']} is not in its ledger")
        for status in ("done", "stopped", "failed"):
            counted = sum(trial.status == status for trial in self.trials)
            if counted != self.result["trials"][status]:
                found.append(
                    f"{self.folder}: {counted} trials are {status}, study.json says {self.result['trials'][status]}"
                )
        images = sum(trial.cost.images for trial in self.trials)
        if images != self.result["cost"]["search"]["images"]:
            found.append(f"{self.folder}: the trials cost {images} images, study.json says otherwise")
        return found


def read_records(folders: Iterable[Path]) -> list[Record]:
    """Every study at or below `folders`. Raises ValueError where there is none, or one cannot be read."""
    records = []
    for folder in folders:
        ledgers = sorted(folder.rglob("trials.jsonl"))
        if not ledgers:
            raise ValueError(f"there is no run (trials.jsonl) in {folder}: give a folder that run_benchmark.py wrote")
        for ledger in ledgers:
            result = ledger.with_name("study.json")
            try:
                content = json.loads(result.read_text()) if result.is_file() else None
            except ValueError as error:
                raise ValueError(f"{result} is not JSON ({error}): remove it and run the benchmark again") from None
            records.append(Record(ledger.parent.resolve(), read_trials(ledger), content))
    return records


class Leaderboard:
    """One row a strategy and benchmark: mean and sample standard deviation over seeds, cost, and how trials ended."""

    def __init__(self, records: list[Record]):
        self.records = records
        self.table = pd.DataFrame([_row(group) for group in _groups(records)])
        self.table = self.table.sort_values(["benchmark", "rank"], ascending=[True, False])
        self.table = self.table.drop(columns="rank").reset_index(drop=True)

    @classmethod
    def of(cls, folders: Iterable[Path]) -> Leaderboard:
        return cls(read_records(folders))

    def markdown(self) -> str:
        parts = []
        for benchmark in dict.fromkeys(self.table["benchmark"]):
            table: pd.DataFrame = self.table.query("benchmark == @benchmark").drop(columns="benchmark")
            rows = table.to_dict("list")
            shown = {str(name): [_show(value) for value in rows[name]] for name in rows if any(map(_there, rows[name]))}
            parts.append(f"## {benchmark}\n\n{pd.DataFrame(shown).to_markdown(index=False, disable_numparse=True)}\n")
            if BASELINE not in rows["strategy"]:
                parts.append(f"There is no {BASELINE} row: without it nobody can tell what the search was worth.\n")
        parts.append(LEGEND)
        return "\n".join(parts)

    def csv(self) -> str:
        columns: dict[str, list[Any]] = {}
        for name, values in self.table.to_dict("list").items():
            spreads = any(isinstance(value, Spread) for value in values)
            columns[str(name)] = [value.mean if isinstance(value, Spread) else value for value in values]
            if spreads:
                columns[f"{name} std"] = [getattr(value, "std", None) for value in values]
        return pd.DataFrame(columns).to_csv(index=False)

    def json(self) -> str:
        rows = [{name: _plain(value) for name, value in row.items()} for row in self.table.to_dict("records")]
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
            if record.result:
                hashes.setdefault(record.benchmark, set()).add(record.result["protocol_hash"])
        for benchmark, seen in hashes.items():
            if len(seen) > 1:
                found.append(f"{benchmark}: its studies were played under {len(seen)} different protocols")
        return found


LEGEND = """Mean ± sample standard deviation over the finished seeds. Metrics are those of the returned network after the final
training, on the split that the search never saw. Search cost is summed over trials, without the shared part
(computed features, pre-training) that is in study.json; trials: done / stopped by the gate / failed / repeated.
"""


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (None for one value)."""

    mean: float
    std: float | None

    @classmethod
    def of(cls, values: list[float]) -> Spread | None:
        if not values:
            return None
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)


def _groups(records: list[Record]) -> list[list[Record]]:
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.benchmark, record.strategy), []).append(record)
    return list(groups.values())


def _row(group: list[Record]) -> dict[str, Any]:
    results = [record.result for record in group if record.result]
    metrics: dict[str, Spread | None] = {}
    if results:
        names = dict.fromkeys([results[0]["primary"], *results[0]["final"]["metrics"]])
        metrics = {name: Spread.of([result["final"]["metrics"][name] for result in results]) for name in names}
    finals = {
        name: Spread.of([result["final"][name] for result in results]) for name in ("params", "madds", "latency_ms")
    }
    search = {name: Spread.of([result["cost"]["search"][name] for result in results]) for name in ("images", "seconds")}
    trials = [trial for record in group for trial in record.trials]
    counts = [sum(trial.status == status for trial in trials) for status in ("done", "stopped", "failed")]
    repeated = sum(len(record.trials) - len({trial.arch.key for trial in record.trials}) for record in group)
    primary = next(iter(metrics.values()), None)
    sign = 1 if not results or results[0]["higher_is_better"] else -1
    return {
        "benchmark": group[0].benchmark,
        "strategy": group[0].strategy,
        "seeds": f"{len(results)}" if len(results) == len(group) else f"{len(results)} of {len(group)}",
        **metrics,
        **finals,
        "search images": search["images"],
        "search seconds": search["seconds"],
        "trials": " / ".join(str(count) for count in (*counts, repeated)),
        "rank": sign * primary.mean if primary else float("-inf"),
    }


def _there(value: Any) -> bool:
    """Is there anything to show? A column that pandas had to fill holds NaN."""
    return value is not None and value == value


def _show(value: Any) -> str:
    def number(x: float) -> str:
        return f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.2f}"

    if isinstance(value, Spread):
        return number(value.mean) + (f" ± {number(value.std)}" if value.std is not None else "")
    return str(value) if _there(value) else ""


def _plain(value: Any) -> Any:
    if isinstance(value, Spread):
        return {"mean": value.mean, "std": value.std}
    return value if _there(value) else None
