"""Strategies on tables: what each has found after how many trainings, and which differences are more than chance."""

from __future__ import annotations

import inspect
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np

from benchmarks.analysis.regrets import Array, Table
from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import Plain, run_configs, strategies_of
from benchmarks.executors import InlineExecutor
from benchmarks.files import make_folder, replacing
from benchmarks.running.job import build_task
from benchmarks.study import Study
from core import build, content_key, did_you_mean
from strategies import STRATEGIES
from tasks.tabular import TabularTask

REPEATED = 4  # times as many trials as trainings: networks that are proposed again cost nothing


def play(name: str, strategy: str, seeds: Sequence[int], trainings: int) -> Array:
    """The regret (seeds, trainings) of a strategy of a tabular benchmark: of the network that it would answer with by then.

    Regret is how much the mean of all trainings of that network lacks of the best network's, on the table's "test" split; it
    is NaN before there is an answer. Cost is counted in whole trainings. Raises ValueError where the benchmark has no table.
    """
    config, benchmark, text, task = _opened(name, strategy, trainings)
    means, sign = task.table.means("test", task.primary), 1 if task.higher_is_better else -1
    best = float(np.nanmax([sign * mean for mean in means.values()]))  # NaN: networks without a training
    unit, whole = whole_training(task)
    curves = np.full((len(seeds), trainings), np.nan)
    for curve, seed in zip(curves, seeds, strict=True):
        with Study(benchmark, seed, text, InlineExecutor()) as study, suppress(SpentError):
            study.watch = partial(_watch, unit=unit, limit=trainings * whole)
            searching = build(STRATEGIES, config["strategy"])
            searching.prepare(study)
            searching.search(study)
        spent, leader = 0.0, (0, -math.inf)
        for trial in study.trials:
            spent += getattr(trial.cost, unit) / whole
            if (trial.depth, trial.score) > leader:
                leader = trial.depth, trial.score
                row = benchmark.space.model(trial.arch)["network"]["row"]
                curve[max(0, math.ceil(spent - 1e-9) - 1) :] = best - sign * means[row]
    return curves


def _opened(name: str, strategy: str, trainings: int) -> tuple[Plain, Benchmark, str, TabularTask]:
    """A strategy's config, its benchmark with trials for so many trainings, and the task, as JSON and built."""
    ((_, config),) = run_configs(name, [strategy])
    benchmark = Benchmark({**config["benchmark"], "budget": {"trials": REPEATED * trainings}})
    text = json.dumps({**benchmark.proxy, "cache": "", "device": "cpu"})
    task = build_task(text)
    if not isinstance(task, TabularTask):
        raise ValueError(f"{name} trains networks, and strategies are compared on tables: name a tabular benchmark")
    return config, benchmark, text, task


def kept(folder: Path, name: str, strategy: str, seeds: Sequence[int], trainings: int) -> Array:
    """What `play` gives, from a file in `folder` where it has given that before.

    That is by the same config, table, code of the strategy and versions of task and space; the study's code is not looked at.
    """
    config, benchmark, _, task = _opened(name, strategy, trainings)
    module = type(build(STRATEGIES, config["strategy"])).__module__
    inner = re.findall(r"(strategies[\w.]*)\.\w+", json.dumps(config["strategy"]))
    versions = task.version, benchmark.space.version
    what = [config, task.fingerprint(), list(seeds), trainings, versions, sources(module, *inner)]
    path = folder / f"{benchmark.id}-{strategy}-{content_key(what)}.npy"
    if path.is_file():
        return np.load(path)
    make_folder(folder, "--out")
    curves = play(name, strategy, seeds, trainings)
    with replacing(path) as part, part.open("wb") as file:
        np.save(file, curves)
    return curves


def sources(*modules: str) -> dict[str, str]:
    """The code of modules, and of what they take from other strategies, by name."""
    found, open_ = dict[str, str](), list(modules)
    while open_:
        name = open_.pop()
        if name not in found:
            found[name] = inspect.getsource(import_module(name))
            open_ += re.findall(r"^\s*from (strategies\.[\w.]+) import", found[name], re.MULTILINE)
    return found


class SpentError(Exception):
    """A search has spent what it may."""


def whole_training(task: TabularTask) -> tuple[str, float]:
    """What a cost is counted in, and how much of it a whole training costs.

    Images, which nothing else on a machine disturbs, or seconds, the mean of all trainings, where a table has only these.
    """
    schema = task.table.schema
    if schema.images:
        return "images", float(schema.images * schema.epochs[-1])
    timed = "seconds" in schema.columns
    return "seconds", float(np.nanmean(task.table.column("seconds")[..., -1])) if timed else 1.0


def _watch(study: Study, unit: str, limit: float) -> None:
    if getattr(study.cost, unit) >= limit:
        raise SpentError


def compare(
    names: Sequence[str],
    seeds: Sequence[int],
    trainings: int,
    executor: Executor,
    folder: Path,
    chosen: Sequence[str] | None = None,
) -> Iterator[Table]:
    """A table's result for each benchmark, in turn, while the next one is played; curves are kept in `folder`.

    `chosen` are played where a benchmark offers them (default: all). Raises ValueError for one that none offers, a benchmark
    that offers none of them, and a strategy without an answer.
    """
    flying: dict[str, dict[str, Future[Array]]] = {}
    for name, asked in _asked(names, chosen).items():
        flying[name] = {who: executor.submit(kept, folder, name, who, list(seeds), trainings) for who in asked}
        if len(flying) > 1:
            yield _table(*next(iter(flying.items())), seeds)
            del flying[next(iter(flying))]
    yield from (_table(name, jobs, seeds) for name, jobs in flying.items())


def _asked(names: Sequence[str], chosen: Sequence[str] | None) -> dict[str, list[str]]:
    """The strategies to play on each benchmark."""
    offers = {name: list(strategies_of(name)) for name in names}
    known = [who for offer in offers.values() for who in offer]
    for who in chosen or ():
        if who not in known:
            raise ValueError(did_you_mean("strategy", who, dict.fromkeys(known)))
    asked = {name: [who for who in chosen or offer if who in offer] for name, offer in offers.items()}
    for name, played in asked.items():
        if not played:
            raise ValueError(
                f"{name} has none of these strategies: leave it out, or name one of {', '.join(offers[name])}"
            )
    return asked


def _table(name: str, jobs: Mapping[str, Future[Array]], seeds: Sequence[int]) -> Table:
    regrets = {who: job.result() for who, job in jobs.items()}
    for who, curves in regrets.items():
        for seed, end in zip(seeds, curves[:, -1], strict=True):
            if np.isnan(end):
                raise ValueError(f"{who} has no answer on {name} with seed {seed}: give more --trainings")
    return Table(name, regrets)
