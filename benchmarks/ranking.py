"""How well a cheap signal ranks candidates: rank correlations with what a longer training says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from benchmarks.records import Record
from core import build, did_you_mean
from strategies import Trial
from tasks import REWARDS
from tasks.rewards import computed

Array = np.ndarray
Measure = Callable[[Array, Array, Array], Array]
Metrics = Mapping[str, float]

LEAST = 4  # with three trials every ranking is one of six
RESAMPLES = 1000
REWARD = "reward"


@dataclass(frozen=True)
class Correlation:
    """A rank correlation in -1 to 1 with the 95 % interval of a bootstrap over trials.

    All are None where it does not exist: one of the two signals is the same for every trial.
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Agreement:
    """How one signal of the short stage agrees with the long stage: Kendall's tau-b and Spearman's rho."""

    signal: str
    tau: Correlation
    rho: Correlation


@dataclass(frozen=True)
class Comparison:
    """All signals of the stage `short` of one benchmark, compared with `metric` after the stage `long`."""

    benchmark: str
    short: str
    long: str
    metric: str
    trials: int
    agreements: tuple[Agreement, ...]


def compare(
    records: Sequence[Record], short: str | None = None, long: str | None = None, metric: str | None = None
) -> Comparison:
    """Rank the trials of one benchmark's studies by every metric of the stage `short`, and by its reward.

    Default: the first and the last stage of the ledgers, and the task's primary metric. Signals are turned so that larger
    is better: metrics whose name starts with "loss", and a primary one of which smaller is better, are negated. An
    architecture counts once a study. Raises ValueError for an unknown stage or metric and fewer than four trials.
    """
    names = {record.benchmark for record in records}
    if len(names) > 1:
        raise ValueError(f"these are runs of {', '.join(sorted(names))}: compare the trials of one benchmark at a time")
    networks = [(_reward(record), network) for record in records for network in _networks(record.trials)]
    short, long = _stages([network for _, network in networks], short, long)
    primary, sign = _primary(records)
    metric = metric or primary
    if metric is None:
        raise ValueError("no study is finished, so the primary metric is not known: name one with --metric")
    networks = [(reward, network) for reward, network in networks if {short, long} <= network.stages.keys()]
    if len(networks) < LEAST:
        raise ValueError(
            f"{len(networks)} trials have both stages {short!r} and {long!r}: at least {LEAST} can be ranked"
        )
    after = [_signals(network.stages[long], primary, sign) for _, network in networks]
    if metric not in after[0]:
        raise ValueError(did_you_mean(f"metric of the stage {long!r}", metric, after[0]))
    before = [
        {
            **_signals(network.stages[short], primary, sign),
            REWARD: computed(reward, {**network.measures, **network.stages[short]}),
        }
        for reward, network in networks
    ]
    truth = [signals[metric] for signals in after]
    columns = {name: [signals[name] for signals in before] for name in before[0]}
    agreements = [
        Agreement(name, _correlation(kendall, signal, truth), _correlation(spearman, signal, truth))
        for name, signal in columns.items()
    ]
    return Comparison(names.pop(), short, long, metric, len(networks), tuple(agreements))


def _correlation(measure: Measure, a: Sequence[float], b: Sequence[float]) -> Correlation:
    x, y, count = np.array(a), np.array(b), len(a)
    resamples = np.random.default_rng(0).integers(count, size=(RESAMPLES, count))
    with np.errstate(invalid="ignore"):  # a draw of equal trials: 0 / 0, left out below
        value = measure(x, y, np.arange(count)[None])[0]
        if np.isnan(value):
            return Correlation(None, None, None)
        low, high = np.nanpercentile(measure(x, y, resamples), (2.5, 97.5))
    return Correlation(float(value), float(low), float(high))


def kendall(x: Array, y: Array, draws: Array) -> Array:
    """Tau-b (M. G. Kendall, Biometrika, 1945) of every row of `draws` (R, N), places in `x` and `y` (N,). Shape (R,).

    A draw is a count for every trial, and a pair of trials counts as often as the product of its two counts says.
    """
    counts = np.stack([np.bincount(draw, minlength=len(x)) for draw in draws]).astype(float)
    order_x, order_y = (np.sign(signal[:, None] - signal) for signal in (x, y))

    def total(pairs: Array) -> Array:
        return ((counts @ pairs) * counts).sum(1)

    return total(order_x * order_y) / np.sqrt(total(abs(order_x)) * total(abs(order_y)))


def spearman(x: Array, y: Array, draws: Array) -> Array:
    """The correlation of ranks, equal values sharing their mean rank; arguments and shape as in `kendall`."""
    a, b = (rankdata(signal[draws], axis=1) - (draws.shape[1] + 1) / 2 for signal in (x, y))
    return (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))


@dataclass(frozen=True)
class Network:
    """What a study measured of one network: its costs, and its metrics after each stage."""

    measures: Metrics
    stages: Mapping[str, Metrics]


def _networks(trials: Sequence[Trial]) -> list[Network]:
    """Every network once, with the stages of its first trial that has most of them behind it.

    The stages of a trial that was taken on by another one count to that one's.
    """
    behind: dict[int, Mapping[str, Metrics]] = {}
    first: dict[str, Network] = {}
    for trial in trials:
        stages: dict[str, Metrics] = {stage.name: stage.metrics for stage in trial.stages if stage.metrics}
        if trial.proposal.onward and trial.proposal.parent is not None:
            stages = {**behind[trial.proposal.parent], **stages}
        behind[trial.id] = stages
        known = first.get(trial.arch.key)
        if known is None or len(stages) > len(known.stages):
            first[trial.arch.key] = Network(trial.measures, stages)
    return list(first.values())


def _stages(networks: Sequence[Network], short: str | None, long: str | None) -> tuple[str, str]:
    names = max((list(network.stages) for network in networks), key=len, default=[])
    for name in (short, long):
        if name is not None and name not in names:
            raise ValueError(did_you_mean("stage", name, names))
    if not names or (short or names[0]) == (long or names[-1]):
        raise ValueError(f"the ledgers have the stages {names}: two different ones are needed to compare")
    return short or names[0], long or names[-1]


def _primary(records: Sequence[Record]) -> tuple[str | None, int]:
    """The primary metric as finished studies tell it, and its sign."""
    result = next((record.result for record in records if record.result), None)
    return (None, 1) if result is None else (result["primary"], 1 if result["higher_is_better"] else -1)


def _signals(metrics: Metrics, primary: str | None, sign: int) -> dict[str, float]:
    signs = {name: -1 if name.startswith("loss") else sign if name == primary else 1 for name in metrics}
    return {name: signs[name] * value for name, value in metrics.items()}


def _reward(record: Record) -> Callable[[Metrics], float]:
    """The reward function of the study's benchmark, as the run's own config says it."""
    return build(REWARDS, record.config["benchmark"].get("reward"))
