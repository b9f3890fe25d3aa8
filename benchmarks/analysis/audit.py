"""Do networks differ by more than seeds do, and which cheap signal ranks them as the final training does?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np

from benchmarks.analysis.ranking import AFTER, FINAL, LEAST, REWARD, Array, Estimate, Sample, estimated, kendall
from benchmarks.analysis.scoring import Figures, Part, Score
from benchmarks.run import Run
from benchmarks.running.judge import Judge
from tasks.rewards import computed

BEST = 3  # networks that a signal ranks first, of which the final training then finds the best one
NETWORKS = "audited networks"  # whose signals are compared
GOOD = 0.25  # the share of networks that no gate should stop


@dataclass(frozen=True)
class Kills:
    """How many of the best quarter of networks, by the final training, the protocol's gate stops; a 95 % interval (Wilson)."""

    good: int
    stopped: int
    low: float
    high: float


@dataclass(frozen=True)
class Audit:
    """What the scores of one benchmark say.

    `share` is of the variance of the search's rewards what is due to the network: ICC(1) = (B - W) / (B + (k - 1) W) of k
    seeds, with B the mean square between networks and W that within them (Shrout and Fleiss, Psychological Bulletin 86,
    1979). Where trials have a `common_seed` it is ICC(3, 1): what a seed adds to all networks alike, which no search sees
    there, is first taken from W. `seeds` is Kendall's tau-b between the rewards of two seeds, the mean over all pairs.
    `signals` is what is compared with the final training, None without one, and `regrets`, of each signal, how much the
    best of all has there over the best of the three that it ranks first. `seconds` are medians, of a network and a seed.
    """

    networks: int
    failed: int
    share: Estimate | None
    seeds: Estimate | None
    signals: Sample | None
    regrets: Mapping[str, Estimate]
    kills: Kills | None
    seconds: dict[str, float]


def audited(one: Run, scores: Sequence[Score], before: Sequence[Figures] = ()) -> Audit:
    """`before` is what is known of each network from elsewhere.

    Raises ValueError for fewer than four networks with all their scores.
    """
    by_network: dict[int, dict[Part, list[Score]]] = {}
    for score in sorted(scores, key=lambda score: score.place):
        by_network.setdefault(score.architecture, {}).setdefault(score.part, []).append(score)
    sound = {
        n: parts for n, parts in by_network.items() if all(judged(one, s) for some in parts.values() for s in some)
    }
    count, failed = len(sound), len(by_network) - len(sound)
    if count < LEAST:
        errors = [f" (the last one: {score.error})" for score in scores if score.error]
        raise ValueError(f"{count} networks say little: give at least {LEAST} without a failure{''.join(errors[-1:])}")
    rewards = np.array([[reward(one, s) for s in parts.get("search", ())] for parts in sound.values()])
    several = rewards.shape[1] > 1
    seconds = {part: [s.seconds for s in scores if s.part == part] for part in ("start", "search", "final")}
    signals, regrets = None, dict[str, Estimate]()
    if all("final" in parts for parts in sound.values()):
        known = [{**(before[n] if before else {}), **figures(one, parts)} for n, parts in sound.items()]
        primary = one.task.primary
        ends = [mean(s.stages[-1] for s in parts["final"]) for parts in sound.values()]
        signals = Sample(one.benchmark.id, NETWORKS, "search", FINAL, primary, known, ends, one.task.errors)
        truth = np.array(signals.truth)
        values = {name: np.array(listed) for name, listed in signals.signals.items()}
        regrets = {name: estimated(partial(regret, signal, truth), count) for name, signal in values.items()}
    return Audit(
        count,
        failed,
        estimated(lambda draws: share(rewards, draws, one.benchmark.common_seed), count) if several else None,
        estimated(lambda draws: agreement(rewards, draws), count) if several else None,
        signals,
        regrets,
        killed(one, list(sound.values()), signals) if signals else None,
        {part: float(np.median(spent)) for part, spent in seconds.items() if spent},
    )


def judged(one: Run, score: Score) -> bool:
    """Has a network not failed: in the search, as in a study, also not because a stage's reward cannot be computed?"""
    try:
        for stage in range(len(score.stages)) if score.part == "search" else ():
            reward(one, score, stage)
    except ValueError:
        return False
    return not score.error


def reward(one: Run, score: Score, stage: int = -1) -> float:
    """Raises ValueError where it cannot be computed."""
    return computed(one.benchmark.reward, {**score.measures, **score.stages[stage]})


def mean(rows: Iterable[Figures]) -> dict[str, float]:
    """Of what all rows have."""
    kept = list(rows)
    return {name: float(np.mean([row[name] for row in kept])) for name in kept[0] if all(name in row for row in kept)}


def figures(one: Run, parts: Mapping[Part, Sequence[Score]]) -> dict[str, float]:
    """All signals of a network: means over seeds of its zero-cost scores, rewards and metrics of the search's stages."""
    named = list[dict[str, float]]()
    for score in parts.get("search", ()):
        row = {REWARD: reward(one, score)}
        for place, (stage, metrics) in enumerate(zip(one.benchmark.stages, score.stages, strict=True), start=1):
            last = place == len(score.stages)
            row |= {name if last else f"{name}{AFTER}{stage.name}": value for name, value in metrics.items()}
        named.append({**score.measures, **row})
    start = mean(score.measures for score in parts["start"]) if "start" in parts else {}
    return {**(mean(named) if named else {}), **start}


def killed(one: Run, networks: Sequence[Mapping[Part, Sequence[Score]]], signals: Sample) -> Kills | None:
    """What the gate stops of the best networks, if it sees them in this order with their first seeds; None without a gate."""
    from scipy.stats import binomtest  # takes a second to import, which --help need not wait for

    judge, stages = Judge(one.benchmark, 0), one.benchmark.stages
    if judge.gate is None or not all("search" in parts for parts in networks):
        return None
    good = set(np.argsort(-np.array(signals.truth), kind="stable")[: max(1, round(GOOD * len(networks)))].tolist())
    stopped = 0
    for number, parts in enumerate(networks):
        score = parts["search"][0]
        reason = judge.refuse(number, score.measures)
        for place, stage in enumerate(stages[:-1]):
            if reason is None:
                worth = reward(one, score, place)
                reason = judge.stop(number, stage.name, score.measures, score.stages[place], worth)
        stopped += reason is not None and number in good
    interval = binomtest(stopped, len(good)).proportion_ci(method="wilson")
    return Kills(len(good), stopped, float(interval.low), float(interval.high))


def share(scores: Array, draws: Array, common: bool = False) -> Array:
    """ICC(1), or ICC(3, 1) of a `common` seed, of `scores` (networks, seeds) in each row of `draws` (R, N), shape (R,)."""
    drawn, (networks, seeds) = scores[draws], scores.shape
    between, within = seeds * drawn.mean(2).var(1, ddof=1), drawn.var(2, ddof=1).mean(1)
    if common:
        left = drawn - drawn.mean(1, keepdims=True)
        within = left.var(2, ddof=1).mean(1) * networks / (networks - 1)  # a mean of each seed is gone
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
