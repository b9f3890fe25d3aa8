"""What papers print beside what was measured here, row by row: final scores, and the sizes of published networks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from benchmarks.records.committed import committed
from benchmarks.records.replay import TABLE
from benchmarks.report.cells import OURS, REPORTED, show
from benchmarks.site.protocols import cell

INTRODUCTION = """# Reported and measured

Papers print scores; beside each stands the row here that is of the same method, where this suite has one. *not run*: nobody
has played that row under its whole protocol and kept it. Training, data and seeds differ between the two columns unless a
protocol says otherwise, so a difference is no verdict on a method. The sizes of networks, further below, are another matter:
those are exact, or have a reason.
"""
SIZES = """## Sizes of published networks

Built here from their published genotypes and counted: parameters, and multiplications by weights (MAdds). *exact*: the printed
number is ours. *same digits*: ours, rounded, is the printed one. *differs*: for the reason that is given.
`python tools/verify_published.py` counts them again.
"""


def reported() -> str:
    rows = measured()
    parts = [INTRODUCTION]
    for entry in json.loads(REPORTED.read_text()):
        names = ", ".join(f"[{name}](benchmarks/{name}.md)" for name in entry["benchmarks"])
        parts.append(f"## {entry['benchmarks'][0]}\n\n{entry['source']}. Under the setting of {names}.\n")
        parts.append(
            _table(["method", "metric", "reported", "measured", "difference", "row here"], _beside(entry, rows))
        )
    return "\n".join([*parts, SIZES, _table(["network", "what", "printed", "counted", "verdict", "why"], _sizes())])


def measured() -> dict[str, dict[str, Any]]:
    """The rows of all committed results, by "<benchmark>/<strategy>"."""
    tables = [json.loads((folder / TABLE).read_text()) for folder in committed()]
    return {f"{row['benchmark']}/{row['strategy']}": row for table in tables for row in table}


def _beside(entry: dict[str, Any], rows: dict[str, dict[str, Any]]) -> Iterator[list[str]]:
    for figures in entry["figures"]:
        ours = figures.get(OURS)
        for metric, printed in figures.items():
            if metric in ("method", OURS):
                continue
            found = (rows.get(ours) or {}).get(metric) if ours else None
            mean = found["mean"] if isinstance(found, dict) else found
            shown = "" if ours is None else "*not run*" if mean is None else f"{mean:.{_digits(printed)}f}"
            seeds = "" if mean is None or ours is None else f", seeds: {rows[ours]['seeds']}"
            where = "" if ours is None else f"`{ours}`{seeds}"
            difference = "" if mean is None else f"{mean - printed:+.{_digits(printed)}f}"
            yield [cell(figures["method"]), metric, str(printed), shown, difference, where]


def _digits(printed: float) -> int:
    return max(2, len(str(printed).partition(".")[2]))


def _sizes() -> Iterator[list[str]]:
    from benchmarks.published.networks import PUBLISHED
    from benchmarks.published.verification import beside

    for network in PUBLISHED:
        row = beside(network, network.params, network.madds)
        for what, own in (("params", network.params), ("madds", network.madds)):
            printed, verdict = row[f"printed_{what}"], row[f"{what}_verdict"]
            if printed is not None and own is not None:
                why = cell(row["why"]) if verdict == "differs" else ""
                yield [f"{network.id} ({cell(network.source)})", what, printed, show(own), verdict, why]


def _table(columns: list[str], rows: Iterator[list[str]]) -> str:
    head = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows), ""])
