"""Do networks differ by more than seeds do, and does the search's last stage rank them as the final training does?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.job import Begin, Failed, Job, run
from benchmarks.journal import Journal
from benchmarks.ranking import LEAST, Array, Estimate, estimated, kendall
from benchmarks.run import Run
from benchmarks.store import Store, of_trial
from search_spaces import Architecture, SearchSpace

Part = Literal["search", "final"]
BEST = 3  # networks of the search's, of which the final training then finds the best one


class Place(NamedTuple):
    architecture: int
    seed: int
    part: Part


@dataclass(frozen=True)
class Score:
    """What network number `architecture` came to with a seed: the reward behind the search's last stage ("search"), or the
    primary metric of the final training; None, with the error, where it failed. `seconds` are of a processor.
    """

    architecture: int
    seed: int
    part: Part
    score: float | None
    seconds: float
    error: str = ""

    @property
    def place(self) -> Place:
        return Place(self.architecture, self.seed, self.part)


@dataclass(frozen=True)
class Audit:
    """What the scores of one benchmark say.

    `share` is of the variance of the search's scores what is due to the network: ICC(1) = (B - W) / (B + (k - 1) W) of k seeds,
    with B the mean square between networks and W that within them (Shrout and Fleiss, Psychological Bulletin 86, 1979). `seeds`
    is Kendall's tau-b between the scores of two seeds, the mean over all pairs; `final` between the means of a network's scores
    in the search and after the final training; `regret` how much the best of all has there over the best of the three that the
    search ranks first. The last two are None without final trainings. `seconds` are medians, of a network and a seed.
    """

    networks: int
    failed: int
    share: Estimate
    seeds: Estimate
    final: Estimate | None
    regret: Estimate | None
    seconds: dict[str, float]


def sampled(space: SearchSpace, count: int) -> list[Architecture]:
    """The first `count` different networks that a random search would look at; of more of them, these are the first."""
    rng, found = Random(0), dict[str, Architecture]()
    for _ in range(100 * count):
        arch = space.sample(rng)
        found.setdefault(arch.key, arch)
        if len(found) == count:
            return list(found.values())
    raise ValueError(f"the space has too few networks to draw {count} different ones: ask for {len(found)}")


class Scores(Journal[Score]):
    """The scores of a benchmark, by place."""

    def __init__(self, path: Path, one: Run):
        super().__init__(path, one, Score, "a score")

    @property
    def known(self) -> dict[Place, Score]:
        return {score.place: score for score in self.found}


def measure(one: Run, scores: Scores, places: Sequence[Place], executor: Executor, workers: int) -> Iterator[Score]:
    """Measure what is not known of these places, so many at a time, and give each score as it comes."""
    benchmark, flying = one.benchmark, dict[Future[Played], Place]()
    known = scores.known
    waiting = [place for place in places if place not in known]
    networks = sampled(benchmark.space, 1 + max((place.architecture for place in waiting), default=0))
    while waiting or flying:
        while waiting and len(flying) < workers:
            place = waiting.pop(0)
            flying[executor.submit(play, jobs(one, networks[place.architecture], place))] = place
        for future in wait(flying, return_when=FIRST_COMPLETED).done:
            place, (metrics, seconds, error) = flying.pop(future), future.result()
            value = None
            if not error:
                value = benchmark.reward(metrics) if place.part == "search" else metrics[one.task.primary]
            score = Score(*place, value, seconds, error)
            scores.add(score)
            yield score


def jobs(one: Run, arch: Architecture, place: Place) -> list[Job]:
    """What a network goes through: its costs, where the reward reads some, and all stages of the search; or the final one."""
    benchmark, final = one.benchmark, place.part == "final"
    task, space = (one.final_task, benchmark.final_space_config) if final else (one.search_task, benchmark.space_config)
    model = (benchmark.final_space if final else benchmark.space).model(arch)
    what = (task, json.dumps(space), model, arch.as_dict(), benchmark.final, place.seed)
    first = Job(*what, imports=benchmark.imports)
    if final:
        return [first]
    costs = [replace(first, measure=benchmark.measures)] if benchmark.measures else []
    return [*costs, *(replace(first, stage=stage) for stage in benchmark.stages)]


Played = tuple[dict[str, float], float, str]


def play(jobs: Sequence[Job]) -> Played:
    """Costs and the last stage's metrics of a network, the seconds of a processor that it took, and what went wrong, if at all.

    Each stage starts from the weights that the one before has left.
    """
    costs: dict[str, float] = {}
    metrics, kept, started = costs, "", time.process_time()
    with TemporaryDirectory() as folder:
        for number, job in enumerate(jobs):
            begin, keep = Begin(kept) if kept else None, "" if job.measure else of_trial(0, number)
            outcome = run(replace(job, store=Store(folder), begin=begin, keep=keep))
            if isinstance(outcome, Failed):
                return {}, time.process_time() - started, outcome.error
            costs, metrics = ({**outcome.metrics}, metrics) if job.measure else (costs, outcome.metrics)
            kept = keep
    return {**costs, **metrics}, time.process_time() - started, ""


def audited(scores: Sequence[Score], higher_is_better: bool) -> Audit:
    """Raises ValueError for fewer than four networks with all their scores, and fewer than two seeds."""
    frame = pd.DataFrame([asdict(one) for one in scores])
    table = frame.pivot(index="architecture", columns=["part", "seed"], values="score").astype(float)
    sound = table.dropna()
    search, count = sound["search"].to_numpy(), len(sound)
    if count < LEAST or search.shape[1] < 2:
        given = f"{count} networks with {search.shape[1]} seeds"
        raise ValueError(f"{given} say little: give at least {LEAST} networks without a failure, and 2 seeds")
    final = regretted = None
    if "final" in sound:
        means, ends = search.mean(1), sound["final"].to_numpy().mean(1) * (1 if higher_is_better else -1)
        final = estimated(lambda draws: kendall(means, ends, draws), count)
        regretted = estimated(lambda draws: regret(means, ends, draws), count)
    shared = estimated(lambda draws: share(search, draws), count)
    agreed = estimated(lambda draws: agreement(search, draws), count)
    seconds = frame.groupby("part", sort=False)["seconds"].median().to_dict()
    return Audit(count, len(table) - count, shared, agreed, final, regretted, seconds)


def share(scores: Array, draws: Array) -> Array:
    """ICC(1) of the rows of `scores` (networks, seeds) in each row of `draws` (R, N), shape (R,): see `Audit`."""
    drawn, seeds = scores[draws], scores.shape[1]
    between, within = seeds * drawn.mean(2).var(1, ddof=1), drawn.var(2, ddof=1).mean(1)
    return (between - within) / (between + (seeds - 1) * within)


def agreement(scores: Array, draws: Array) -> Array:
    """Kendall's tau-b between the columns of `scores` (networks, seeds), the mean over all pairs; shapes as in `share`."""
    return np.mean([kendall(a, b, draws) for a, b in combinations(scores.T, 2)], axis=0)


def regret(search: Array, final: Array, draws: Array) -> Array:
    """What the BEST of `search` (N,) lack of the best in `final`; `draws` as in `share`, whose networks count once each."""
    lost = []
    for draw in draws:
        drawn = np.unique(draw)
        chosen = drawn[np.argsort(-search[drawn], kind="stable")[:BEST]]
        lost.append(final[drawn].max() - final[chosen].max())
    return np.array(lost)
