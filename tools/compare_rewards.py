"""Which cheap signal ranks candidates as a longer training does? Rank correlations within finished runs.

Every metric of the short stage, and the benchmark's reward on it, is compared with the main metric of the long stage.
Only trials that have both stages count: where a gate stopped the weak ones, the correlations are lower than they would be.

Where a run has answered with three trials or more (strategies `Shortlist`, `NSGA2`, `OneShot`), the search's reward and every
metric of its last stage are compared with what these came to after the final training, too.
"""

from __future__ import annotations

from command_line import Parser, refuse, run, waiting

import json
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from benchmarks.analysis.ranking import Comparison, Estimate, Sample, answers_of, stages_of
from benchmarks.files import make_folder
from benchmarks.records.record import Record, read_records


def shown(correlation: Estimate) -> str:
    if correlation.value is None:
        return "none: the same for all trials"
    return f"{correlation.value:+.2f} ({correlation.low:+.2f} to {correlation.high:+.2f})"


def markdown(result: Comparison) -> str:
    rows = [
        {"signal": one.signal, "Kendall's tau-b": shown(one.tau), "Spearman's rho": shown(one.rho)}
        for one in result.agreements
    ]
    what = "trials" if result.strategy is None else f"answers of {result.strategy}"
    return (
        f"{result.benchmark}: signals after the stage {result.short!r} against {result.metric!r} after {result.long!r}, "
        f"{result.trials} {what}.\n"
        "In brackets: 95 % intervals of a bootstrap over trials. Losses and errors are negated, so that more is better.\n\n"
        f"{pd.DataFrame(rows).to_markdown(index=False)}"
    )


def stages_compared(records: Sequence[Record], options: Namespace, answered: bool) -> list[Sample]:
    """None where no two stages can be compared, but answers can, and nobody has named a stage or its metric."""
    try:
        return [stages_of(records, options.stage, options.long, options.metric)]
    except ValueError:
        if answered and not (options.stage or options.long or options.metric):
            return []
        raise


def draw(samples: Sequence[Sample], out: Path) -> None:
    from benchmarks.report.figures import save, scatter

    make_folder(out, "--out")
    save(scatter(samples), out / "rewards.png")


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="folders that run_benchmark.py wrote, of one benchmark")
    parser.add_argument("--stage", help="the short stage (default: the first of the ledgers)")
    parser.add_argument("--long", help="the stage to agree with (default: the last)")
    parser.add_argument("--metric", help="of the long stage (default: the task's primary one)")
    parser.add_argument("--final", metavar="METRIC", help="of the final training (default: the task's primary one)")
    parser.add_argument("--json", action="store_true", help="an object instead of tables")
    parser.add_argument("--out", type=Path, help="also write rewards.png there: a panel a signal, a point a network")
    options = parser.parse_args()
    try:
        with waiting("comparing"):
            records = read_records(options.runs)
            answers = answers_of(records, options.final)
            stages = stages_compared(records, options, bool(answers))
            if options.out:
                draw([*stages, *answers], options.out)
            first, others = [sample.comparison() for sample in stages], [sample.comparison() for sample in answers]
    except (ValueError, OSError) as error:
        refuse(error)
    if options.json:
        print(json.dumps({**(asdict(first[0]) if first else {}), "answers": list(map(asdict, others))}, indent=2))
    else:
        print("\n\n".join(map(markdown, [*first, *others])))
    return 0


if __name__ == "__main__":
    run(main)
