"""Run or resume a benchmark: every strategy and seed, with progress, and the table at the end."""

from __future__ import annotations

from command_line import DEVICES, LEAVING, Parser, Settings, device, refuse, run, said, ticking, waiting

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import TIMEOUT_MAX, Lock
from typing import Any

from tqdm import tqdm

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import run_configs
from benchmarks.executors import CLUSTERS, EXECUTORS, Ending, cores, open_executor, threads_each
from benchmarks.gates import saved_images
from benchmarks.leaderboard import Leaderboard
from benchmarks.ledger import forget_record
from benchmarks.records.recorded import Recorded, told
from benchmarks.run import Run
from benchmarks.running.job import build_task, machines_fault
from benchmarks.running.side_by_side import Ended, ended, side_by_side
from benchmarks.running.threads import settle, use
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
    parser.add_argument("--workers", type=int, default=1, help="trials in flight, with another executor than inline")
    parser.add_argument(
        "--resources",
        nargs="+",
        action=Settings,
        default={},
        help="what a trial gets of its executor, as cpus=2 gpus=0.5 with ray (docs/scaling.md)",
    )
    parser.add_argument(
        "--patience",
        type=float,
        help="seconds that a trial's stage may take before it fails and its worker is ended, with --executor process or ray",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        help="runs that are played at a time, each in a process of its own (default: as the cores and the memory allow; "
        "on a GPU 1), with --executor ray or slurm each on a worker of the cluster; scores do not depend on it",
    )
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--devices", type=int, default=1, help="GPUs that train a final network together")
    parser.add_argument("--cfg-options", nargs="+", action=Settings, help="settings of the config, as a.b=c")
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("--quiet", action="store_true", help="only errors and the table")
    loudness.add_argument("--verbose", action="store_true", help="a line a trial")
    return parser


@dataclass(frozen=True)
class Voice:
    """What is said on stderr while runs are played, beside errors."""

    quiet: bool = False
    verbose: bool = False

    def say(self, line: str) -> None:
        if not self.quiet:
            tqdm.write(said(line), file=sys.stderr)

    def waiting(self, what: str) -> AbstractContextManager[None]:
        return nullcontext() if self.quiet else waiting(what)

    def trials(self, one: Run, recorded: Recorded) -> None:
        """Say what trials have been added to a record since it was last read."""
        for trial in recorded.news():
            if self.verbose:
                self.say(f"{title(one)}: {told(trial)}")


