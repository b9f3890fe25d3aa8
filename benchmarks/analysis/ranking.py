"""How well a cheap signal ranks candidates: rank correlations with what a longer training, or the final one, says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.records.record import Record
from core import build, content_key, did_you_mean, only_registered
from strategies import Trial
from tasks import REWARDS, TASKS
from tasks.rewards import computed

Array = np.ndarray
Measure = Callable[[Array, Array, Array], Array]
Metrics = Mapping[str, float]

LEAST = 4  # with three trials every ranking is one of six
ANSWERS = 3  # of a study, each of which has cost a final training
FINAL = "final"
RESAMPLES = 1000
BLOCK = 256  # trials that are paired with all others at once: all at once are gigabytes for a long search
REWARD = "reward"
AFTER, OF_RUN = " after ", " of the run"  # in the name of a signal, behind its metric: an earlier stage, another run


@dataclass(frozen=True)
class Estimate:
    """A statistic with the 95 % interval of a bootstrap over trials, or networks.

    All are None where it does not exist, as a rank correlation does not where one of its signals is the same for every trial.
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Agreement:
    """How one signal of the short stage agrees with the long stage: Kendall's tau-b and Spearman's rho."""

    signal: str
    tau: Estimate
    rho: Estimate


@dataclass(frozen=True)
class Comparison:
    """All signals of the stage `short` of one benchmark, compared with `metric` after the stage `long`.

    `strategy` is whose answers are compared after the final training; None: trials of all strategies are.
    """

    benchmark: str
    strategy: str | None
    short: str
    long: str
    metric: str
    trials: int
    agreements: tuple[Agreement, ...]


@dataclass(frozen=True)
class Sample:
    """What a comparison compares: what was measured of networks after its stage `short` (`before`) and after `long`.

    The reward is among the metrics `before`. Signals are turned so that larger is better: metrics whose name starts with
    "loss", and those named in `smaller`, are negated, after whatever stage they were measured.
    """

    benchmark: str
    strategy: str | None
    short: str
    long: str
    metric: str
    before: Sequence[Metrics]
    after: Sequence[Metrics]
    smaller: Collection[str]

    @property
    def signals(self) -> dict[str, list[float]]:
        """The values of everything that all networks have `before`."""
        names = [name for name in self.before[0] if all(name in metrics for metrics in self.before)]
        return {name: [self.turn(name) * metrics[name] for metrics in self.before] for name in names}

    @property
    def truth(self) -> list[float]:
        """The values of the metric that they are to agree with."""
        return [self.turn(self.metric) * metrics[self.metric] for metrics in self.after]

    def turn(self, name: str) -> int:
        metric = name.partition(AFTER)[0].removesuffix(OF_RUN)
        return -1 if metric.startswith("loss") or metric in self.smaller else 1

    def comparison(self) -> Comparison:
        truth = self.truth
        agreements = [
            Agreement(name, _correlated(kendall, signal, truth), _correlated(spearman, signal, truth))
            for name, signal in self.signals.items()
        ]
        what = (self.benchmark, self.strategy, self.short, self.long, self.metric)
        return Comparison(*what, len(truth), tuple(agreements))


def stages_of(
    records: Sequence[Record], short: str | None = None, long: str | None = None, metric: str | None = None
) -> Sample:
    """The trials of one benchmark's studies: every metric of the stage `short`, and its reward, and `metric` of `long`.

    Default: the first and the last stage of the ledgers, and the task's primary metric. An architecture counts once a study,
    and a training that two studies have in common once. Raises ValueError for an unknown stage or metric and fewer than four
    trials.
    """
    benchmark = _benchmark(records)
    networks = [(_reward(record), network) for record in records for network in _networks(record.trials)]
    short, long = _stages([network for _, network in networks], short, long)
    primary, smaller = _primary(records), _smaller(records)
    metric = metric or primary
    if metric is None:
        raise ValueError("no study is finished, so the primary metric is not known: name one with --metric")
    networks = [(reward, network) for reward, network in networks if {short, long} <= network.stages.keys()]
    seen = {content_key([one.key, one.stages[short], one.stages[long]]): (reward, one) for reward, one in networks}
    networks = list(seen.values())  # studies of one seed begin with the same trainings
    if len(networks) < LEAST:
        raise ValueError(
            f"{len(networks)} trials have both stages {short!r} and {long!r}: at least {LEAST} can be ranked"
        )
    before = [
        {**network.stages[short], REWARD: computed(reward, {**network.measures, **network.stages[short]})}
        for reward, network in networks
    ]
    after = [network.stages[long] for _, network in networks]
    if metric not in after[0]:
        raise ValueError(did_you_mean(f"metric of the stage {long!r}", metric, after[0]))
    return Sample(benchmark, None, short, long, metric, before, after, smaller)


def answers_of(records: Sequence[Record], metric: str | None = None) -> list[Sample]:
    """A sample for each strategy of which a study has answered with three trials or more: these, all seeds together.

    Signals are the reward and every metric of a trial's last stage; `metric` (default: the primary one) is that of the final
    training. Raises ValueError where that has no such metric.
    """
    benchmark, primary, smaller = _benchmark(records), _primary(records), _smaller(records)
    groups: dict[str, list[tuple[Trial, Metrics]]] = {}
    for record in records:
        trials = {trial.id: trial for trial in record.trials if trial.reward is not None and trial.stages}
        answers = record.result["answers"] if record.result else []
        found = [(trials[one["id"]], one["final"]["metrics"]) for one in answers if one["id"] in trials]
        if len(found) >= ANSWERS:
            groups.setdefault(record.strategy, []).extend(found)
    samples = []
    for strategy, found in groups.items():
        before = [{**trial.stages[-1].metrics, REWARD: trial.score} for trial, _ in found]
        after = [metrics for _, metrics in found]
        chosen = metric or str(primary)
        if not all(chosen in metrics for metrics in after):
            raise ValueError(did_you_mean("metric of the final training", chosen, after[0]))
        short = found[0][0].stages[-1].name
        samples.append(Sample(benchmark, strategy, short, FINAL, chosen, before, after, smaller))
    return samples


