"""The rows of the leaderboard as plain data: a strategy's figures on one benchmark, and how it compares with random search."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.benchmark import rules
from benchmarks.records.record import STATUSES, Record
from benchmarks.report.statistics import holm, improvement, interval, paired_test
from tasks.cost import BATCH_PARTS
from tasks.rewards import COSTS

REFERENCE = "random_search"
PARTS = ("shared", "search", "failed", "retrain")
DAY = 86_400  # seconds
SMALL = 0.01  # of which three decimals say little
TOLERANCE = 1.1  # times what random search spends are still an equal cost

Row = dict[str, Any]
TAKEN = frozenset(  # names of columns, which no metric can have
    {"benchmark", "rank", "strategy", "seeds", "best", "against random", "p (Holm)", "equal cost", "trials", "failed"}
    | {"split batches", *COSTS, *(f"{part} {unit}" for part in PARTS for unit in ("images", "seconds", "device-days"))}
)


def rows_of(records: Sequence[Record]) -> list[Row]:
    """A row a benchmark and strategy, benchmarks by name, strategies from the best to the worst."""
    benchmarks: dict[str, list[list[Record]]] = {}
    for group in groups_of(records):
        benchmarks.setdefault(group[0].benchmark, []).append(group)
    return [row for _, groups in sorted(benchmarks.items()) for row in _benchmark_rows(groups)]


def protocols(records: Sequence[Record]) -> int:
    """How many the studies of one benchmark, copies as well, were played under."""
    return len({one.protocol_hash for record in records for one in (record, *record.copies)})


def groups_of(records: Sequence[Record]) -> list[list[Record]]:
    """The studies of each benchmark and strategy."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.benchmark, record.strategy), []).append(record)
    return list(groups.values())


def mixed(records: Sequence[Record]) -> list[tuple[str, str]]:
    """The benchmark and the name of each strategy whose studies, copies as well, had different settings: its row is of none.

    Where things lie on a machine is no setting.
    """
    settings: dict[tuple[str, str], list[Any]] = {}
    for record in records:
        for one in (record, *record.copies):
            settings.setdefault((one.benchmark, one.strategy), []).append(rules(one.config["strategy"]))
    return [who for who, found in settings.items() if any(one != found[0] for one in found)]


def notices(records: Sequence[Record]) -> list[str]:
    """Why the studies of one benchmark, copies as well, cannot be compared: a sentence each."""
    hashes = protocols(records)
    played = f"These studies were played under {hashes} different protocols: do not compare them."
    settings = [
        f"The studies of {name} had different settings: its row is of none of them." for _, name in mixed(records)
    ]
    return [*([played] if hashes > 1 else []), *settings]


def figures_of(answer: dict[str, Any]) -> dict[str, float]:
    """Metrics and costs of an answer's network by name."""
    final = answer["final"]
    metrics = {name: value for name, value in final["metrics"].items() if name != BATCH_PARTS}
    return {**metrics, **{name: final[name] for name in COSTS if name in final}}


def printed(value: float) -> str:
    """A figure as tables print it: three decimals below 1, where errors and similarities are; of a small one three digits."""
    if 0 < abs(value) < SMALL:
        return f"{value:.3g}"
    decimals = 0 if abs(value) >= 1000 or not value else 2 if abs(value) >= 1 else 3
    return f"{value:,.{decimals}f}"


def finals_of(group: Sequence[Record]) -> dict[int, float]:
    """The primary metric of the first answer by seed, of the studies that are finished."""
    results = {record.seed: record.result for record in group if record.result}
    return {seed: result["answers"][0]["final"]["metrics"][result["primary"]] for seed, result in results.items()}


def equal_cost(group: Sequence[Record], reference: Sequence[Record]) -> bool:
    """Did the searches spend at most 10 % more images than the reference's, over the seeds that both have finished?

    Trials count where the reference went without images, as it does with tables.
    """
    seeds = finals_of(group).keys() & finals_of(reference).keys()
    spent, allowed = ([record for record in studies if record.seed in seeds] for studies in (group, reference))
    if not _images(allowed):
        return _trials(spent) <= TOLERANCE * _trials(allowed)
    return _images(spent) <= TOLERANCE * _images(allowed)


def _images(studies: Sequence[Record]) -> int:
    return sum(record.result["cost"]["search"]["images"] for record in studies if record.result)


def _trials(studies: Sequence[Record]) -> int:
    return sum(len(record.trials) for record in studies)


def _benchmark_rows(groups: Sequence[list[Record]]) -> list[Row]:
    groups = sorted(groups, key=_goodness, reverse=True)
    rows, finals = [_row(group) for group in groups], [finals_of(group) for group in groups]
    if protocols([record for group in groups for record in group]) > 1:
        return rows  # they cannot be compared
    _rank(rows, finals)
    _mark_best(rows, finals)
    _compare(rows, groups, finals)
    return rows


