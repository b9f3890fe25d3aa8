"""Measure speed, as ratios within one run. WHAT is one of these, BENCHMARK (an id) what it is measured on.

study       what a study costs itself, in memory and on disk, as it grows to --trials trials (evolution and random search on the
            toy space, whose scores take no time). A study on disk waits (fsync) until each trial is there; one column leaves
            that out.
candidate   a candidate of the first stage: in the suite, in a bare loop of PyTorch that is well written, and in the way of
            the published search codes, on one thread and on all.
precision   how training in bfloat16 ranks --candidates networks (give 20) beside float32, and two seeds beside each other.
cache       what cached features gain: the first stage with the cache and with the live, frozen encoder.
workers     candidates an hour of a worker a core, one thread each, of one process with all threads, and of the published search
            codes' way with all threads, with their scores; --candidates a worker, --repeat rounds with a seed each, in turns.
memory      what a step of a supernet's training takes of the memory where a cell goes once over the sum of all that reaches
            it, and where it goes over every path's (`per_path`); foreseen and measured, on a CPU.
supernet    a step of a supernet's training beside a step of a single network: seconds and memory.
operators   where the time of a step goes, by operator of torch, and which convolutions fell back to a slow path.
growth      how the seconds of an epoch grow with images, their size, cached crops and classes: slopes on a log-log scale.
latency     how well the sum of its layers' times (`predicted_ms`) tells the time of each of --candidates networks (give 20).
data        how long the steps of a final training wait for images, without and with processes that read ahead.
evaluation  COCO's scores beside pycocotools, SSIM beside scikit-image.
startup     how long each tool takes to answer `--help`, and some to describe a benchmark and to make a small leaderboard.
"""

from __future__ import annotations

from command_line import Parser, Settings, refuse, run, waiting

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import read_protocol
from benchmarks.executors import cores
from benchmarks.running.job import build_trainable
from core import build
from search_spaces import SPACES

Rows = list[dict[str, Any]]


def study(options: argparse.Namespace) -> Rows:
    from benchmarks.speed.study import study_growth

    rows = []
    for strategy in (dict(type="RegularizedEvolution", population=100, tournament=25), dict(type="RandomSearch")):
        with tempfile.TemporaryDirectory() as folder:
            for kept, at in (("memory", None), ("disk", Path(folder))):
                figures = study_growth(strategy, options.trials, at)
                rows.append({"strategy": strategy["type"], "kept": kept, **figures})
    return rows


def memory(options: argparse.Namespace) -> Rows:
    from benchmarks.speed.memory import step_memory

    benchmark = opened(options)
    spaces = [build(SPACES, {**benchmark.space_config, "per_path": value}) for value in (False, True)]
    task = build_trainable(on_cpu(benchmark.proxy, ""))
    found = [step_memory(task, benchmark.stages[0], space) for space in spaces]
    ratio = {key: value / found[1][key] for key, value in found[0].items()}
    return [
        {"a cell sees": way, **row} for way, row in zip(("the sum", "each path", "ratio"), (*found, ratio), strict=True)
    ]


def cache(options: argparse.Namespace) -> Rows:
    from benchmarks.speed.cache import cache_gain
    from tasks.encoder_task import EncoderTask

    benchmark = opened(options)
    stage = benchmark.stages[0]
    task = build_trainable(on_cpu(benchmark.proxy, options.work_dir / "cache"))
    if not isinstance(task, EncoderTask) or not task.options(stage).cached:
        raise ValueError(
            f"the first stage of {benchmark.id} caches no features: name a benchmark whose first stage does"
        )
    task.prepare([stage])
    return [cache_gain(task, stage, model, options.repeat) for model in sampled(benchmark, options.candidates)]


def candidate(options: argparse.Namespace) -> Rows:
    from benchmarks.speed.candidate import candidate as measured

    benchmark = opened(options)
    stage = benchmark.stages[0]
    task = build_trainable(on_cpu(benchmark.proxy, options.work_dir / "cache"))
    task.prepare([stage])
    models = sampled(benchmark, options.candidates)
    rows: Rows = [measured(task, stage, model, options.repeat, cores()) for model in models]
    middle: dict[str, Any] = pd.DataFrame(rows).median().to_dict()
    return [
        {"candidate": name, **row} for name, row in zip([*range(len(rows)), "median"], [*rows, middle], strict=True)
    ]


def precision(options: argparse.Namespace) -> Rows:
    from benchmarks.speed.precision import precision as measured

    benchmark = opened(options)
    task = build_trainable(on_cpu(benchmark.proxy, options.work_dir / "cache"))
    task.prepare(benchmark.stages[:1])
    return measured(benchmark, task, sampled(benchmark, options.candidates))


def workers(options: argparse.Namespace) -> Rows:
    from benchmarks.speed.workers import worker_gain

    benchmark = opened(options)
    task = on_cpu(benchmark.proxy, options.work_dir / "cache")
    build_trainable(task).prepare(benchmark.stages[:1])
    return worker_gain(benchmark, task, options.candidates * cores(), cores(), options.repeat)


