"""Train networks that were searched for one task for others, and print them beside what was searched there.

A network is every answer of a finished run, or a published one (SEG-0, SEG-1, SEG-2 are arch0 to arch2 of Nekrasov et al., CVPR
2019). Each goes through the final training of the benchmarks that are named, whose space says how wide it is, and begins with
the weights that it has learnt, but for those of the last layer; so do the networks that nobody searched, which are trained
beside it. A benchmark's table has these, and all runs of it in the work directory. The same command goes on where it was.
"""

from __future__ import annotations

from command_line import DEVICES, Parser, Settings, call, refuse, run

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.catalogue import config_files
from benchmarks.files import make_folder, write
from benchmarks.leaderboard import Leaderboard
from benchmarks.running.transfer import found, transferred


def arguments() -> Parser:
    parser = Parser(description=__doc__)
    parser.add_argument(
        "networks", nargs="+", metavar="RUN", help="the folder of a run, or the id of a published network"
    )
    parser.add_argument("--to", nargs="+", required=True, metavar="BENCHMARK", help="ids of benchmarks, or tasks")
    parser.add_argument("--anew", action="store_true", help="begin without the weights that networks have learnt")
    parser.add_argument("--seed", nargs="+", type=int, help="default: the seeds of the protocol")
    parser.add_argument("--work-dir", type=Path, default=Path("runs"))
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--cfg-options", nargs="+", action=Settings, help="settings of the benchmarks, as a.b=c")
    return parser


def play(protocol: dict[str, Any], options: Any) -> int:
    """Train what a protocol names; the exit code of run_benchmark.py, which does it."""
    folder = options.work_dir / "transfers"
    make_folder(folder)
    config = folder / f"{protocol['benchmark']['id']}.json"
    write(config, json.dumps(protocol, indent=2) + "\n")
    seeds = ["--seed", *options.seed] if options.seed else []
    how = ["--work-dir", options.work_dir, "--device", options.device, *seeds]
    command = [sys.executable, Path(__file__).with_name("run_benchmark.py"), config, *how]
    return call(command, stdout=subprocess.DEVNULL)


def main() -> int:
    options = arguments().parse_args()
    try:
        networks = [one for source in options.networks for one in found(source, options.anew)]
        targets = [str(path) for name in options.to for path in config_files(name)]
        protocols = [transferred(networks, target, options.cfg_options) for target in targets]
        codes = [play(protocol, options) for protocol in protocols]
    except (ValueError, OSError) as error:
        refuse(error)
    played = [one["benchmark"]["id"] for one, code in zip(protocols, codes, strict=True) if not code]
    try:
        if played:
            print(Leaderboard.of([options.work_dir / name for name in played]).markdown())
    except (ValueError, OSError) as error:
        refuse(error)
    return max(codes)


if __name__ == "__main__":
    run(main)
