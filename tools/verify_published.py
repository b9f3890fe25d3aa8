"""Build every published architecture that a space can express and compare its numbers with the printed ones.

params are weights, biases and affine pairs of norms; MAdds are weight multiplications of convolutions and linear layers.
"exact": ours is the printed number; "match": ours is what the architecture comes to, and the printed one is it rounded,
or counted by another rule within a known margin.
"""

from __future__ import annotations

import json

import pandas as pd
from command_line import Parser, run

from benchmarks.published import PUBLISHED, verify


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="a list of objects instead of a table")
    options = parser.parse_args()
    rows = [verify(network) for network in PUBLISHED]
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        print(pd.DataFrame(rows).to_markdown(index=False, intfmt=",", floatfmt=",.0f", missingval=""))
    wrong = [row["id"] for row in rows if row["verdict"] == "mismatch"]
    return 1 if wrong else 0


if __name__ == "__main__":
    run(main)
