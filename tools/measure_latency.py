"""How long a network that was taken home takes for an image, on torch and ONNX Runtime, and what of it each operation takes.

Times are medians of many calls in rounds, after a warm-up and with pauses between. The operations are timed one by one, with
what goes into them: their sum is an estimate of the whole, as one would make for other networks of the same operations.
"""

from __future__ import annotations

from command_line import Parser, refuse, run, waiting

import json
from dataclasses import asdict
from pathlib import Path


def arguments() -> Parser:
    parser = Parser(description=__doc__)
    parser.add_argument("model", type=Path, help="a folder that export_model.py or search.py wrote")
    parser.add_argument("--size", help="WIDTHxHEIGHT of the image (default: that of the task)")
    parser.add_argument("--threads", type=int, help="default: all cores")
    parser.add_argument("--json", action="store_true")
    return parser


def main() -> int:
    options = arguments().parse_args()
    import pandas as pd

    from benchmarks.export.latency import Measured, measured

    try:
        with waiting("measuring"):
            found: Measured = measured(options.model, options.size, options.threads)
    except (ValueError, OSError) as error:
        refuse(error)
    if options.json:
        print(json.dumps(asdict(found), indent=2))
        return 0
    print(f"an image of {found.size[1]}x{found.size[0]} on {found.device}")
    for name, one in found.whole.items():
        hot = f"; the last round took {one.throttled:.2f} times the first: hot or busy" if one.throttled > 1.2 else ""
        print(f"{name}: {one.median:.2f} ms (quarter to three quarters: {one.low:.2f} to {one.high:.2f}){hot}")
    rows = pd.DataFrame([asdict(one) for one in found.operations])
    print(f"\n{rows.to_markdown(index=False, floatfmt='.3f')}\n")
    print(f"sum of the operations: {found.estimate:.2f} ms, {found.error:+.0%} of torch's time")
    return 0


if __name__ == "__main__":
    run(main)
