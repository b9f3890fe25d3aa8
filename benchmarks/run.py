"""From a config to the files of a run: set up, search, finish, write down."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

from mmengine.config import Config

from benchmarks.benchmark import CACHE, LARGEST_OF_STRATEGIES, Benchmark, check_bounds, rules
from benchmarks.catalogue import VIS_BACKENDS
from benchmarks.executors import InlineExecutor
from benchmarks.files import check_name, make_folder, there, write
from benchmarks.ledger import check_identity, diverged, read_record
from benchmarks.records.entries import read_answer, read_config, read_study
from benchmarks.records.provenance import commit, device_name, versions
from benchmarks.records.record import identity_of
from benchmarks.report.rows import TAKEN
from benchmarks.running import devices as final_devices
from benchmarks.running.answers import finish
from benchmarks.running.job import Begin, build_task
from benchmarks.running.threads import use
from benchmarks.running.visualization import Backends, Curves, checked
from benchmarks.study import Study
from core import build, did_you_mean
from search_spaces import SearchSpace
from strategies import STRATEGIES, Answer, Plan, Strategy
from tasks import Cost, Stage, Task
from tasks.data import in_both
from tasks.task import Parts

PROBES = 3  # networks, of which one has to be built; a single one may be the exception


class Run:
    """`runs/<benchmark>/<strategy>/seed<k>/` and what fills it.

    Construction and `prepare` check everything that can be wrong before the first trial and raise ValueError or OSError with
    one sentence; nothing is written before all of it is right. A folder that holds a run of the same protocol is resumed. So
    many `devices` train a final network together. `vis_backends` of a config are where its curves go.
    """

    def __init__(self, config: Mapping[str, Any], name: str, seed: int, work_dir: Path, device: str, devices: int = 1):
        check_name(name, "the name of a strategy")
        if type(seed) is not int or not 0 <= seed < 2**32:
            raise ValueError(f"a seed must be from 0 to {2**32 - 1}, not {seed!r}: generators take no other")
        if (threads := config.get("threads")) is not None and (type(threads) is not int or threads < 1):
            raise ValueError(f"threads of a run must be a whole number from 1, not {threads!r}")
        self.benchmark = Benchmark(config["benchmark"])
        check_bounds(config["strategy"], f"the strategy {name}", LARGEST_OF_STRATEGIES)
        self.strategy: Strategy = build(STRATEGIES, config["strategy"])
        self.name, self.seed, self.plan, self.devices = name, seed, Plan(), devices
        self.vis_backends: Backends = checked(config.get(VIS_BACKENDS, ()))
        self.curves: Curves | None = None
        self.folder = work_dir / self.benchmark.id / name / f"seed{seed}"
        local = {"cache": str(work_dir / CACHE), "device": device}
        self.search_task = json.dumps({**self.benchmark.proxy, **local})
        self.final_task = json.dumps({**self.benchmark.task, **local})
        tasks = [build_task(text) for text in (self.search_task, self.final_task)]
        if taken := TAKEN.intersection(*(task.metrics for task in tasks)):
            raise ValueError(f"the metric {min(taken)!r} is called as a column of leaderboards: give it another name")
        known = (*tasks[0].metrics, *tasks[0].costs)
        for metric in sorted(self.benchmark.reads()):
            if metric not in known:
                raise ValueError(did_you_mean(f"metric that {self.benchmark.id} reads", metric, known))
        prints = tuple(task.fingerprint(*self.benchmark.other_splits()) for task in tasks)
        code = {"task": [task.version for task in tasks], "space": self.benchmark.space.version}
        self.dump = {
            "name": name,
            "seed": seed,
            "protocol_hash": self.benchmark.protocol_hash(prints, code),
            "benchmark": config["benchmark"],
            "strategy": config["strategy"],
            **({"weights": self.strategy.weights_print} if self.strategy.weights_print else {}),
        }
        before = read_config(self.folder)
        self.began, self.recorded_threads = before is not None, (before or config).get("threads")
        self.threads: int | None = None  # of trainings in this process, if it has to be told (`settle`)
        if self.recorded_threads is not None:
            self.dump["threads"] = self.recorded_threads
        self._check_same_protocol()

    @property
    def task(self) -> Task:
        return build_task(self.final_task)

    @property
    def finished(self) -> bool:
        """Raises ValueError where its `study.json` is damaged, or of another protocol or run."""
        result = read_study(self.folder, self.dump)
        if result is not None and result["protocol_hash"] != self.dump["protocol_hash"]:
            raise ValueError(
                f"{self.folder / 'study.json'} is of another protocol: remove it, or choose another --work-dir"
            )
        return result is not None

    def prepare(self) -> Cost:
        """Check all that can be, then make what trials share. Returns what the shared part cost when made."""
        benchmark = self.benchmark
        self._check_record()
        search, final = build_task(self.search_task), self.task
        search.check(benchmark.stages)
        final.check([benchmark.final])
        final_devices.check(final, benchmark.final, self.devices)
        _check_unseen(benchmark, search, final)
        self.probe = _check_networks(search, benchmark.space, benchmark.stages)
        _check_networks(final, benchmark.final_space, [benchmark.final])
        if self.strategy.hands_on and benchmark.final_space_config != benchmark.space_config:
            raise ValueError(
                f"{type(self.strategy).__name__} hands its weights on to the final training, whose networks final_space makes "
                "others: leave it out, or choose another strategy"
            )
        with Study(benchmark, self.seed, self.search_task, InlineExecutor()) as study:
            try:
                self.plan = self.strategy.prepare(study)
            except SystemExit as error:  # which would end the command, and as if all was well
                raise ValueError(f"{self.name} leaves with exit({error.code}) before it begins: let it raise") from None
        return search.prepare(benchmark.stages) + final.prepare([benchmark.final]) + self.plan.shared

    def play(self, shared: Cost | None = None) -> None:
        """Search and finish in this process, trial by trial, from where a kill left it; nothing where it is finished.

        `shared` is what `prepare` gave; without it, all is prepared first.
        """
        shared = self.prepare() if shared is None else shared
        with self.open(InlineExecutor(), 1) as study:
            if not self.finished:
                self.finish(study, self.search(study), shared)

    def open(self, executor: Executor, workers: int, patience: float | None = None) -> Study:
        """The run's folder and the study with what its record holds, which no other process can open meanwhile.

        Raises ValueError where there can be no such folder, the record is damaged or a backend of curves cannot be opened, and
        InUseError where another process has it.
        """
        if self.threads is not None:
            use(self.threads)
            self.dump.setdefault("threads", self.threads)
        make_folder(self.folder)
        self.curves = Curves(self.vis_backends, self.folder) if self.vis_backends else None
        identity = identity_of(self.dump)
        how = executor, workers, self.folder, identity, patience
        study = Study(self.benchmark, self.seed, self.search_task, *how)
        study.watch = self.curves.show if self.curves else study.watch
        try:
            self._check_same_protocol()
            for part in self.folder.rglob("*.part"):  # a kill has left it
                part.unlink(missing_ok=True)
            write(self.folder / "config.py", Config(self.dump).pretty_text)
            write(self.folder / "config.json", json.dumps(self.dump, indent=2) + "\n")
        except BaseException:
            study.close()
            raise
        return study

    def search(self, study: Study) -> list[Answer]:
        """What the strategy answers with. Raises ValueError where that is nothing, or none of the study's networks."""
        answers = list(self.strategy.search(study) or ())
        if study.ledger.ahead:  # the search has come to its end before its record
            raise diverged(study.ledger.ahead[0]["id"])
        _check_answers(study, answers)
        return answers

    def finish(self, study: Study, answers: Sequence[Answer], shared: Cost) -> None:
        """Train the answers of `search` by the final stage and write `study.json`."""
        how = self.folder, self.seed, study.executor, self.devices
        begins = [_begin(study, one) for one in answers]
        trained, retrain = finish(self.benchmark, self.final_task, answers, *how, begins)
        threads = getattr(study.executor, "threads", None)  # of workers that are other processes
        result = {
            "benchmark": self.benchmark.id,
            "strategy": self.name,
            "seed": self.seed,
            "primary": self.task.primary,
            "higher_is_better": self.task.higher_is_better,
            "answers": trained,
            "cost": {
                "shared": asdict(shared),
                "search": asdict(study.cost),
                "failed": asdict(study.failed_cost),
                "retrain": asdict(retrain),
            },
            "trials": {name: study.counts[name] for name in ("done", "stopped", "failed", "duplicate")},
            "device": device_name(self.task.device, threads) + (f" x {self.devices}" if self.devices > 1 else ""),
            "versions": versions(),
            "commit": commit(),
            "protocol_hash": self.dump["protocol_hash"],
        }
        if self.curves:
            self.curves.finish(trained)
        write(self.folder / "study.json", json.dumps(result, indent=2, allow_nan=False) + "\n")

    def _check_record(self) -> None:
        """Raise ValueError where what an earlier process has left is damaged, or of another protocol."""
        there(self.folder / "config.py")
        events = read_record(self.folder, self.benchmark.space)[1]
        check_identity(self.folder, events, identity_of(self.dump))
        for answer in self.folder.glob("answers/*"):
            read_answer(answer)

    def _check_same_protocol(self) -> None:
        before = read_config(self.folder)
        if before is None:
            return
        for entry, called in (("name", "the strategy"), ("seed", "seed")):
            if before[entry] != self.dump[entry]:
                raise ValueError(
                    f"{self.folder / 'config.json'} is of {called} {before[entry]}, and not of {self.dump[entry]}: "
                    "remove this copy of another run, or choose another --work-dir"
                )
        what = ("benchmark", "strategy", "weights")
        old, new = (dict(_flat({one: rules(run.get(one)) for one in what})) for run in (before, self.dump))
        differ = [name for name in old | new if (name in old, old.get(name)) != (name in new, new.get(name))]
        if differ or before.get("protocol_hash") != self.dump["protocol_hash"]:
            raise ValueError(
                f"{self.folder} holds a run of another protocol (it differs in {(differ or ['the data or the code'])[0]}): "
                "choose another --work-dir, or give what has changed, the benchmark or the strategy, a new name"
            )


