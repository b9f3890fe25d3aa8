"""Build every published architecture that a space can express and compare its numbers with the printed ones.

params are weights, biases and affine pairs of norms; MAdds are weight multiplications of convolutions and linear layers.
A printed number is "exact" where it is ours, has the "same digits" where ours is rounded to it, and "differs" for the reason
in the column `why`. Exit code 1: a network does not come to the numbers that are recorded for it.
"""

from __future__ import annotations

from command_line import Parser, run, waiting

import json

import pandas as pd


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="a list of objects instead of a table")
    options = parser.parse_args()
    from benchmarks.published.networks import PUBLISHED  # imports torch, which --help need not wait for
    from benchmarks.published.verification import verify

    with waiting("counting published networks"):
        rows = [verify(network) for network in PUBLISHED]
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        print(pd.DataFrame(rows).to_markdown(index=False, intfmt=",", floatfmt=",.0f", missingval=""))
    return 0 if all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    run(main)
