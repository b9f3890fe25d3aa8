"""Strategies on tables: what each has found after how many trainings, and which differences are more than chance."""

from __future__ import annotations

import inspect
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import Plain, run_configs, strategies_of
from benchmarks.executors import InlineExecutor
from benchmarks.files import replacing
from benchmarks.running.job import build_task
from benchmarks.study import Study
from core import build, content_key, did_you_mean
from strategies import STRATEGIES
from tasks.tabular import TabularTask

REFERENCE = "random_search"
REPEATED = 4  # times as many trials as trainings: networks that are proposed again cost nothing
LEVEL = 0.05
TARGETS = np.logspace(0, -2, 21)  # regrets to reach, as shares of a first answer's
Array = np.ndarray


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
            build(STRATEGIES, config["strategy"]).search(study)
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
    curves = play(name, strategy, seeds, trainings)
    folder.mkdir(parents=True, exist_ok=True)
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


@dataclass(frozen=True)
class Table:
    """The regrets (seeds, trainings) of all strategies on one tabular benchmark."""

    name: str
    regrets: Mapping[str, Array]

    @cached_property
    def final(self) -> pd.DataFrame:
        """The regret at the end: a row a seed, a column a strategy."""
        return pd.DataFrame({who: curves[:, -1] for who, curves in self.regrets.items()})

    def interval(self, who: str) -> tuple[Array, Array]:
        """The 95 % interval of the mean regret after each training, of a percentile bootstrap over seeds."""
        curves = self.regrets[who]
        draws = np.random.default_rng(0).integers(len(curves), size=(1000, len(curves)))
        low, high = np.nanpercentile(np.nanmean(curves[draws], axis=1), (2.5, 97.5), axis=0)
        return low, high

    def adjusted(self) -> pd.DataFrame:
        """p of every pair of strategies: Wilcoxon's signed-rank test over seeds (zeros split), with Holm's correction."""
        import scikit_posthocs

        values = [self.final[who].to_numpy() for who in self.final]
        found = scikit_posthocs.posthoc_wilcoxon(values, p_adjust="holm", zero_method="zsplit")
        found.index = found.columns = self.final.columns
        return found

    def reached(self, within: float) -> pd.DataFrame:
        """For each strategy the share of seeds that come within a regret, and the expected trainings until one does.

        The expected running time is all trainings spent until then, or in vain, over the number of successes (Hansen et al.,
        COCO, 2021); infinite without one.
        """
        rows = {}
        for who, curves in self.regrets.items():
            hit = np.nan_to_num(curves, nan=np.inf) <= within
            first = np.where(hit.any(1), hit.argmax(1) + 1, curves.shape[1])
            count = int(hit.any(1).sum())
            rows[who] = {"share": count / len(curves), "trainings": first.sum() / count if count else math.inf}
        return pd.DataFrame(rows).T

    def scale(self, share: float) -> float:
        """A share of the regret that a search's first answer leaves on average, rounded to two digits."""
        first = [curves[np.arange(len(curves)), np.isfinite(curves).argmax(1)] for curves in self.regrets.values()]
        return float(f"{share * np.nanmin(list(map(np.nanmean, first))):.2g}")

    def winners(self) -> list[str]:
        """The strategies whose regret is smaller than random search's, and not by chance."""
        if REFERENCE not in self.final:
            return []
        p, means = self.adjusted()[REFERENCE].to_dict(), self.final.mean().to_dict()
        return [who for who in self.regrets if means[who] < means[REFERENCE] and p[who] < LEVEL]

    def summary(self, within: float) -> pd.DataFrame:
        """A row a strategy, the best first: mean regret and interval, against random search, and how soon it is reached."""
        reached, p, means = self.reached(within), self.adjusted(), self.final.mean()
        rows = []
        for who in sorted(self.regrets, key=lambda who: means[who]):
            low, high = (bound[-1] for bound in self.interval(who))
            row = {"strategy": who, "regret": f"{means[who]:.4f} ({low:.4f} to {high:.4f})"}
            if REFERENCE in means:
                row["p against random"] = "" if who == REFERENCE else f"{p.loc[who, REFERENCE]:.3g}"
            share, trainings = reached.loc[who]
            row[f"seeds within {within:g}"] = f"{share:.0%}"
            row["expected trainings"] = "none" if math.isinf(trainings) else f"{trainings:.0f}"
            rows.append(row)
        return pd.DataFrame(rows).fillna("")


def common(tables: Sequence[Table]) -> list[str]:
    """The strategies that all tables have."""
    return [who for who in tables[0].regrets if all(who in table.regrets for table in tables)]


def solved(tables: Sequence[Table]) -> pd.DataFrame:
    """The share of targets reached after so many trainings (rows) by each strategy that all tables have.

    Targets are, for every table and seed, regrets from the whole of what a first answer leaves down to a hundredth of it
    (empirical distributions of running times: Hansen et al., COCO, 2021).
    """
    shares = {}
    for who in common(tables):
        hits = [
            np.nan_to_num(table.regrets[who], nan=np.inf) <= table.scale(share) for table in tables for share in TARGETS
        ]
        reached = [np.logical_or.accumulate(hit, axis=1) for hit in hits]  # by then, also where it is left again
        shares[who] = np.mean([hit.mean(0) for hit in reached], 0)
    return pd.DataFrame(shares, index=range(1, 1 + len(next(iter(shares.values())))))


def tuned(tables: Sequence[Table], families: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """What tuning is worth: each family's regret by its first setting, by that which is best on one table on all the others,
    and by the best of each table itself, as shares of what a first answer leaves; means over tables.

    A family is a kind of strategy with several settings; of those only what all tables have counts.
    """
    known, rows = common(tables), {}
    shares = pd.DataFrame([table.final[known].mean() / table.scale(1.0) for table in tables])
    for family, settings in families.items():
        if len(kept := [who for who in settings if who in known]) < 2:
            continue
        values = shares[kept].to_numpy()
        chosen = values[:, values.argmin(1)]  # tables by the table that was tuned on
        others = chosen[~np.eye(len(tables), dtype=bool)]
        rows[family] = {"first setting": values[:, 0].mean(), "tuned on another": others.mean()}
        rows[family]["best of each"] = values.min(1).mean()
    return pd.DataFrame(rows).T.rename_axis("family")


def mean_ranks(tables: Sequence[Table]) -> pd.DataFrame:
    """The rank of each strategy's mean regret on each table (rows), 1 the smallest, of those that all tables have."""
    means = pd.DataFrame(
        [table.final[common(tables)].mean() for table in tables], index=[table.name for table in tables]
    )
    return means.rank(axis=1)


def groups(ranks: pd.DataFrame) -> pd.DataFrame:
    """p of every pair over tables as blocks: Nemenyi's test after Friedman's (Demsar, JMLR 2006)."""
    import scikit_posthocs

    found = scikit_posthocs.posthoc_nemenyi_friedman(ranks.to_numpy())
    found.index = found.columns = ranks.columns
    return found