def supernet(options: argparse.Namespace) -> Rows:
    from benchmarks.speed.supernet import supernet_step

    benchmark = opened(options)
    try:
        benchmark.space.supernet()
    except TypeError as error:
        raise ValueError(f"{error}, and measure another benchmark") from None
    task = in_steps(benchmark, options)
    models = sampled(benchmark, options.candidates)
    return supernet_step(task, benchmark.stages[0], benchmark.space, models, options.repeat)


def operators(options: argparse.Namespace) -> Rows:
    from benchmarks.speed.operators import operators as measured

    benchmark = opened(options)
    task = in_steps(benchmark, options)
    return measured(task, benchmark.stages[0], sampled(benchmark, options.candidates), options.repeat)


def growth(options: argparse.Namespace) -> Rows:
    from benchmarks.speed.growth import growth as measured

    benchmark = opened(options)
    task = build_trainable(on_cpu(benchmark.proxy, options.work_dir / "cache"))
    task.prepare(benchmark.stages[:1])
    return measured(task, benchmark.stages[0], sampled(benchmark, 1)[0], options.repeat)


def latency(options: argparse.Namespace) -> Rows:
    from benchmarks.speed.latency import latency as measured

    benchmark = opened(options)
    task = build_trainable(on_cpu(benchmark.task, options.work_dir / "cache"))
    return [measured(task, benchmark.space, options.candidates, options.repeat)]


def data(options: argparse.Namespace) -> Rows:
    from benchmarks.speed.data import data_waits

    benchmark = opened(options)
    task = build_trainable(on_cpu(benchmark.task, options.work_dir / "cache"))
    task.prepare([benchmark.final])
    (model,) = sampled(benchmark, 1)
    return data_waits(task, benchmark.final, model, (0, cores()), options.repeat)


def evaluation(options: argparse.Namespace) -> Rows:
    from benchmarks.speed.evaluation import coco_evaluation, ssim

    return [{"scores": "COCO", **coco_evaluation(options.images, options.repeat)}, {"scores": "SSIM", **ssim()}]


def startup(options: argparse.Namespace) -> Rows:
    from benchmarks.speed.startup import small_tasks
    from benchmarks.speed.startup import startup as measured

    return [*measured(), *small_tasks()]


WHAT: dict[str, Callable[[argparse.Namespace], Rows]] = {
    one.__name__: one
    for one in (
        study,
        candidate,
        precision,
        cache,
        workers,
        memory,
        supernet,
        operators,
        growth,
        latency,
        data,
        evaluation,
        startup,
    )
}


def opened(options: argparse.Namespace) -> Benchmark:
    return Benchmark(read_protocol(options.benchmark, options.cfg_options)["benchmark"])


def in_steps(benchmark: Benchmark, options: argparse.Namespace) -> Any:
    """The task, prepared for the first stage. Raises ValueError where that takes no training steps."""
    stage = benchmark.stages[0]
    task = build_trainable(on_cpu(benchmark.proxy, options.work_dir / "cache"))
    if not (task.by_steps and stage.recipe.epochs):
        raise ValueError(f"stage {stage.name!r} of {benchmark.id} takes no training steps: name another benchmark")
    task.prepare([stage])
    return task


def on_cpu(task: Mapping[str, Any], cache: str | Path) -> str:
    return json.dumps({**task, "cache": str(cache), "device": "cpu"})


def sampled(benchmark: Benchmark, count: int) -> list[Any]:
    return [benchmark.space.model(benchmark.space.sample(Random(number))) for number in range(count)]


def main() -> int:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=WHAT, metavar="WHAT", help=", ".join(WHAT))
    parser.add_argument(
        "benchmark", nargs="?", metavar="BENCHMARK", help="default: scenes-segmentation-v3; of memory, scenes-irnas-v1"
    )
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--candidates", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--images", type=int, default=1000, help="of COCO's scores")
    parser.add_argument("--work-dir", type=Path, default=Path("runs"))
    parser.add_argument("--cfg-options", nargs="+", action=Settings, help="settings of the config, as a.b=c")
    parser.add_argument("--json", action="store_true", help="a list of objects instead of a table")
    options = parser.parse_args()
    options.benchmark = options.benchmark or (
        "scenes-irnas-v1" if options.what == "memory" else "scenes-segmentation-v3"
    )
    try:
        for name in ("candidates", "repeat", "images"):
            if getattr(options, name) < 1:
                raise ValueError(f"--{name} must be at least 1, not {getattr(options, name)}")
        with waiting(f"measuring {options.what}"):
            rows = WHAT[options.what](options)
    except (ValueError, OSError) as error:
        refuse(error)
    print(json.dumps(rows, indent=2) if options.json else pd.DataFrame(rows).to_markdown(index=False, floatfmt=".3g"))
    return 0


if __name__ == "__main__":
    run(main)
