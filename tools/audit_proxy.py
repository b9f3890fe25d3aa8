"""Does a benchmark's search tell architectures apart? Random networks, each trained by the search's stages with several seeds.

Told are the share of the score's variance that is due to the architecture (the rest is due to the seed), and Kendall's tau-b
between seeds; with --final, each network is trained finally as well, and told are Kendall's tau-b between search and final
training, and what the best of the three that the search ranks first lacks of the best of all. In brackets: 95 % intervals of a
bootstrap over networks.

Scores are written to WORK_DIR/audits/BENCHMARK.jsonl as they come; the same command, also with more networks or seeds, goes on.
"""

from __future__ import annotations

from command_line import Parser, Settings, refuse, run

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from benchmarks.audit import Audit, Place, Score, Scores, audited, measure
from benchmarks.catalogue import read_protocol
from benchmarks.executors import EXECUTORS
from benchmarks.ranking import Estimate
from benchmarks.run import Run


def scored(one: Run, options: Namespace) -> list[Score]:
    """The scores that are asked for, measured where they are not known."""
    scores = Scores(options.work_dir / "audits" / f"{one.benchmark.id}.jsonl", one)
    numbers = range(options.architectures)
    places = [Place(number, seed, "search") for number in numbers for seed in range(options.seeds)]
    places = sorted(places + [Place(number, seed, "final") for number in numbers for seed in range(options.final)])
    known = scores.known
    missing = [place for place in places if place not in known]
    with (
        EXECUTORS["inline" if options.workers == 1 else "process"](options.workers) as executor,
        tqdm(total=len(missing), desc=one.benchmark.id, file=sys.stderr) as bar,
    ):
        for score in measure(one, scores, missing, executor, options.workers):
            bar.update()
            if score.error:
                bar.write(f"network {score.architecture}, seed {score.seed}: {score.error}", file=sys.stderr)
    known = scores.known
    return [known[place] for place in places]


def markdown(one: Run, result: Audit) -> str:
    def shown(estimate: Estimate | None, digits: int = 2) -> str:
        if estimate is None or estimate.value is None:
            return "none"
        return f"{estimate.value:.{digits}f} ({estimate.low:.{digits}f} to {estimate.high:.{digits}f})"

    rows = [
        ("share of the variance due to the architecture", shown(result.share)),
        ("Kendall's tau-b between two seeds", shown(result.seeds)),
    ]
    if result.final is not None:
        rows += [
            ("Kendall's tau-b of search and final training", shown(result.final)),
            (f"regret of the search's best three, {one.task.primary}", shown(result.regret)),
        ]
    rows += [(f"CPU s, {part}", f"{seconds:.1f}") for part, seconds in result.seconds.items()]
    failed = f", {result.failed} more failed" if result.failed else ""
    table = pd.DataFrame(rows, columns=["", "value"]).to_markdown(index=False, disable_numparse=True)
    return f"{one.benchmark.id}: {result.networks} networks{failed}\n\n{table}"


def checked(options: Namespace) -> Namespace:
    for name, least in dict(architectures=4, seeds=2, final=0, workers=1).items():
        if getattr(options, name) < least:
            raise ValueError(f"--{name} must be at least {least}, not {getattr(options, name)}")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("benchmark", metavar="BENCHMARK", help="a benchmark's id, or a config")
    parser.add_argument("--architectures", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3, help="of the search's stages")
    parser.add_argument("--final", type=int, nargs="?", const=1, default=0, metavar="SEEDS", help="also train finally")
    parser.add_argument("--workers", type=int, default=1, help="processes, each with its share of the cores")
    parser.add_argument("--work-dir", type=Path, default=Path("runs"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cfg-options", nargs="+", action=Settings, help="settings of the config, as benchmark.a.b=c")
    parser.add_argument("--json", action="store_true", help="an object instead of a table")
    options = parser.parse_args(arguments)
    try:
        checked(options)
        benchmark = read_protocol(options.benchmark, options.cfg_options)["benchmark"]
        config = {"benchmark": benchmark, "strategy": {"type": "RandomSearch"}}
        one = Run(config, "audit", 0, options.work_dir, options.device)
        one.prepare()
        result = audited(scored(one, options), one.task.higher_is_better)
    except BrokenProcessPool:
        raise OSError("a worker has died (killed, for want of memory perhaps): the same command goes on") from None
    except (ValueError, OSError) as error:
        refuse(error)
    print(json.dumps(asdict(result), indent=2) if options.json else markdown(one, result))
    return 0


if __name__ == "__main__":
    run(main)
