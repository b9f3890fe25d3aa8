"""Derive the table of a bundle, or of folders of runs, again from the ledgers alone, and print it.

Exit code 1, with a line for each difference: a study is not what its trials and answers say, or the leaderboard.json that comes
with the runs is not what they come to, at full precision. Nothing that somebody else sent is executed: configs are read as
data, and only spaces of this checkout are built from them. --out also writes the leaderboard's files.
"""

from __future__ import annotations

from command_line import Parser, refuse, run, said, waiting

import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks.records.replay import opened, replay


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUNS", help="bundles (bundle.py) or folders of runs")
    parser.add_argument("--out", type=Path, help="where to write the leaderboard that the ledgers come to")
    options = parser.parse_args()
    folders = dict[Path, Path]()

    def told(message: object) -> str:
        """A sentence about what lies in a bundle, and not where that was unpacked."""
        text = str(message)
        for folder, place in folders.items():
            text = text.replace(str(folder), str(place))
        return said(text)

    try:
        with waiting("reading the runs"), ExitStack() as stack:
            for place in options.runs:
                folders[stack.enter_context(opened(place))] = place
            table, found = replay(list(folders), options.out)
    except (ValueError, OSError) as error:
        refuse(error, told(error))
    for line in table.split("\n"):
        print("".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line))
    for sentence in found:
        print(told(sentence), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    run(main)