def _check_answers(study: Study, answers: Sequence[Answer]) -> None:
    """Raise ValueError where a search answers with nothing, or with a trial that it has not made."""
    if not answers:
        raise ValueError("the search answers with no network: let it return one Answer at least")
    for answer in answers:
        if not isinstance(answer, Answer):
            raise ValueError(f"the search answers with a {type(answer).__name__}: let it return a list of Answer")
        if answer.arch is None and answer.model is None:
            raise ValueError("the search gives an Answer without a network: give it an arch or a model")
        for number in {answer.trial, answer.parent} - {None}:
            if number not in study.finished:
                raise ValueError(f"the search answers with trial {number}, which has not ended: give one of its trials")
        if answer.trial is not None and study.finished[answer.trial].arch != answer.arch:
            raise ValueError(f"the search answers with trial {answer.trial}, and another arch: give that of the trial")


def _begin(study: Study, answer: Answer) -> Begin | None:
    """The weights that the final training of an answer begins with, if any."""
    if answer.weights is not None and answer.arch is not None:
        return Begin(str(Path(answer.weights).resolve()), "inherit", answer.arch.as_dict())
    return None if answer.parent is None else study.begin(study.finished[answer.parent])


def _check_unseen(benchmark: Benchmark, search: Task, final: Task) -> None:
    """Raise ValueError where pictures that the final score is taken on are among those that a stage learns from or scores."""
    scored = final.pictures(benchmark.final.view.eval)
    stages = [(search, stage, stage.view.eval) for stage in benchmark.stages]
    for task, stage, *more in (*stages, (final, benchmark.final)):
        for split in (*task.learns_from(stage), *more):
            if both := in_both(scored, task.pictures(split)):
                what = f"split {benchmark.final.view.eval!r}, which the final score is taken on, are also in {split!r}"
                raise ValueError(f"{both} of {what} of stage {stage.name!r}: take them out of one of both")


def _check_networks(task: Task, space: SearchSpace, stages: Sequence[Stage]) -> Parts:
    """The first of a few random networks of the space that the task can build, show an image and train.

    Raises ValueError where it can do so with none of them.
    """
    causes: list[Exception] = []
    for number in range(PROBES):
        model = space.model(space.sample(Random(number)))
        try:
            task.measure(model, ["madds"])
            for stage in stages:
                task.trained(model, stage)
            return model
        except Exception as error:  # any library's module may be meant, and raises what it likes
            causes.append(error)
    cause, what = causes[0], f"{space} makes no network for {type(task).__name__}"
    if isinstance(cause, ValueError):
        raise ValueError(f"{what}: {cause}") from cause
    raise ValueError(f"{what} ({type(cause).__name__}: {cause}): use another space, or other settings") from cause


def _flat(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of plain data by their dotted names."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else None
    if items is None:
        yield where, value
    for key, item in items or ():
        yield from _flat(item, f"{where}.{key}".strip("."))
