"""Run or resume a benchmark: every strategy and seed, with progress, and the table at the end."""

from __future__ import annotations

import contextlib
import math
import sys
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from command_line import Parser, refuse, run
from mmengine.config import DictAction
from tqdm import tqdm

from benchmarks.benchmark import run_configs
from benchmarks.executors import EXECUTORS
from benchmarks.gates import saved_images
from benchmarks.leaderboard import Leaderboard
from benchmarks.run import Run
from benchmarks.study import Study
from strategies import best
from strategies.baseline import Baseline
from tasks import Cost


def arguments() -> Parser:
    parser = Parser(description=__doc__)
    parser.add_argument("benchmark", help="a config file, a benchmark's id, or a task (its embedded benchmark)")
    parser.add_argument("--strategy", nargs="+", help="strategies and baselines of the benchmark (default: all)")
    parser.add_argument("--seed", nargs="+", type=int, help="default: the seeds of the protocol")
    parser.add_argument("--work-dir", type=Path, default=Path("runs"))
    parser.add_argument("--executor", choices=EXECUTORS, default="inline")
    parser.add_argument("--workers", type=int, default=1, help="trials in flight, with --executor process")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="settings of the config, as a.b=c")
    return parser


def device(name: str) -> str:
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        refuse("--device cuda: this torch sees no GPU; use --device cpu")
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


class Progress:
    """A bar over the trials of a study: ETA, best so far, and what the gate saved."""

    def __init__(self, run: Run, study: Study):
        self.run, self.study = run, study
        total = min(run.benchmark.budget.trials, run.strategy.planned or math.inf)
        title = f"{run.name} seed{run.seed}"
        self.bar = tqdm(total=total, initial=len(study.trials), desc=title, unit="trial", file=sys.stderr)

    def __enter__(self) -> None:
        self.study.watch = self.show
        self.show(self.study)

    def __exit__(self, *error: object) -> None:
        self.bar.close()

    def show(self, study: Study) -> None:
        notes = {}
        if any(trial.reward is not None for trial in study.trials):
            notes["best"] = f"{best(study.trials).score:.2f}"
        failed = sum(trial.status == "failed" for trial in study.trials)
        if failed:
            notes["failed"] = str(failed)
        saved = saved_images(study.trials, [stage.name for stage in self.run.benchmark.stages])
        if saved:
            notes["gate saved"] = f"{saved / (saved + study.cost.images):.0%} of images"
        self.bar.set_postfix(notes, refresh=False)
        self.bar.update(len(study.trials) - self.bar.n)


def setup(options: Any) -> list[Run]:
    """Every run that is asked for, checked. Raises ValueError or OSError for bad input."""
    runs = []
    for name, config in run_configs(options.benchmark, options.strategy, options.cfg_options):
        # A benchmark without seeds is refused by Run.
        seeds = options.seed or ([config.seed] if "seed" in config else config.benchmark.get("seeds", [0]))
        runs += [Run(config, name, seed, options.work_dir, options.device) for seed in seeds]
    return runs


def play(one: Run, executor: Executor, workers: int, shared: Cost) -> None:
    with one.open(executor, workers) as study:
        print(f"{one.folder}", file=sys.stderr)
        if one.note:
            print(one.note, file=sys.stderr)
        with contextlib.nullcontext() if isinstance(one.strategy, Baseline) else Progress(one, study):
            arch = one.strategy.search(study)
        print(f"{one.name} seed{one.seed}: final training", file=sys.stderr)
        one.finish(study, arch, shared)


def main() -> int:
    options = arguments().parse_args()
    options.device = device(options.device)
    try:
        runs = setup(options)
        executor = EXECUTORS[options.executor](options.workers)
        todo = [(one, one.prepare()) for one in runs if not one.finished]
        # Opened once before the first trial: a ledger that cannot be read or is held by another process is bad input.
        for one, _ in todo:
            one.open(executor, options.workers).close()
    except (ValueError, OSError) as error:
        refuse(error)
    try:
        with executor:
            for one, shared in todo:
                play(one, executor, options.workers, shared)
    except (RuntimeError, FloatingPointError) as error:
        print(f"failed: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    for one in runs:
        print(f"{one.folder} is finished", file=sys.stderr)
    print(Leaderboard.of([one.folder for one in runs]).markdown())
    return 0


if __name__ == "__main__":
    run(main)
