"""From a config to the files of a run: set up, search, retrain, write down."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmengine.config import Config

from benchmarks.benchmark import CONFIGS, Benchmark, rules
from benchmarks.job import Failed, Job, build_task, run
from benchmarks.study import Study
from search_spaces import MODELS, Architecture, build, content_key, did_you_mean
from search_spaces.cost import latency_ms, madds, params
from strategies import STRATEGIES, Strategy
from tasks import Cost, Task


class Run:
    """`runs/<benchmark>/<strategy>/seed<k>/` and what fills it.

    Construction checks everything that can be wrong before the first trial and raises ValueError or OSError with one
    sentence; nothing is written before all of it is right. A folder that holds a run of the same protocol is resumed.
    """

    def __init__(self, config: Config, name: str, seed: int, work_dir: Path, device: str):
        plain = config.to_dict()
        self.benchmark = Benchmark.of(plain["benchmark"])
        self.strategy: Strategy = build(STRATEGIES, plain["strategy"])
        self.strategy.check(self.benchmark.space)
        self.name, self.seed = name, seed
        self.note = ""  # what the strategy says before it starts
        self.folder = work_dir / self.benchmark.id / name / f"seed{seed}"
        local = {"cache": str(work_dir / "cache"), "device": device}
        self.search_task = json.dumps({**self.benchmark.proxy, **local})
        self.final_task = json.dumps({**self.benchmark.task, **local})
        task = build_task(self.search_task)
        for metric in self.benchmark.reward.names:
            if metric not in task.metrics:
                raise ValueError(did_you_mean(f"metric in the reward of {self.benchmark.id}", metric, task.metrics))
        prints = tuple(build_task(text).fingerprint() for text in (self.search_task, self.final_task))
        self.dump = {
            "name": name,
            "seed": seed,
            "protocol_hash": self.benchmark.protocol_hash(prints),
            "benchmark": plain["benchmark"],
            "strategy": plain["strategy"],
        }
        self._check_same_protocol()

    @property
    def task(self) -> Task:
        return build_task(self.final_task)

    @property
    def finished(self) -> bool:
        return (self.folder / "study.json").is_file()

    def prepare(self) -> Cost:
        """Check the data, make what trials share, let the strategy look at it. Returns what the shared part cost when made."""
        stages, final = list(self.benchmark.stages), [self.benchmark.final]
        if self.search_task == self.final_task:  # one task: all of its data is checked before anything is made
            cost = self.task.prepare(stages + final)
        else:
            cost = build_task(self.search_task).prepare(stages) + self.task.prepare(final)
        self.note = self.strategy.prepare(self.benchmark.space, build_task(self.search_task), stages)
        return cost

    def open(self, executor: Executor, workers: int) -> Study:
        """The run's folder and the study with what its ledger holds. Raises ValueError where that is damaged or in use."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(self.folder / "config.py", Config(self.dump).pretty_text)
        return Study(self.benchmark, self.seed, self.folder, self.search_task, executor, workers)

    def finish(self, study: Study, arch: Architecture, shared: Cost) -> None:
        """Retrain the answer of the search, write `model.py` and `study.json`."""
        model = self.strategy.model(self.benchmark.final_space, arch)
        result = self._result(study, arch, model, shared, self._retrain(model, study.executor))
        _write(self.folder / "model.py", self._model_config(model))
        _write(self.folder / "study.json", json.dumps(result, indent=2, allow_nan=False) + "\n")

    def _retrain(self, model: dict[str, Any], executor: Executor) -> tuple[dict[str, float], Cost]:
        weights = str(self.folder / "final.pth")
        job = Job(self.final_task, model, self.benchmark.final, seed=self.seed, weights=weights)
        outcome = executor.submit(run, job).result()
        if isinstance(outcome, Failed):
            raise RuntimeError(f"the final training of {self.folder} failed: {outcome.error}")
        return outcome.metrics, outcome.cost

    def _result(
        self,
        study: Study,
        arch: Architecture,
        model: dict[str, Any],
        shared: Cost,
        retrained: tuple[dict[str, float], Cost],
    ) -> dict[str, Any]:
        metrics, retrain = retrained
        network, shape = self.task.network(model), self.task.input_shape
        number = next((trial.id for trial in study.trials if trial.arch.key == arch.key), None)  # a baseline has none
        statuses = [trial.status for trial in study.trials]
        keys = {trial.arch.key for trial in study.trials}
        return {
            "benchmark": self.benchmark.id,
            "strategy": self.name,
            "seed": self.seed,
            "primary": self.task.primary,
            "higher_is_better": self.task.higher_is_better,
            "best": {"id": number, "key": arch.key, "arch": arch.as_dict()},
            "final": {
                "metrics": metrics,
                "params": params(network),
                "madds": madds(network, shape),
                "latency_ms": latency_ms(network, shape),
            },
            "cost": {"search": asdict(study.cost), "retrain": asdict(retrain), "shared": asdict(shared)},
            "trials": {
                **{status: statuses.count(status) for status in ("done", "stopped", "failed")},
                "duplicate": len(statuses) - len(keys),
            },
            "device": device_name(self.task.device),
            "versions": versions(),
            "commit": commit(),
            "protocol_hash": self.dump["protocol_hash"],
        }

    def _model_config(self, model: dict[str, Any]) -> str:
        """The found network as a config that OpenMMLab's own tools build, with `final.pth` as its weights."""
        config = self.task.config(model)
        scope, dot, _ = str(config.get("type")).partition(".")
        plain = None if dot else MODELS.get(scope)  # a network in MMEngine's root registry
        foreign = sorted(_foreign_modules(config, scope) | ({plain.__module__} if plain else set()))
        imports = {"custom_imports": {"imports": foreign}} if foreign else {}
        return Config({"model": config, **imports}).pretty_text

    def _check_same_protocol(self) -> None:
        path = self.folder / "config.py"
        if not path.is_file():
            return
        before = Config.fromfile(path).to_dict()
        for entry in ("protocol_hash", "strategy"):
            if content_key(before.get(entry)) != content_key(self.dump[entry]):
                old, new = ({**run, "benchmark": rules(run.get("benchmark", {}))} for run in (before, self.dump))
                where = _difference({k: old.get(k) for k in ("benchmark", "strategy")}, new) or "the data"
                raise ValueError(
                    f"{self.folder} holds a run of another protocol (it differs in {where}): "
                    "choose another --work-dir, or give the changed benchmark a new id"
                )


def _foreign_modules(config: Any, scope: str) -> set[str]:
    """The files that register those modules of a config that the library `scope` does not bring itself."""
    if isinstance(config, list | tuple):
        return {name for item in config for name in _foreign_modules(item, scope)}
    if not isinstance(config, dict):
        return set()
    found = {name for item in config.values() for name in _foreign_modules(item, scope)}
    cls = MODELS.get(config["type"]) if "." in str(config.get("type")) else None
    return found if cls is None or cls.__module__.startswith(f"{scope}.") else found | {cls.__module__}


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


def _write(path: Path, text: str) -> None:
    """Write whole or not at all."""
    part = path.with_suffix(path.suffix + ".part")
    part.write_text(text)
    os.replace(part, path)


def device_name(device: str) -> str:
    import torch

    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"cpu {platform.machine()} x{torch.get_num_threads()}"


def versions() -> dict[str, str]:
    names = ("torch", "mmengine", "mmcv", "mmdet", "mmsegmentation", "numpy")
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in names}}


def commit() -> str:
    """The checkout's commit, "unknown" outside a git checkout."""
    git = subprocess.run(["git", "rev-parse", "HEAD"], cwd=CONFIGS, capture_output=True, text=True, check=False)
    return git.stdout.strip() or "unknown"
