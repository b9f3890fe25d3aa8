"""Put runs into one file, to be sent to somebody else: what they recorded, their answers, and the leaderboard made of them.

The same runs give the same bytes. Runs that contradict themselves, as `make_leaderboard.py --check` finds it, are not bundled
(exit code 1). Whoever gets the file derives the table again with tools/replay.py.
"""

from __future__ import annotations

from command_line import Parser, refuse, run, said, waiting

import sys
from pathlib import Path

from benchmarks.files import make_folder
from benchmarks.leaderboard import Leaderboard
from benchmarks.records.bundle import write_bundle


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="folders that run_benchmark.py wrote")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.zip")
    parser.add_argument("--weights", action="store_true", help="with the weights of the final networks (final.pth)")
    options = parser.parse_args()
    try:
        with waiting("reading the runs, drawing, packing"):
            board = Leaderboard.of(options.runs)
            problems = board.problems()
            if not problems:
                make_folder(options.out.parent, "--out")
                manifest = write_bundle(board.records, options.out, options.weights)
                print(f"{options.out}: {len(manifest.studies)} studies, {options.out.stat().st_size:,} bytes")
    except (ValueError, OSError) as error:
        refuse(error)
    for problem in problems:
        print(said(problem), file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    run(main)
