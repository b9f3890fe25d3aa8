"""Write the leaderboard of some runs.

index.html: the page, one file that needs no network: winners and what they cost, tables to sort and filter, figures, drawings
of the networks that won, and how all of it was run (docs/leaderboard.md says how to read it). leaderboard.md, .csv, .json: the
tables; leaderboard.tex: those of results for a paper (booktabs); best_so_far.png; answers.png: what the networks cost, and how
good they are; checklist.md: best practices.
"""

from __future__ import annotations

from command_line import Parser, refuse, run, waiting

import gc
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.files import make_folder, write
from benchmarks.leaderboard import Leaderboard
from benchmarks.records.record import Record, read_records
from benchmarks.report.checklist import checklist


def arguments() -> Parser:
    parser = Parser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="folders that run_benchmark.py wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--check", action="store_true", help="fail (exit 1) where ledgers contradict themselves")
    parser.add_argument(
        "--choice",
        metavar="DECISION=VALUE",
        help="also write choice_over_time.png and .csv: how often each strategy chose it as its search went on",
    )
    parser.add_argument(
        "--metric",
        metavar="NAME",
        help="also write metric_over_time.png and .csv: the moving mean of this metric of trials, or of `reward`",
    )
    parser.add_argument("--period", type=int, default=50, help="trials of a share or a mean over time (default: 50)")
    return parser


def read(folders: Sequence[Path]) -> list[Record]:
    """Without a search for garbage among a million trials, now or later: it would take a third of the time."""
    gc.disable()
    records = read_records(folders)
    gc.freeze()
    gc.enable()
    return records


def write_choice(records: Sequence[Record], text: str, period: int, out: Path) -> None:
    """choice_over_time.png and .csv. Raises ValueError where `text` is not DECISION=VALUE, or says what nobody chose."""
    from benchmarks.report.figures import choice_over_time, choice_shares, save

    decision, equals, choice = text.partition("=")
    if not equals:
        raise ValueError(f"--choice {text}: write it as DECISION=VALUE")
    shares = choice_shares(records, decision, choice, period)
    write(out / "choice_over_time.csv", shares.to_csv(index=False))
    save(choice_over_time(shares, decision, choice, period), out / "choice_over_time.png")


def write_metric(records: Sequence[Record], metric: str, period: int, out: Path) -> None:
    """metric_over_time.png and .csv. Raises ValueError where no trial has this metric."""
    from benchmarks.report.figures import metric_over_time, moving_means, save

    means = moving_means(records, metric, period)
    write(out / "metric_over_time.csv", means.to_csv(index=False))
    save(metric_over_time(means, metric, period), out / "metric_over_time.png")


def main() -> int:
    options = arguments().parse_args()
    from benchmarks.report.page import write_page

    try:
        with waiting("reading the runs, drawing"):
            board = Leaderboard(read(options.runs))
            make_folder(options.out, "--out")
            if options.choice is not None:
                write_choice(board.records, options.choice, options.period, options.out)
            if options.metric is not None:
                write_metric(board.records, options.metric, options.period, options.out)
            board.write(options.out)
            write(options.out / "checklist.md", checklist(board.records))
            write_page(board, options.out)
    except (ValueError, OSError) as error:
        refuse(error)
    print(board.markdown())
    problems = board.problems() if options.check else []
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    run(main)