def shares(options: Any, runs: Sequence[Run]) -> tuple[int, int]:
    """The threads that a run may have, and how many runs are played at a time.

    Rounding depends on the threads, and so scores do: they are a share of the cores by how many runs are asked for, whatever
    is finished and however many are played at a time. Raises ValueError where options exclude each other.
    """
    jobs = options.jobs
    if jobs is not None and (jobs < 1 or (jobs > 1 and options.executor != "inline" and not sends_runs(options))):
        must = "at least 1" if jobs < 1 else f"1 with --executor {options.executor}"
        raise ValueError(f"--jobs must be {must}, not {jobs}")
    if sends_runs(options) and (options.workers > 1 or options.patience or not options.resources.get("shared", True)):
        what = "--jobs sends whole runs, not trials, to nodes that share --work-dir"
        raise ValueError(f"{what}: leave out --workers, --patience and shared=False")
    if undisturbed(options, runs):
        return threads_each(1), jobs or 1
    threads = threads_each(min(cores(), len(runs)))
    return threads, jobs or max(1, cores() // threads)


def undisturbed(options: Any, runs: Sequence[Run]) -> bool:
    """Is a run to have all of the machine: a GPU, workers, or a clock that its search reads?"""
    shared = options.device == "cuda" or options.devices > 1 or options.executor != "inline"
    return shared or any({"latency_ms", "predicted_ms"} & set(one.benchmark.measures) for one in runs)


def sends_runs(options: Any) -> bool:
    """Are whole runs what the executor's workers get, and not trials?"""
    return options.executor in CLUSTERS and (options.jobs or 1) > 1


class Progress:
    """A bar over what a study may spend: trials, where it is known how many, else images."""

    def __init__(self, one: Run, shown: bool = True, leave: bool = True):
        budget, planned = one.benchmark.budget, one.plan.trials
        self.images = budget.images is not None and planned is None
        total = budget.images if self.images else min(budget.trials, budget.trials if planned is None else planned)
        unit = "image" if self.images else "trial"
        hidden = not (total and shown)
        self.bar = tqdm(total=total, desc=title(one), unit=unit, file=sys.stderr, disable=hidden, leave=leave)

    def show(self, seen: Recorded, note: str = "") -> None:
        notes = {"trials": str(seen.trials)} if self.images else {}
        if seen.best > -math.inf:
            notes["best"] = f"{seen.best:.2f}"
        notes |= {name: str(count) for name, count in (("refused", seen.refused), ("failed", seen.failed)) if count}
        if note:
            notes["now"] = note
        self.bar.set_postfix(notes, refresh=False)
        self.bar.update(min(seen.images if self.images else seen.trials, self.bar.total or 0) - self.bar.n)


def title(one: Run) -> str:
    return f"{one.benchmark.id} {one.name} seed{one.seed}"


def tell_saved(study: Study, voice: Voice) -> None:
    """Say what the gate saved, if anything."""
    saved = saved_images(study.trials, [stage.name for stage in study.stages])
    if saved:
        voice.say(f"the gate saved {saved / (saved + study.cost.images):.0%} of the images")


def setup(options: Any) -> list[Run]:
    """Every run that is asked for, checked. Raises ValueError or OSError for bad input."""
    runs = []
    for name, config in run_configs(options.benchmark, options.strategy, options.cfg_options):
        own = [config["seed"]] if "seed" in config else Benchmark(config["benchmark"]).seeds
        seeds = dict.fromkeys(options.seed) if options.seed else own  # which may be anything
        runs += [Run(config, name, seed, options.work_dir, options.device, options.devices) for seed in seeds]
    return runs


def play(one: Run, executor: Executor, options: Any, shared: Cost, voice: Voice) -> None:
    with one.open(executor, options.workers, options.patience) as study:
        if one.finished:  # by another process, since this one began
            return
        tell_begin(one, voice)
        progress, recorded = Progress(one, shown=not voice.quiet), Recorded(one.folder)
        recorded.look()
        draw = study.watch

        def show(study: Study) -> None:
            draw(study)
            voice.trials(one, recorded)
            progress.show(recorded)

        study.watch = show
        study.watch(study)
        with progress.bar as bar, ticking(bar.refresh):
            answers = one.search(study)
        tell_saved(study, voice)
        networks = "" if len(answers) == 1 else f" of {len(answers)} networks"
        what = f"{title(one)}: final training{networks}"
        voice.say(what)
        with voice.waiting(what):
            one.finish(study, answers, shared)


def tell_begin(one: Run, voice: Voice) -> None:
    voice.say(str(one.folder))
    if one.plan.note:
        voice.say(one.plan.note)


def one_by_one(todo: Mapping[Run, Cost], executor: Executor, options: Any, voice: Voice) -> Iterator[tuple[Run, Ended]]:
    """Play runs in this process; give each with its end. A fault of the machine is the last one's."""
    with executor:
        for one, shared in todo.items():
            end = ended(one, partial(play, one, executor, options, shared, voice))
            yield one, end
            if end.machine:
                return


def shown_side_by_side(
    todo: Iterable[Run], jobs: int, threads: int, voice: Voice, cluster: Executor | None = None
) -> Iterator[tuple[Run, Ended]]:
    """Play runs in processes of their own, or on a cluster, with a bar for each where a terminal shows it."""
    bars: dict[Run, tuple[Progress, Recorded]] = {}
    drawing = Lock()  # what a record's news are, one thread at a time asks

    def begins(one: Run) -> None:
        if one in bars:  # it was refused beside others, and begins again
            bars.pop(one)[0].bar.close()
        tell_begin(one, voice)
        shown = sys.stderr.isatty() and not voice.quiet
        bars[one] = Progress(one, shown=shown, leave=False), Recorded(one.folder)
        bars[one][1].look()

    def draw() -> None:
        with drawing:
            for one, (drawn, seen) in list(bars.items()):
                voice.trials(one, seen)
                note = "final training" if (one.folder / "answers").is_dir() else ""
                drawn.show(seen, note)
                drawn.bar.refresh()

    with cluster or nullcontext(), ticking(draw):
        for one, end in side_by_side(list(todo), jobs, threads, begins, cluster):
            with drawing:
                progress, seen = bars.pop(one)
                progress.bar.close()
                voice.trials(one, seen)
            yield one, end


def tell_end(one: Run, end: Ended, voice: Voice) -> None:
    if end.code:
        Voice().say(f"{'error' if end.code == 2 else 'failed'}: {title(one)}: {end.why}")
    else:
        voice.say(f"{one.folder} is finished")


def main() -> int:
    options = arguments().parse_args()
    options.device, voice = device(options.device), Voice(options.quiet, options.verbose)
    try:
        runs = setup(options)
        threads, jobs = shares(options, runs)
        executor = open_executor(
            options.executor, jobs if sends_runs(options) else options.workers, **options.resources
        )
        LEAVING.extend([executor.shutdown] if options.executor == "slurm" else [])  # its jobs outlive this process
        if (most := options.patience) is not None and not (0 < most <= TIMEOUT_MAX and isinstance(executor, Ending)):
            raise ValueError(f"--patience {most:g} needs a finite time above 0, and --executor process or ray")
        with voice.waiting("preparing the data, the encoder and its features"):
            todo = {one: one.prepare() for one in runs if not one.finished}
            for line in () if undisturbed(options, runs) else settle(todo, threads):
                voice.say(line)
    except (ValueError, OSError, RuntimeError) as error:
        if machines_fault(error) or isinstance(error, RuntimeError):
            print(f"failed: {said(error)}", file=sys.stderr)
            return 1
        refuse(error)
    for one, end in (ends := {one: Ended() for one in runs if one not in todo}).items():
        tell_end(one, end, voice)
    jobs = min(jobs, len(todo))
    if jobs > 1 or sends_runs(options):
        build_task.cache_clear()  # what was prepared lies in files, and the memory is for the runs
        forget_record()
        played = shown_side_by_side(todo, jobs, threads, voice, executor if sends_runs(options) else None)
    else:
        use(threads)  # where a run has none of its own
        played = one_by_one(todo, executor, options, voice)
    for one, end in played:
        tell_end(one, end, voice)
        ends[one] = end
    done = [one.folder for one in runs if one in ends and not ends[one].code]
    try:
        if done:
            print(Leaderboard.of(done).markdown())
    except ValueError as error:
        refuse(error)
    return min((end.code for end in ends.values() if end.code), default=0)  # 1 rather than 2


if __name__ == "__main__":
    run(main)
