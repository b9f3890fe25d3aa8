"""Take a found network home: a folder with an OpenMMLab config and weights, one plain Python file, and ONNX."""

from __future__ import annotations

from command_line import Parser, refuse, run, waiting

import sys
from pathlib import Path


def arguments() -> Parser:
    parser = Parser(description=__doc__)
    parser.add_argument("run", type=Path, help="the folder of a finished run, runs/<benchmark>/<strategy>/seed<k>")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write, which must not be there")
    parser.add_argument(
        "--answer", type=int, default=0, help="which of the networks that the run answers (default: the first)"
    )
    parser.add_argument("--onnx", action="store_true", help="also write network.onnx, checked with ONNX Runtime")
    return parser


def main() -> int:
    options = arguments().parse_args()
    from benchmarks.export.answer import Found
    from benchmarks.export.package import export

    try:
        with waiting("building the network, checking what is written"):
            about = export(Found.of(options.run, options.answer), options.out, options.onnx)
    except (ValueError, OSError) as error:
        refuse(error)
    print(f"{options.out}: {about['of']}")
    print(f"{about['params']:,.0f} parameters, {about['madds']:,.0f} multiply-adds")
    size = "x".join(map(str, reversed(about["input"][1:])))
    for name, one in about["latency_ms"].items():
        interval = f"{one['low']:.2f} to {one['high']:.2f}"
        print(
            f"{name}: {one['median']:.2f} ms an image of {size} ({interval}; {one['threads']} threads, {about['device']})"
        )
    for path in sorted(options.out.iterdir()):
        print(f"{path.stat().st_size:>12,}  {path.name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    run(main)
