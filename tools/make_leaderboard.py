"""Write the leaderboard of some runs: leaderboard.md, .csv, .json and best_so_far.png."""

from __future__ import annotations

import sys
from pathlib import Path

from command_line import Parser, refuse, run

from benchmarks.leaderboard import Leaderboard


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="folders that run_benchmark.py wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--check", action="store_true", help="fail (exit 1) where ledgers contradict themselves")
    options = parser.parse_args()
    try:
        board = Leaderboard.of(options.runs)
        options.out.mkdir(parents=True, exist_ok=True)
    except (ValueError, OSError) as error:
        refuse(error)
    board.write(options.out)
    print(board.markdown())
    problems = board.problems() if options.check else []
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    run(main)
