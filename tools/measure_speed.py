"""Measure speed, as ratios within one run.

`measure_speed.py study`: what a study costs itself, in memory and on disk, as it grows to --trials trials (evolution and random
search on the toy space, whose scores take no time). A study on disk waits (fsync) until each trial is there; one column
leaves that out.

`measure_speed.py memory BENCHMARK`: what a step of its supernet's training takes of the memory where a cell goes once over the
sum of all that reaches it, and where it goes over every path's (`per_path`); foreseen and measured, on a CPU.

`measure_speed.py BENCHMARK`: what cached features gain: its first stage with the cache and with the live, frozen encoder.
"""

from __future__ import annotations

from command_line import Parser, Settings, refuse, run, waiting

import json
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import read_protocol
from benchmarks.job import build_task
from core import build
from search_spaces import SPACES


def study(trials: int) -> list[dict[str, Any]]:
    from benchmarks.speed.study import study_growth

    rows = []
    for strategy in (dict(type="RegularizedEvolution", population=100, tournament=25), dict(type="RandomSearch")):
        with tempfile.TemporaryDirectory() as folder:
            for kept, at in (("memory", None), ("disk", Path(folder))):
                rows.append({"strategy": strategy["type"], "kept": kept, **study_growth(strategy, trials, at)})
    return rows


def memory(name: str, options: dict[str, Any] | None) -> list[dict[str, Any]]:
    from benchmarks.speed.memory import step_memory

    benchmark = Benchmark(read_protocol(name, options)["benchmark"])
    spaces = [build(SPACES, {**benchmark.space_config, "per_path": value}) for value in (False, True)]
    task: Any = build_task(json.dumps({**benchmark.proxy, "cache": "", "device": "cpu"}))
    found = [step_memory(task, benchmark.stages[0], space) for space in spaces]
    ratio = {key: value / found[1][key] for key, value in found[0].items()}
    return [
        {"a cell sees": way, **row} for way, row in zip(("the sum", "each path", "ratio"), (*found, ratio), strict=True)
    ]


def cache(
    name: str, options: dict[str, Any] | None, work_dir: Path, candidates: int, repeat: int
) -> list[dict[str, Any]]:
    from benchmarks.speed.cache import cache_gain
    from tasks.encoder_task import EncoderTask

    if candidates < 1 or repeat < 1:
        raise ValueError(f"--candidates and --repeat must be at least 1, not {candidates} and {repeat}")
    benchmark = Benchmark(read_protocol(name, options)["benchmark"])
    stage = benchmark.stages[0]
    task = build_task(json.dumps({**benchmark.proxy, "cache": str(work_dir / "cache"), "device": "cpu"}))
    if not isinstance(task, EncoderTask) or not task.options(stage).cached:
        raise ValueError(
            f"the first stage of {benchmark.id} caches no features: name a benchmark whose first stage does"
        )
    task.prepare([stage])
    models = [benchmark.space.model(benchmark.space.sample(Random(number))) for number in range(candidates)]
    return [cache_gain(task, stage, model, repeat) for model in models]


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("what", nargs="?", default="study", help="study, memory, or a benchmark (default: study)")
    parser.add_argument(
        "of", nargs="?", default="scenes-irnas-v1", help="memory's benchmark (default: scenes-irnas-v1)"
    )
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--candidates", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--work-dir", type=Path, default=Path("runs"))
    parser.add_argument("--cfg-options", nargs="+", action=Settings, help="settings of the config, as a.b=c")
    parser.add_argument("--json", action="store_true", help="a list of objects instead of a table")
    options = parser.parse_args()
    try:
        with waiting(f"measuring {options.what}"):
            if options.what == "study":
                rows = study(options.trials)
            elif options.what == "memory":
                rows = memory(options.of, options.cfg_options)
            else:
                rows = cache(options.what, options.cfg_options, options.work_dir, options.candidates, options.repeat)
    except (ValueError, OSError) as error:
        refuse(error)
    print(json.dumps(rows, indent=2) if options.json else pd.DataFrame(rows).to_markdown(index=False, floatfmt=".3g"))
    return 0


if __name__ == "__main__":
    run(main)
