"""Convert published results to a table that strategies can be compared on."""

from __future__ import annotations

from command_line import Parser, refuse, run, waiting

from pathlib import Path

from benchmarks.analysis.table_sources import SOURCES, converted
from benchmarks.files import make_folder


def arguments() -> Parser:
    parser = Parser(description=__doc__)
    parser.add_argument("format", choices=SOURCES, help="whose results they are")
    parser.add_argument(
        "source",
        type=Path,
        help="the file, or for nas-bench-201 and nats-bench the folder, that they were published in",
    )
    parser.add_argument("--out", type=Path, required=True, help="the table's new folder")
    return parser


def main() -> int:
    options = arguments().parse_args()
    if options.out.exists():
        refuse(f"{options.out} is there already: give another --out, or remove it")
    try:
        make_folder(options.out.parent, "--out")
        with waiting(f"reading {options.source}"):
            table = converted(options.format, options.source, options.out)
    except OSError as error:
        refuse(error, f"{error.filename or options.source} cannot be read or written: {error.strerror}")
    except ValueError as error:
        refuse(error)
    size = sum(path.stat().st_size for path in options.out.iterdir())
    print(f"{options.out}: {len(table):,} networks, {len(table.groups):,} different ones, {size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    run(main)
