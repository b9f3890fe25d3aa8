"""A table of one's own: all networks of a small space, trained by a benchmark's stage, scored after every epoch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.records.journal import Journal
from benchmarks.run import Run
from benchmarks.running.job import Failed, Job, build_space, build_task, machines_fault, run
from core.table import CODE, FORMAT, GROUP, Schema, Table, coded, every, weights, write_table
from search_spaces import Architecture, FiniteSpace
from tasks import Task

Figures = Mapping[str, float]
FINAL = "final"
LARGEST = 200_000  # answers that a table can hold
COSTS = ("params", "madds")


@dataclass(frozen=True)
class Entry:
    """One training of the network with this key: metrics by split after each epoch, and the seconds until then.

    `run` is its seed; -1 is a final training, whose only metrics are those of the test split.
    """

    key: str
    run: int
    metrics: Mapping[str, tuple[Figures, ...]] = field(default_factory=dict)
    seconds: tuple[float, ...] = ()
    error: str = ""


def networks(space: FiniteSpace) -> list[Architecture]:
    """All answers of the space that make a network, equal ones as well, in the order of their codes."""
    return [space.architecture(choices) for choices in every(space.decisions) if space.flaw(choices) is None]


class Entries(Journal[Entry]):
    """The trainings of a benchmark, by network and run."""

    def __init__(self, path: Path, one: Run):
        super().__init__(path, one, Entry, "a training")

    @property
    def known(self) -> dict[tuple[str, int], Entry]:
        return {(entry.key, entry.run): entry for entry in self.found}


def wanted(one: Run, runs: int, finals: int) -> list[tuple[Architecture, int]]:
    """The trainings of a table: `runs` of each different network, and a final one of every `finals`-th (0: of none)."""
    space = one.benchmark.space
    if not isinstance(space, FiniteSpace):
        raise ValueError(f"{space} has no end, so that it cannot be trained whole: name a benchmark of a finite space")
    if space.size > LARGEST:
        raise ValueError(f"{space} has {space.size:,} answers, more than {LARGEST:,}: take a Subset of it")
    different = list({arch.key: arch for arch in reversed(networks(space))}.values())[::-1]
    asked = [(arch, seed) for seed in range(runs) for arch in different]  # a first run of all, then another
    return asked + [(arch, -1) for arch in (different[::finals] if finals else [])]


def train(
    one: Run, entries: Entries, asked: Sequence[tuple[Architecture, int]], executor: Executor, workers: int
) -> Iterator[Entry]:
    """Make what is not known of these trainings, so many at a time, and give each as it comes; see `Journal.fill`."""
    known = entries.known
    missing = [(arch, seed) for arch, seed in asked if (arch.key, seed) not in known]
    calls = ((_trained, arch.key, seed, *_job(one, arch, seed)) for arch, seed in missing)
    return entries.fill(calls, executor, workers)


def _job(one: Run, arch: Architecture, seed: int) -> tuple[Job, tuple[str, ...]]:
    """A training, and the splits that it is scored on."""
    benchmark = one.benchmark
    if seed < 0:
        what = (one.final_task, benchmark.final_space_config, benchmark.final_space, benchmark.final)
    else:
        what = (one.search_task, benchmark.space_config, benchmark.space, benchmark.stages[-1])
    task, config, space, stage = what
    job = Job(
        task, json.dumps(config), space.model(arch), arch.as_dict(), stage, max(seed, 0), imports=benchmark.imports
    )
    return job, (benchmark.stages[-1].view.eval, benchmark.final.view.eval)


def _trained(key: str, seed: int, job: Job, splits: Sequence[str]) -> Entry:
    """The training, where it runs; what goes wrong with this network is its result."""
    from tasks.curves import curve

    if seed < 0:
        outcome = run(job)
        if isinstance(outcome, Failed):
            return Entry(key, seed, error=outcome.error)
        return Entry(key, seed, {splits[1]: (outcome.metrics,)}, (outcome.cost.seconds,))
    try:
        build_space(job.space)  # its module may register networks
        points = curve(build_task(job.task), job.model, job.stage, splits, seed=seed)  # type: ignore[arg-type]
    except Exception as error:
        if machines_fault(error):
            raise
        return Entry(key, seed, error=f"{type(error).__name__}: {error}")
    metrics = {split: tuple(point.metrics[split] for point in points) for split in splits}
    return Entry(key, seed, metrics, tuple(point.seconds for point in points))


def retrained(one: Run, table: Table, count: int, executor: Executor) -> list[tuple[Architecture, float, float]]:
    """`count` random networks of a table, what a training with a new seed comes to, and how far that is from what it recorded.

    That is the primary metric on the test split; its difference to the mean of the recorded ones counts in standard deviations
    of such a difference, from the variance of the network's trainings or, where that is larger, of all networks' on average.
    Raises ValueError where a training fails, or the table is of another space.
    """
    space, name, runs = one.benchmark.space, build_task(one.search_task).primary, table.schema.runs
    if {key: tuple(of) for key, of in table.decisions.items()} != dict(space.decisions) or runs < 2:  # type: ignore[attr-defined]
        raise ValueError(f"{table.folder} is not of {one.benchmark.id}, or has one run: give the table that it made")
    last = table.metric("test", name)[..., -1]
    rows = [row for row in table.groups if not np.isnan(last[row]).any()]
    pooled = np.var(last[rows], axis=1, ddof=1).mean()
    chosen = [space.architecture(table.choices(row)) for row in Random(0).sample(rows, min(count, len(rows)))]  # type: ignore[attr-defined]
    found = []
    waiting = [executor.submit(_trained, arch.key, runs, *_job(one, arch, runs)) for arch in chosen]
    for arch, future in zip(chosen, waiting, strict=True):
        entry = future.result()
        if entry.error:
            raise ValueError(f"network {entry.key} could not be trained again: {entry.error}")
        value = entry.metrics[one.benchmark.final.view.eval][-1][name]
        recorded = last[table.row(arch.as_dict())]
        spread = np.sqrt(max(pooled, recorded.var(ddof=1)) * (1 + 1 / runs))
        found.append((arch, value, float((value - recorded.mean()) / spread)))
    return found


def assembled(one: Run, entries: Entries, runs: int, folder: Path, about: tuple[str, str]) -> Table:
    """The table of all trainings, with the primary metric and those that the reward reads; `about` are source and licence.

    The first of equal networks has their results, the others, and trainings that failed or were not made, have NaN, as have
    costs of a network that cannot be built. Raises ValueError where no training of the first run succeeded.
    """
    first_run = [entry for entry in entries.known.values() if entry.run == 0]
    if first_run and all(entry.error for entry in first_run):
        raise ValueError(f"no training succeeded, the last one failed with {first_run[-1].error}{entries.advice}")
    benchmark, task = one.benchmark, build_task(one.search_task)
    space, stage = benchmark.space, benchmark.stages[-1]
    assert isinstance(space, FiniteSpace)
    answers, epochs = networks(space), stage.recipe.epochs
    first: dict[str, int] = {}
    group = [first.setdefault(arch.key, row) for row, arch in enumerate(answers)]
    costs = {row: _costs(task, space, answers[row]) for row in first.values()}
    names = [name for name in task.metrics if name == task.primary or name in benchmark.reads()]
    splits = {"val": stage.view.eval, "test": benchmark.final.view.eval}
    shapes = dict.fromkeys(splits, (len(answers), runs, epochs)) | {FINAL: (len(answers), 1, epochs)}
    columns = {
        f"{split}.{name}": np.full(shape, np.nan, np.float32) for split, shape in shapes.items() for name in names
    }
    columns["seconds"] = np.full(shapes["val"], np.nan, np.float32)
    for entry in entries.known.values():
        row = first.get(entry.key)
        if row is None or entry.error or entry.run >= runs:
            continue
        for name in names:
            if entry.run < 0:
                columns[f"{FINAL}.{name}"][row, 0, -1] = entry.metrics[splits["test"]][0][name]
                continue
            for split, recorded in splits.items():
                columns[f"{split}.{name}"][row, entry.run] = [point[name] for point in entry.metrics[recorded]]
        if entry.run >= 0:
            columns["seconds"][row, entry.run] = entry.seconds
    added = weights(space.decisions)
    columns |= {
        CODE: np.array([coded(arch.as_dict(), added) for arch in answers], np.int32),
        GROUP: np.array(group, np.int32),
        **{cost: np.array([costs[row][cost] for row in group]) for cost in COSTS},
    }
    schema = Schema(
        FORMAT, folder.name, *about, tuple(space.decisions.items()), tuple(range(1, epochs + 1)), runs,
        metrics={name: not name.startswith("loss") and name not in task.errors for name in names},
        splits={split: split for split in shapes}, costs=COSTS,
        images=sum(map(len, task.samples(stage).batches(0, 0))),  # type: ignore[attr-defined]
    )  # fmt: skip
    return write_table(folder, schema, columns)


def _costs(task: Task, space: FiniteSpace, arch: Architecture) -> Figures:
    try:
        return task.measure(space.model(arch), COSTS)
    except Exception as error:
        if machines_fault(error):
            raise
        return dict.fromkeys(COSTS, np.nan)
