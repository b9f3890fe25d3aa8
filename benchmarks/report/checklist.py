"""The checklist of Lindauer and Hutter (Best Practices for Scientific Research on NAS, JMLR 2020), answered from records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from benchmarks.leaderboard import escaped
from benchmarks.records.record import Record
from benchmarks.report.rows import PARTS, REFERENCE, equal_cost, finals_of, groups_of
from tasks.stage import Stage

TABULAR = "TabularTask"
LEGEND = "What the records cannot answer is NO.\n"


class Item(NamedTuple):
    """A practice, whether the records show that it was followed, and what they say."""

    practice: str
    followed: bool
    evidence: str


def checklist(records: Sequence[Record]) -> str:
    """A table a benchmark, as Markdown."""
    parts = ["# Best practices of NAS research (Lindauer and Hutter, JMLR 2020)\n", LEGEND]
    benchmarks = sorted({record.benchmark for record in records})
    for benchmark in benchmarks:
        studies = [record for record in records if record.benchmark == benchmark]
        rows = [
            {"practice": item.practice, "followed": "yes" if item.followed else "NO", "record": item.evidence}
            for item in items(studies, benchmarks)
        ]
        parts.append(f"## {benchmark}\n\n{pd.DataFrame(rows).to_markdown(index=False)}\n")
    return "\n".join(parts)


def items(studies: Sequence[Record], benchmarks: Sequence[str]) -> list[Item]:
    """The answers for one benchmark's studies; `benchmarks` are the ids of all that there are records of."""
    return [*_code(studies), *_comparison(studies), *_evaluation(studies, benchmarks), *_report(studies)]


def _code(studies: Sequence[Record]) -> list[Item]:
    commits = _recorded(studies, "commit")
    return [
        Item("code: the commit of every study is recorded", _all_known(commits), _listed(commits)),
        Item("code: it is published, with that of the final training", False, ""),
    ]


def _comparison(studies: Sequence[Record]) -> list[Item]:
    hashes = {study.protocol_hash for study in studies}
    finals = [study.config["benchmark"].get("final") for study in studies]
    machines = [_recorded(studies, name) for name in ("device", "versions", "commit")]
    groups = groups_of(studies)
    reference = next((group for group in groups if group[0].strategy == REFERENCE), [])
    finished = any(study.result for study in reference)
    dear = [group[0].strategy for group in groups if not _affordable(group, reference)]
    return [
        Item("the same data, space and training code: one protocol hash", len(hashes) == 1, _listed(hashes)),
        Item("the same final training", bool(finals[0]) and all(final == finals[0] for final in finals), ""),
        Item("the same devices, versions and commit", all(map(_one_known, machines)), _listed(machines[0])),
        Item("no search costs over 10 % more than random search", not dear, f"not so: {_listed(dear)}" if dear else ""),
        Item("a random search row", finished, REFERENCE if finished else ""),
    ]


def _evaluation(studies: Sequence[Record], benchmarks: Sequence[str]) -> list[Item]:
    protocol = studies[0].config["benchmark"]
    seeds = [sum(bool(study.result) for study in group) for group in groups_of(studies)]
    task = protocol.get("task")
    tabular = isinstance(task, Mapping) and str(task.get("type")).rpartition(".")[2] == TABULAR
    split = "the table's mean of the trainings that the search reads" if tabular else "by its name in config.json"
    ablations = [benchmark for benchmark in benchmarks if "ablation" in benchmark]
    return [
        Item("several seeds of every row", min(seeds) > 1, f"{min(seeds)} to {max(seeds)} finished"),
        Item("a test split that the search has not seen", not tabular and _unseen(protocol), split),
        Item("performance over time", any(study.trials for study in studies), "best_so_far.png"),
        Item("a tabular or surrogate benchmark", tabular, ""),
        Item("ablations", len(ablations) > 1 and studies[0].benchmark in ablations, _listed(ablations)),
    ]


def _report(studies: Sequence[Record]) -> list[Item]:
    settings = all(study.config["strategy"] for study in studies)
    costs = [study.result["cost"] for study in studies if study.result]
    whole = bool(costs) and all(cost.get(part) for cost in costs for part in PARTS)
    known = all(_all_known(_recorded(studies, name)) for name in ("device", "versions"))
    return [
        Item("hyperparameters of every strategy", settings, "config.json"),
        Item("how hyperparameters were tuned, and what that cost", False, ""),
        Item("the time of everything: shared parts, search, final training", whole, "study.json"),
        Item("hardware and versions of libraries", known, "study.json"),
    ]


def _affordable(group: Sequence[Record], reference: Sequence[Record]) -> bool:
    """Does a strategy share finished seeds with random search, and cost about as much on them?"""
    return bool(finals_of(group).keys() & finals_of(reference).keys()) and equal_cost(group, reference)


def _unseen(protocol: Mapping[str, Any]) -> bool:
    """Is the split of the final score neither learnt from nor scored on before, as far as its name tells?"""
    try:
        final, *stages = map(Stage.of, (protocol["final"], *protocol["stages"]))
    except (KeyError, TypeError, ValueError):  # a config.json that was changed by hand
        return False
    seen = {*final.view.train, *(name for stage in stages for name in (*stage.view.train, stage.view.eval))}
    return final.view.eval not in seen


def _recorded(studies: Sequence[Record], name: str) -> list[Any]:
    """An entry of every finished study's study.json; None where it is not there."""
    return [study.result.get(name) for study in studies if study.result]


def _all_known(values: Sequence[Any]) -> bool:
    return bool(values) and all(value and value != "unknown" for value in values)


def _one_known(values: Sequence[Any]) -> bool:
    return _all_known(values) and all(value == values[0] for value in values)


def _listed(values: Iterable[Any]) -> str:
    """Each once, as Markdown shows them."""
    return ", ".join(sorted({escaped(str(value)) for value in values if value}))