def rated(record: Record) -> list[tuple[dict[str, Any], Metrics]]:
    """The choices of every network of a study that started where its last one did, once, with its reward and last metrics.

    So those of a supernet's run are the ones that were scored with its final weights.
    """
    trials = [trial for trial in record.trials if trial.reward is not None and trial.stages]
    if not trials:
        return []
    start = trials[-1].proposal.parent
    found: dict[str, tuple[dict[str, Any], Metrics]] = {}
    for trial in trials:
        if trial.proposal.parent == start:
            figures = {**trial.stages[-1].metrics, REWARD: trial.score}
            found.setdefault(trial.arch.key, (trial.arch.as_dict(), figures))
    return list(found.values())


def _correlated(measure: Measure, a: Sequence[float], b: Sequence[float]) -> Estimate:
    x, y = np.array(a), np.array(b)
    return estimated(lambda draws: measure(x, y, draws), len(x))


def estimated(statistic: Callable[[Array], Array], count: int) -> Estimate:
    """A statistic of `count` trials: it gives a value, or NaN, for every row of `draws` (R, count), the places of trials."""
    resamples = np.random.default_rng(0).integers(count, size=(RESAMPLES, count))
    with np.errstate(invalid="ignore"):  # a draw of equal trials: 0 / 0, left out below
        value = statistic(np.arange(count)[None])[0]
        if np.isnan(value):
            return Estimate(None, None, None)
        low, high = np.nanpercentile(statistic(resamples), (2.5, 97.5))
    return Estimate(float(value), float(low), float(high))


def kendall(x: Array, y: Array, draws: Array) -> Array:
    """Tau-b (M. G. Kendall, Biometrika, 1945) of every row of `draws` (R, N), places in `x` and `y` (N,). Shape (R,).

    A draw is a count for every trial, and a pair of trials counts as often as the product of its two counts says.
    """
    counts = np.stack([np.bincount(draw, minlength=len(x)) for draw in draws]).astype(float)
    agree = np.zeros(len(draws))
    for start in range(0, len(x), BLOCK):
        part = slice(start, start + BLOCK)
        pairs = np.sign(x[:, None] - x[part]) * np.sign(y[:, None] - y[part])
        agree += ((counts @ pairs) * counts[:, part]).sum(1)
    return agree / np.sqrt(_unequal(x, counts) * _unequal(y, counts))


def _unequal(signal: Array, counts: Array) -> Array:
    """How many pairs of trials differ in a signal (N,), by `counts` (R, N) of each trial. Shape (R,)."""
    order = np.argsort(signal)
    starts = np.flatnonzero(np.diff(signal[order], prepend=np.nan))  # of each run of equal values
    equal = np.add.reduceat(counts[:, order], starts, axis=1)
    return counts.sum(1) ** 2 - (equal**2).sum(1)


def spearman(x: Array, y: Array, draws: Array) -> Array:
    """The correlation of ranks, equal values sharing their mean rank; arguments and shape as in `kendall`."""
    from scipy.stats import rankdata  # takes a second to import, which --help need not wait for

    a, b = (rankdata(signal[draws], axis=1) - (draws.shape[1] + 1) / 2 for signal in (x, y))
    return (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))


@dataclass(frozen=True)
class Network:
    """What a study measured of one network: its costs, and its metrics after each stage."""

    key: str
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
            first[trial.arch.key] = Network(trial.arch.key, trial.measures, stages)
    return list(first.values())


def _stages(networks: Sequence[Network], short: str | None, long: str | None) -> tuple[str, str]:
    names = max((list(network.stages) for network in networks), key=len, default=[])
    for name in (short, long):
        if name is not None and name not in names:
            raise ValueError(did_you_mean("stage", name, names))
    if not names or (short or names[0]) == (long or names[-1]):
        raise ValueError(f"the ledgers have the stages {names}: two different ones are needed to compare")
    return short or names[0], long or names[-1]


def _primary(records: Sequence[Record]) -> str | None:
    """The primary metric as finished studies tell it."""
    return next((record.result["primary"] for record in records if record.result), None)


def _smaller(records: Sequence[Record]) -> set[str]:
    """The metrics of which less is better: the errors of a task of this checkout, and the primary one where studies say so."""
    tasks = [record.config["benchmark"].get("task") for record in records]
    types = [str(task.get("type")).removeprefix("densebench.") for task in tasks if isinstance(task, Mapping)]
    names = TASKS.members.keys() & map(TASKS.member, types)
    primary = {one.result["primary"] for one in records if one.result and not one.result["higher_is_better"]}
    return primary.union(*(TASKS.get(name).errors for name in names))


def _benchmark(records: Sequence[Record]) -> str:
    names = {record.benchmark for record in records}
    if len(names) > 1:
        raise ValueError(f"these are runs of {', '.join(sorted(names))}: compare the trials of one benchmark at a time")
    return names.pop()


def _reward(record: Record) -> Callable[[Metrics], float]:
    """The reward function of the study's benchmark, as the run's own config says it, if it is one of this checkout's."""
    with only_registered():
        return build(REWARDS, record.config["benchmark"].get("reward"))
