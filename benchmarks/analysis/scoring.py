"""Some networks of a benchmark, each trained in every way that it has: what an audit is made of."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

from benchmarks.analysis.ranking import LEAST, OF_RUN, rated
from benchmarks.records.journal import Journal, read_entries
from benchmarks.records.record import Record
from benchmarks.run import Run
from benchmarks.running.job import Begin, Failed, Job, build_space, build_trainable, machines_fault, run
from benchmarks.running.store import Store, of_trial
from search_spaces import Architecture, SearchSpace

USUAL = 20  # networks of an audit, unless more are asked for

Part = Literal["start", "search", "final"]
Figures = Mapping[str, float]


class Place(NamedTuple):
    architecture: int
    seed: int
    part: Part


@dataclass(frozen=True)
class Score:
    """What network number `architecture` came to with a seed: untrained ("start"), in the search, or in the final training.

    `measures` are costs, or zero-cost scores; `stages` the metrics after each stage. Where it failed there is an error instead.
    `seconds` are of a processor.
    """

    architecture: int
    seed: int
    part: Part
    measures: Figures = field(default_factory=dict)
    stages: tuple[Figures, ...] = ()
    seconds: float = 0.0
    error: str = ""

    @property
    def place(self) -> Place:
        return Place(self.architecture, self.seed, self.part)


def sampled(space: SearchSpace, count: int) -> list[Architecture]:
    """The first `count` different networks that a random search would look at; of more of them, these are the first."""
    rng, found = Random(0), dict[str, Architecture]()
    for _ in range(100 * count):
        arch = space.sample(rng)
        found.setdefault(arch.key, arch)
        if len(found) == count:
            return list(found.values())
    raise ValueError(f"the space has too few networks to draw {count} different ones: ask for {len(found)}")


def found_by(record: Record, space: SearchSpace, count: int | None) -> tuple[list[Architecture], Sequence[Figures]]:
    """`count` of the networks that a finished run has rated, and what it knew of each; of more of them, these are the first.

    None: as many as there are, up to `USUAL`. The space is the audited benchmark's. Raises ValueError where it has other
    choices, or the run has fewer networks.
    """
    if record.result is None:
        raise ValueError(f"{record.folder} is not finished, and may rate more networks: go on with it first")
    found = rated(record)
    if len(found) < (count or LEAST):
        wish = f"ask for at most as many, not {count}" if count else f"give a run with at least {LEAST}"
        raise ValueError(f"{record.folder} has rated {len(found)} networks: {wish}")
    found = Random(0).sample(found, len(found))[: count or USUAL]
    named = [{f"{name}{OF_RUN}": value for name, value in figures.items()} for _, figures in found]
    return [space.architecture(choices) for choices, _ in found], named


class Scores(Journal[Score]):
    """The scores of a benchmark, by place."""

    def __init__(self, path: Path, one: Run):
        super().__init__(path, one, Score, "a score")

    @property
    def known(self) -> dict[Place, Score]:
        return by_place(self.found)


def by_place(scores: Iterable[Score]) -> dict[Place, Score]:
    """The last score of each place."""
    return {score.place: score for score in scores}


def read_scores(path: Path, one: Run) -> dict[Place, Score]:
    """What a file of scores holds, which is left as it is. Raises ValueError where there is none, or it cannot be read."""
    if not path.is_file():
        raise ValueError(f"there is no {path}: run the same command there")
    return by_place(read_entries(path, one, Score, "a score"))


def measure(
    one: Run,
    scores: Scores,
    networks: Sequence[Architecture],
    places: Sequence[Place],
    executor: Executor,
    workers: int,
) -> Iterator[Score]:
    """Measure what is not known of these places, so many at a time, and give each score as it comes; see `Journal.fill`."""
    known = scores.known
    missing = [place for place in places if place not in known]
    calls = ((play, place, jobs(one, networks[place.architecture], place)) for place in missing)
    return scores.fill(calls, executor, workers)


def jobs(one: Run, arch: Architecture, place: Place) -> list[Job]:
    """What a network goes through: its costs, where the protocol reads some, and all stages of the search; or the final one."""
    benchmark, final = one.benchmark, place.part == "final"
    task, space = (one.final_task, benchmark.final_space_config) if final else (one.search_task, benchmark.space_config)
    model = (benchmark.final_space if final else benchmark.space).model(arch)
    what = (task, json.dumps(space), model, arch.as_dict())
    first = Job(*what, benchmark.final, place.seed, imports=benchmark.imports)
    if final:
        return [first]
    stages = [replace(first, stage=stage) for stage in benchmark.stages]
    if place.part == "start":
        return stages[-1:]
    costs = [replace(first, measure=benchmark.measures)] if benchmark.measures else []
    return [*costs, *stages]


def play(place: Place, jobs: Sequence[Job]) -> Score:
    """What the jobs of a network come to; each stage starts from the weights that the one before has left."""
    started = time.process_time()
    if place.part == "start":
        measures, error = untrained(jobs[0])
        return Score(*place, measures, (), time.process_time() - started, error)
    costs: Figures = {}
    metrics, kept = list[Figures](), ""
    with TemporaryDirectory() as folder:
        for number, job in enumerate(jobs):
            begin, keep = Begin(kept) if kept else None, "" if job.measure else of_trial(0, number)
            outcome = run(replace(job, store=Store(folder), begin=begin, keep=keep))
            if isinstance(outcome, Failed):
                return Score(*place, seconds=time.process_time() - started, error=outcome.error)
            if job.measure:
                costs = outcome.metrics
            else:
                metrics.append(outcome.metrics)
            kept = keep
    return Score(*place, costs, tuple(metrics), time.process_time() - started)


def untrained(job: Job) -> tuple[Figures, str]:
    """The zero-cost scores of a network, or what went wrong."""
    from tasks.zero_cost import zero_cost

    try:
        build_space(job.space)  # its module may register networks
        scores = zero_cost(build_trainable(job.task), job.model, job.stage, int(job.seed))
    except Exception as error:
        if machines_fault(error):
            raise
        return {}, f"{type(error).__name__}: {error}"
    bad = {name: value for name, value in scores.items() if not math.isfinite(value)}  # nwot: of two equal images, say
    return ({}, f"scores that are not finite: {bad}") if bad else (scores, "")
