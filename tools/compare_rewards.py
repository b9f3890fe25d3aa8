"""Which cheap signal ranks candidates as a longer training does? Rank correlations between two stages of finished runs.

Every metric of the short stage, and the benchmark's reward on it, is compared with the main metric of the long stage.
Only trials that have both stages count: where a gate stopped the weak ones, the correlations are lower than they would be.
"""

from __future__ import annotations

from command_line import Parser, refuse, run

import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from benchmarks.ranking import Comparison, Correlation, compare
from benchmarks.records import read_records


def shown(correlation: Correlation) -> str:
    if correlation.value is None:
        return "none: the same for all trials"
    return f"{correlation.value:+.2f} ({correlation.low:+.2f} to {correlation.high:+.2f})"


def markdown(result: Comparison) -> str:
    rows = [
        {"signal": one.signal, "Kendall's tau-b": shown(one.tau), "Spearman's rho": shown(one.rho)}
        for one in result.agreements
    ]
    return (
        f"{result.benchmark}: signals after the stage {result.short!r} against {result.metric!r} after {result.long!r}, "
        f"{result.trials} trials.\n"
        "In brackets: 95 % intervals of a bootstrap over trials. Metrics named loss* are negated, so that more is better.\n\n"
        f"{pd.DataFrame(rows).to_markdown(index=False)}"
    )


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="folders that run_benchmark.py wrote, of one benchmark")
    parser.add_argument("--stage", help="the short stage (default: the first of the ledgers)")
    parser.add_argument("--long", help="the stage to agree with (default: the last)")
    parser.add_argument("--metric", help="of the long stage (default: the task's primary one)")
    parser.add_argument("--json", action="store_true", help="an object instead of a table")
    options = parser.parse_args()
    try:
        result = compare(read_records(options.runs), options.stage, options.long, options.metric)
    except (ValueError, OSError) as error:
        refuse(error)
    print(json.dumps(asdict(result), indent=2) if options.json else markdown(result))
    return 0


if __name__ == "__main__":
    run(main)
