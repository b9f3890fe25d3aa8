"""From a config to the files of a run: set up, search, finish, write down."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmengine.config import Config

from benchmarks.answers import finish
from benchmarks.benchmark import Benchmark, rules
from benchmarks.executors import InlineExecutor
from benchmarks.files import read_json, write
from benchmarks.job import build_task
from benchmarks.provenance import commit, device_name, versions
from benchmarks.study import Study
from core import build, content_key, did_you_mean
from strategies import STRATEGIES, Answer, Plan, Strategy
from tasks import Cost, Task
from tasks.rewards import COSTS


class Run:
    """`runs/<benchmark>/<strategy>/seed<k>/` and what fills it.

    Construction and `prepare` check everything that can be wrong before the first trial and raise ValueError or OSError with
    one sentence; nothing is written before all of it is right. A folder that holds a run of the same protocol is resumed.
    """

    def __init__(self, config: Mapping[str, Any], name: str, seed: int, work_dir: Path, device: str):
        self.benchmark = Benchmark(config["benchmark"])
        self.strategy: Strategy = build(STRATEGIES, config["strategy"])
        self.name, self.seed, self.plan = name, seed, Plan()
        self.folder = work_dir / self.benchmark.id / name / f"seed{seed}"
        local = {"cache": str(work_dir / "cache"), "device": device}
        self.search_task = json.dumps({**self.benchmark.proxy, **local})
        self.final_task = json.dumps({**self.benchmark.task, **local})
        tasks = [build_task(text) for text in (self.search_task, self.final_task)]
        known = (*tasks[0].metrics, *COSTS)
        for metric in sorted(self.benchmark.reads()):
            if metric not in known:
                raise ValueError(did_you_mean(f"metric that {self.benchmark.id} reads", metric, known))
        prints = tuple(task.fingerprint() for task in tasks)
        code = {"task": [task.version for task in tasks], "space": self.benchmark.space.version}
        self.dump = {
            "name": name,
            "seed": seed,
            "protocol_hash": self.benchmark.protocol_hash(prints, code),
            "benchmark": config["benchmark"],
            "strategy": config["strategy"],
        }
        self._check_same_protocol()

    @property
    def task(self) -> Task:
        return build_task(self.final_task)

    @property
    def finished(self) -> bool:
        return read_json(self.folder / "study.json") is not None

    def prepare(self) -> Cost:
        """Check the data, make what trials share, let the strategy look at it. Returns what the shared part cost when made."""
        stages, final = list(self.benchmark.stages), [self.benchmark.final]
        if self.search_task == self.final_task:  # one task: all of its data is checked before anything is made
            cost = self.task.prepare(stages + final)
        else:
            cost = build_task(self.search_task).prepare(stages) + self.task.prepare(final)
        with Study(self.benchmark, self.seed, self.search_task, InlineExecutor()) as study:
            self.plan = self.strategy.prepare(study)
        return cost + self.plan.shared

    def open(self, executor: Executor, workers: int) -> Study:
        """The run's folder and the study with what its record holds. Raises ValueError where that is damaged or in use."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write(self.folder / "config.py", Config(self.dump).pretty_text)
        write(self.folder / "config.json", json.dumps(self.dump, indent=2) + "\n")
        identity = content_key([self.dump["protocol_hash"], self.dump["strategy"], self.seed])
        return Study(self.benchmark, self.seed, self.search_task, executor, workers, self.folder, identity)

    def finish(self, study: Study, answers: Sequence[Answer], shared: Cost) -> None:
        """Train the answers of the search by the final stage and write `study.json`."""
        trained, retrain = finish(self.benchmark, self.final_task, answers, self.folder, self.seed, study.executor)
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
            "device": device_name(self.task.device),
            "versions": versions(),
            "commit": commit(),
            "protocol_hash": self.dump["protocol_hash"],
        }
        write(self.folder / "study.json", json.dumps(result, indent=2, allow_nan=False) + "\n")

    def _check_same_protocol(self) -> None:
        before = read_json(self.folder / "config.json")
        if before is None:
            return
        for entry in ("protocol_hash", "strategy"):
            if content_key(before.get(entry)) != content_key(self.dump[entry]):
                old, new = ({**run, "benchmark": rules(run.get("benchmark", {}))} for run in (before, self.dump))
                where = _difference({k: old.get(k) for k in ("benchmark", "strategy")}, new) or "the data or the code"
                raise ValueError(
                    f"{self.folder} holds a run of another protocol (it differs in {where}): "
                    "choose another --work-dir, or give the changed benchmark a new id"
                )


def _difference(old: Any, new: Any, where: str = "") -> str:
    """The dotted name of the first entry of `old` that differs in `new`; empty where none does."""
    if isinstance(old, dict) and isinstance(new, dict):
        names = [*old, *(key for key in new if where and key not in old)]
        found = (_difference(old.get(key), new.get(key), f"{where}.{key}".strip(".")) for key in names)
        return next(filter(None, found), "")
    if isinstance(old, list | tuple) and isinstance(new, list | tuple) and len(old) == len(new):
        return next(
            filter(None, (_difference(a, b, f"{where}.{i}") for i, (a, b) in enumerate(zip(old, new, strict=True)))), ""
        )
    return "" if old == new else where
