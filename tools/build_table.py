"""Train all networks of a benchmark's space by its last stage, several times each, and make a table of what came of it.

On the table every strategy can be tried with any number of seeds in seconds. Trainings are written to
WORK_DIR/tables/BENCHMARK.jsonl as they come: the same command goes on, also with more runs. The table has the metrics on both
splits after every epoch, seconds, parameters and MAdds; of every FINALS-th network also what the final training comes to. With
--check, some networks of a table that is there are trained once more, and told is how far they fall from what it recorded.
"""

from __future__ import annotations

from command_line import DEVICES, Parser, Settings, device, refuse, run

import sys
from argparse import Namespace
from concurrent.futures import BrokenExecutor
from pathlib import Path

from tqdm import tqdm

from benchmarks.analysis.table_building import Entries, assembled, retrained, train, wanted
from benchmarks.catalogue import read_protocol
from benchmarks.executors import open_trainers, trainers
from benchmarks.files import make_folder
from benchmarks.run import Run
from benchmarks.running.job import build_trainable
from core.table import table

LIMIT = 3.0  # standard deviations that a training with another seed may differ by


def arguments() -> Parser:
    parser = Parser(description=__doc__)
    parser.add_argument("benchmark", help="a benchmark's id, or a config")
    parser.add_argument("--out", type=Path, required=True, help="the table's new folder")
    parser.add_argument("--runs", type=int, default=3, help="trainings of each network")
    parser.add_argument("--finals", type=int, default=5, help="each such network is trained finally as well (0: none)")
    parser.add_argument(
        "--check", type=int, default=0, help="train so many networks of the table OUT again, with another seed"
    )
    parser.add_argument(
        "--workers", type=int, help="processes, which share the cores (default: one a core, 1 on a GPU)"
    )
    parser.add_argument("--work-dir", type=Path, default=Path("runs"))
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument(
        "--source", default="trained by tools/build_table.py", help="what the table says of where it is from"
    )
    parser.add_argument("--licence", default="see the data's", help="and of who may use it")
    parser.add_argument("--cfg-options", nargs="+", action=Settings, help="settings of the config, as benchmark.a.b=c")
    return parser


def built(options: Namespace) -> str:
    """Raises ValueError or OSError."""
    options.device = device(options.device)
    options.workers = trainers(options.device) if options.workers is None else options.workers
    for name, least in dict(runs=1, finals=0, check=0, workers=1).items():
        if getattr(options, name) < least:
            raise ValueError(f"--{name} must be at least {least}, not {getattr(options, name)}")
    if options.out.exists() and not options.check:
        raise ValueError(f"{options.out} is there already: give another --out, or remove it")
    make_folder(options.out.parent, "--out")
    benchmark = read_protocol(options.benchmark, options.cfg_options)["benchmark"]
    one = Run(
        {"benchmark": benchmark, "strategy": {"type": "RandomSearch"}}, "table", 0, options.work_dir, options.device
    )
    build_trainable(one.search_task)
    asked = wanted(one, options.runs, options.finals)
    if options.check:
        return checked(one, options)
    one.prepare()
    entries = Entries(options.work_dir / "tables" / f"{one.benchmark.id}.jsonl", one)
    known = entries.known
    missing = sum((arch.key, seed) not in known for arch, seed in asked)
    failed = 0
    with (
        entries,
        open_trainers(options.workers) as executor,
        tqdm(total=missing, desc=one.benchmark.id, file=sys.stderr) as bar,
    ):
        for entry in train(one, entries, asked, executor, options.workers):
            bar.update()
            if entry.error:
                failed += 1
                bar.write(f"network {entry.key}, run {entry.run}: {entry.error}", file=sys.stderr)
    table = assembled(one, entries, options.runs, options.out, (options.source, options.licence))
    size = sum(path.stat().st_size for path in options.out.iterdir()) / 1e6
    what = f"{len(table.groups):,} different networks of {len(table):,} answers"
    return f"{options.out}: {what}, {len(asked):,} trainings, {failed} failed now, {size:.2f} MB"


def checked(one: Run, options: Namespace) -> str:
    recorded = table(str(options.out))
    one.prepare()
    with open_trainers(options.workers) as executor:
        found = retrained(one, recorded, options.check, executor)
    for arch, value, distance in found:
        print(f"{arch.key}: {value:.2f}, {distance:+.2f} standard deviations from the recorded mean")
    inside = sum(abs(distance) < LIMIT for *_, distance in found)
    size = sum(distance**2 for *_, distance in found) / len(found)
    return f"{inside} of {len(found)} within {LIMIT:g} standard deviations, {size**0.5:.2f} on average (expected: 1 at most)"


def main() -> int:
    options = arguments().parse_args()
    try:
        print(built(options))
    except BrokenExecutor:
        print(
            "failed: a worker has died (killed, for want of memory perhaps): the same command goes on", file=sys.stderr
        )
        return 1
    except (ValueError, OSError) as error:
        refuse(error)
    return 0


if __name__ == "__main__":
    run(main)
