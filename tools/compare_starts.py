"""What are inherited weights worth? A network before its training and behind it, begun anew or with its parent's weights.

The parent is a random network of the benchmark's space, trained by the search's first stage, and the child a mutant of it. This
begins anew (with the task's encoder, where there is one), with what matches by name and shape, or by the space's own rule. A
backbone that is searched and takes over an encoder's weights also begins from scratch, without them.
"""

from __future__ import annotations

from command_line import DEVICES, Parser, Settings, device, refuse, run

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from benchmarks.analysis.starts import Started, starts
from benchmarks.catalogue import read_protocol
from benchmarks.run import Run
from benchmarks.running.job import build_trainable


def markdown(found: list[Started]) -> str:
    rows = [
        {
            "start": one.start,
            **{f"{name}, {when}": f"{values[name]:.2f}" for name in list(one.before)[:1] for when, values in both(one)},
            "tensors": ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(one.tensors.values()).items())),
        }
        for one in found
    ]
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)


def both(one: Started) -> list[tuple[str, dict[str, float]]]:
    return [("untrained", one.before), ("trained", one.behind)]


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("benchmark", metavar="BENCHMARK", help="a benchmark's id, or a config")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tensors", action="store_true", help="also say of every tensor what became of it")
    parser.add_argument("--work-dir", type=Path, default=Path("runs"))
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--cfg-options", nargs="+", action=Settings, help="settings of the config, as benchmark.a.b=c")
    parser.add_argument("--json", action="store_true", help="an object instead of a table")
    options = parser.parse_args()
    try:
        benchmark = read_protocol(options.benchmark, options.cfg_options)["benchmark"]
        config = {"benchmark": benchmark, "strategy": {"type": "RandomSearch"}}
        one = Run(config, "starts", options.seed, options.work_dir, device(options.device))
        task = build_trainable(one.search_task)
        one.prepare()
        found = list(starts(one.benchmark, task, options.seed))
    except (ValueError, OSError) as error:
        refuse(error)
    if options.json:
        print(json.dumps([asdict(one) for one in found], indent=2))
        return 0
    print(markdown(found))
    for name, kind in found[-1].tensors.items() if options.tensors else ():
        print(f"{kind:8}{name}")
    return 0


if __name__ == "__main__":
    run(main)
