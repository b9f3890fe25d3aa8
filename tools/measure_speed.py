"""Measure speed, as ratios within one run.

`measure_speed.py study`: what a study costs itself, in memory and on disk, as it grows to --trials trials (evolution and random
search on the toy space, whose scores take no time). A study on disk waits (fsync) until each trial is there; one column
leaves that out.

`measure_speed.py BENCHMARK`: what cached features gain: its first stage with the cache and with the live, frozen encoder.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
from command_line import Parser, Settings, refuse, run

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import read_protocol
from benchmarks.job import build_task


def study(trials: int) -> list[dict[str, Any]]:
    from benchmarks.speed.study import study_growth

    rows = []
    for strategy in (dict(type="RegularizedEvolution", population=100, tournament=25), dict(type="RandomSearch")):
        with tempfile.TemporaryDirectory() as folder:
            for kept, at in (("memory", None), ("disk", Path(folder))):
                rows.append({"strategy": strategy["type"], "kept": kept, **study_growth(strategy, trials, at)})
    return rows


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
    parser.add_argument("what", nargs="?", default="study", help="study, or a benchmark (default: study)")
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--candidates", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--work-dir", type=Path, default=Path("runs"))
    parser.add_argument("--cfg-options", nargs="+", action=Settings, help="settings of the config, as a.b=c")
    parser.add_argument("--json", action="store_true", help="a list of objects instead of a table")
    options = parser.parse_args()
    try:
        if options.what == "study":
            rows = study(options.trials)
        else:
            rows = cache(options.what, options.cfg_options, options.work_dir, options.candidates, options.repeat)
    except (ValueError, OSError) as error:
        refuse(error)
    print(json.dumps(rows, indent=2) if options.json else pd.DataFrame(rows).to_markdown(index=False, floatfmt=".3g"))
    return 0


if __name__ == "__main__":
    run(main)
