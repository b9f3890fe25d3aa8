"""Run or resume a benchmark: every strategy and seed, with progress, and the table at the end."""

from __future__ import annotations

from command_line import Parser, Settings, refuse, run, said, ticking, waiting

import math
import sys
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import run_configs
from benchmarks.executors import EXECUTORS
from benchmarks.gates import saved_images
from benchmarks.job import machines_fault
from benchmarks.leaderboard import Leaderboard
from benchmarks.ledger import DivergedError, InUseError
from benchmarks.run import Run
from benchmarks.study import Study
from tasks import Cost


def arguments() -> Parser:
    parser = Parser(description=__doc__)
    parser.add_argument(
        "benchmark",
        help="a config file, a benchmark's id, a task (its embedded benchmarks), or 'embedded' (all of them)",
    )
    parser.add_argument("--strategy", nargs="+", help="strategies and baselines of the benchmark (default: all)")
    parser.add_argument("--seed", nargs="+", type=int, help="default: the seeds of the protocol")
    parser.add_argument("--work-dir", type=Path, default=Path("runs"))
    parser.add_argument("--executor", choices=EXECUTORS, default="inline")
    parser.add_argument("--workers", type=int, default=1, help="trials in flight, with --executor process")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--cfg-options", nargs="+", action=Settings, help="settings of the config, as a.b=c")
    return parser


def device(name: str) -> str:
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        refuse("--device cuda: this torch sees no GPU; use --device cpu")
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


class Progress:
    """A bar over what a study may spend: trials, where it is known how many, else images."""

    def __init__(self, one: Run, study: Study):
        self.stages = [stage.name for stage in one.benchmark.stages]
        budget, planned = one.benchmark.budget, one.plan.trials
        self.images = budget.images is not None and planned is None
        total = budget.images if self.images else min(budget.trials, budget.trials if planned is None else planned)
        title, unit = f"{one.name} seed{one.seed}", "image" if self.images else "trial"
        self.bar = tqdm(total=total, desc=title, unit=unit, file=sys.stderr, disable=not total)
        self.study, study.watch = study, self.show

    def __enter__(self) -> tqdm:
        self.show(self.study)
        return self.bar

    def __exit__(self, *error: object) -> None:
        self.bar.close()
        saved = saved_images(self.study.trials, self.stages)
        if saved:
            share = saved / (saved + self.study.cost.images)
            print(f"the gate saved {share:.0%} of the images", file=sys.stderr)

    def show(self, study: Study) -> None:
        notes = {"trials": str(len(study.trials))} if self.images else {}
        if study.best > -math.inf:
            notes["best"] = f"{study.best:.2f}"
        if study.counts["failed"]:
            notes["failed"] = str(study.counts["failed"])
        self.bar.set_postfix(notes, refresh=False)
        done = study.cost.images if self.images else len(study.trials)
        self.bar.update(min(done, self.bar.total or 0) - self.bar.n)


def setup(options: Any) -> list[Run]:
    """Every run that is asked for, checked. Raises ValueError or OSError for bad input."""
    runs = []
    for name, config in run_configs(options.benchmark, options.strategy, options.cfg_options):
        own = [config["seed"]] if "seed" in config else Benchmark(config["benchmark"]).seeds
        seeds = dict.fromkeys(options.seed or own)
        runs += [Run(config, name, seed, options.work_dir, options.device) for seed in seeds]
    return runs


def play(one: Run, executor: Executor, workers: int, shared: Cost) -> None:
    with one.open(executor, workers) as study:
        if one.finished:  # by another process, since this one began
            return
        print(f"{one.folder}", file=sys.stderr)
        if one.plan.note:
            print(one.plan.note, file=sys.stderr)
        with Progress(one, study) as bar, ticking(bar.refresh):
            answers = one.strategy.search(study)
        networks = "" if len(answers) == 1 else f" of {len(answers)} networks"
        what = f"{one.name} seed{one.seed}: final training{networks}"
        print(what, file=sys.stderr)
        with waiting(what):
            one.finish(study, answers, shared)


def failed(error: BaseException) -> int:
    print(f"failed: {said(error) or 'out of memory'}", file=sys.stderr)
    return 1


def main() -> int:
    options = arguments().parse_args()
    options.device = device(options.device)
    try:
        runs = setup(options)
        executor = EXECUTORS[options.executor](options.workers)
        with waiting("preparing the data, the encoder and its features"):
            todo = [(one, one.prepare()) for one in runs if not one.finished]
    except (ValueError, OSError, RuntimeError) as error:
        return failed(error) if machines_fault(error) or isinstance(error, RuntimeError) else refuse(error)
    elsewhere = []
    try:
        with executor:
            for one, shared in todo:
                try:
                    play(one, executor, options.workers, shared)
                except DivergedError as error:
                    raise ValueError(f"{one.folder}: {error}") from None
                except InUseError as error:
                    print(f"error: {said(error)}", file=sys.stderr)
                    elsewhere.append(one)
        done = [one for one in runs if one not in elsewhere]
        for one in done:
            print(f"{one.folder} is finished", file=sys.stderr)
        if done:
            print(Leaderboard.of([one.folder for one in done]).markdown())
    except ValueError as error:
        refuse(error)
    except (RuntimeError, ArithmeticError, OSError, MemoryError) as error:
        return failed(error)
    return 2 if elsewhere else 0


if __name__ == "__main__":
    run(main)