def _goodness(group: Sequence[Record]) -> float:
    """The mean of the primary metric, turned so that more is better; minus infinity where no study is finished."""
    finals = list(finals_of(group).values())
    return statistics.fmean(finals) * (1 if _higher_is_better(group) else -1) if finals else -math.inf


def _higher_is_better(group: Sequence[Record]) -> bool:
    return next(record.result["higher_is_better"] for record in group if record.result)


def _rank(rows: Sequence[Row], finals: Sequence[Mapping[int, float]]) -> None:
    """By the mean; equal printed means share a rank."""
    above, rank = None, 0
    for place, (row, values) in enumerate(zip(rows, finals, strict=True), start=1):
        if values:
            mean = printed(statistics.fmean(values.values()))
            rank, above = rank if mean == above else place, mean
            row["rank"] = rank


def _mark_best(rows: Sequence[Row], finals: Sequence[Mapping[int, float]]) -> None:
    """Of the rows of two seeds or more: the first one, those of its rank, and those whose mean is in its interval."""
    several = [(row, list(values.values())) for row, values in zip(rows, finals, strict=True) if len(values) > 1]
    low, high = interval(several[0][1] if several else []) or (math.inf, -math.inf)
    for row, values in several:
        row["best"] = row["rank"] == several[0][0]["rank"] or low <= statistics.fmean(values) <= high


def _compare(rows: Sequence[Row], groups: Sequence[list[Record]], finals: Sequence[Mapping[int, float]]) -> None:
    """Enter how each row does against random search, over the seeds that both have finished."""
    reference = next((group for group in groups if group[0].strategy == REFERENCE), [])
    base, tested = finals_of(reference), []
    for row, group, values in zip(rows, groups, finals, strict=True):
        if group is not reference and values.keys() & base.keys():
            row["against random"] = improvement(values, base, _higher_is_better(group))
            row["equal cost"] = equal_cost(group, reference)
            row["p (Holm)"] = paired_test(values, base)
            tested += [row] if row["p (Holm)"] is not None else []
    for row, adjusted in zip(tested, holm([row["p (Holm)"] for row in tested]), strict=True):
        row["p (Holm)"] = adjusted


def _row(group: Sequence[Record]) -> Row:
    results = [record.result for record in group if record.result]
    count = len(results)
    row: Row = {
        "benchmark": group[0].benchmark,
        "rank": None,
        "strategy": group[0].strategy,
        "seeds": f"{count}" if count == len(group) else f"{count} of {len(group)}",
    }
    if results:
        finals = list(finals_of(group).values())
        low, high = interval(finals) or (None, None)
        row[results[0]["primary"]] = {**_spread(finals), "low": low, "high": high}
    row |= {"best": False, "against random": None, "p (Holm)": None, "equal cost": None}
    first = [figures_of(result["answers"][0]) for result in results]
    for name in dict.fromkeys([*(name for figures in first for name in figures), *(() if results else COSTS)]):
        row.setdefault(name, _known([figures.get(name) for figures in first]))
    for part in PARTS:
        costs = [result["cost"].get(part) or {} for result in results]
        row[f"{part} images"] = _known([cost.get("images") for cost in costs])
        row[f"{part} seconds"] = _known([cost.get("seconds") for cost in costs])
        row[f"{part} device-days"] = _known([cost["seconds"] / DAY if cost else None for cost in costs])
    counts = [record.counts() for record in group]
    row["trials"] = " / ".join(str(sum(count[status] for count in counts)) for status in STATUSES)
    row["failed"], row["split batches"] = _failed(group), _split(group)
    return row


def _failed(group: Sequence[Record]) -> str | None:
    """How many trials failed, of which kinds."""
    kinds = sum((record.failures() for record in group), Counter[str]())
    told = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in kinds.most_common())
    return f"{kinds.total()} ({told})" if kinds else None


def _split(group: Sequence[Record]) -> str | None:
    """How many trainings went through batches in parts, for want of memory: what this row comes to rests on them."""
    trials, finals = (sum(counts) for counts in zip(*(record.split_batches() for record in group), strict=True))
    return f"{trials} trials, {finals} final" if trials or finals else None


def _known(values: Sequence[float | None]) -> dict[str, Any] | None:
    """The spread of what is known, and of how many seeds that is, where it is not all."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return _spread(known) | ({} if len(known) == len(values) else {"of": f"{len(known)} of {len(values)}"})


def _spread(values: Sequence[float]) -> dict[str, Any]:
    """Mean and sample standard deviation (None for one value)."""
    return {"mean": statistics.fmean(values), "std": statistics.stdev(values) if len(values) > 1 else None}
