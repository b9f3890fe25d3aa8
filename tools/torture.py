"""Inject faults into runs of run_benchmark.py, and print for each what is promised and whether that was met.

Exit code 1: some promise was not kept. All of it takes about twenty minutes of a core; --only plays some.
"""

from __future__ import annotations

from command_line import Parser, refuse, run, said

import sys
import tempfile
from pathlib import Path

import pandas as pd

from benchmarks.torture.fault import Settings, Verdict, verdicts
from benchmarks.torture.faults import FAULTS


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=FAULTS, default=list(FAULTS), metavar="NAME", help=", ".join(FAULTS)
    )
    parser.add_argument("--kills", type=int, default=50, help="of runs in one process, over four strategies")
    parser.add_argument("--process-kills", type=int, default=8, help="with two process workers")
    parser.add_argument("--ray-kills", type=int, default=4, help="with two Ray workers")
    parser.add_argument("--rounds", type=int, default=20, help="of two cold starts on one cache")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument(
        "--work-dir", type=Path, help="runs are left in its folder torture (default: they are gone in the end)"
    )
    options = parser.parse_args()
    counts = options.kills, options.process_kills, options.ray_kills, options.rounds
    if min(counts) < 0:
        refuse(f"kills and rounds must not be negative, not {min(counts)}")
    with tempfile.TemporaryDirectory() as gone:
        folder = (options.work_dir or Path(gone)).resolve() / "torture"  # whose folders are emptied: none of the user's
        settings = Settings(folder, options.seed, *counts, tell=tell)
        found = []
        for verdict in verdicts({name: FAULTS[name] for name in options.only}, settings):
            tell(f"{verdict.name}: {'met' if verdict.met else 'NOT MET'}: {verdict.seen}")
            found.append(verdict)
    print(table(found))
    return 0 if all(verdict.met for verdict in found) else 1


def tell(line: str) -> None:
    print(said(line), file=sys.stderr, flush=True)


def table(found: list[Verdict]) -> str:
    rows = [
        {
            "fault": one.name,
            "what was done": one.fault.done,
            "what is promised": one.fault.promised,
            "met": "yes" if one.met else "NO",
            "seen": said(one.seen),
        }
        for one in found
    ]
    return pd.DataFrame(rows).to_markdown(index=False)


if __name__ == "__main__":
    run(main)
