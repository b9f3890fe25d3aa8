"""Print the commands of the runs that a folder still lacks: those of all strategies and seeds of a benchmark's protocol.

Runs that were interrupted are among them, as the same command resumes them. Damaged ones, and those of another protocol, are
named on stderr instead, with the reason. Exit code 0 and nothing printed: all is there; exit code 1: something is lacking.
"""

from __future__ import annotations

from command_line import Parser, refuse, run, said

import shlex
import sys
from pathlib import Path

from benchmarks.catalogue import CONFIGS, benchmarks, config_files
from benchmarks.records.missing import Lacking, lacking


def found(runs: Path) -> list[str]:
    """The benchmarks that a folder has runs of. Raises ValueError where it has none."""
    known = [name for name in benchmarks() if (runs / name).is_dir()]
    if not known:
        raise ValueError(f"there is no run of a benchmark of this checkout in {runs}: name a benchmark")
    return known


def command(config: Path, one: Lacking, runs: Path) -> str:
    name = one.benchmark if CONFIGS in config.resolve().parents else str(config)
    words = ["python", "tools/run_benchmark.py", name, "--strategy", one.strategy, "--seed", str(one.seed)]
    return shlex.join([*words, "--work-dir", str(runs)])


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument(
        "benchmark", nargs="*", help="ids, config files, tasks, 'embedded' (default: what the folder has runs of)"
    )
    parser.add_argument("--runs", type=Path, required=True, help="the folder that run_benchmark.py writes to")
    options = parser.parse_args()
    complete = True
    try:
        if options.runs.is_file():
            raise ValueError(f"--runs {options.runs} is a file: give the folder that run_benchmark.py writes to")
        for config in dict.fromkeys(
            path for name in options.benchmark or found(options.runs) for path in config_files(name)
        ):
            for one in lacking(str(config), options.runs):
                complete = False
                if not one.damaged:
                    print(command(config, one, options.runs))
                for sentence in one.damaged:
                    print(said(sentence), file=sys.stderr)
    except (ValueError, OSError) as error:
        refuse(error)
    return 0 if complete else 1


if __name__ == "__main__":
    run(main)
