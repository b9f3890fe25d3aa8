"""The figures of one benchmark, drawn for what there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from benchmarks.benchmark import SUPERNET
from benchmarks.records.record import Record
from benchmarks.report import charts, fronts
from benchmarks.report.answers import Chosen
from benchmarks.report.bands import Axis, band, meaning, rising
from benchmarks.report.choices import PARTS, shares
from benchmarks.report.rows import groups_of, printed
from tasks.rewards import COSTS

EPOCHS = 200  # points of a curve
HEALTH = {
    "skip_ratio": "skip_ratio: in which share of their places skips lead; near 1, the search has collapsed.",
    "alpha_entropy": "alpha_entropy: how undecided it is, 1 where all operations are alike.",
    "gap": "gap: how much better the supernet is than the network that is read from it.",
}
CLASSES = 40  # of a confusion matrix
AXES: dict[Axis, str] = {"images": "images seen by the search", "trials": "trials", "seconds": "seconds of the search"}


class Panel(NamedTuple):
    """A figure: its title, what must be known to read it, and its Vega-Lite specification; `folded` ones are opened first."""

    title: str
    caption: str
    spec: charts.Spec
    folded: bool = False


def panels(records: Sequence[Record], strategies: Sequence[str], shown: Sequence[Chosen]) -> list[Panel]:
    """Of one benchmark; `strategies` in the order of the table, `shown` the answers of the winner and of random search."""
    winner = [record for record in records if record.strategy == strategies[0]]
    return [
        *_searches(records, strategies),
        *_rewards(records, strategies),
        *_fronts(records, strategies),
        *_choices(winner),
        *_health(records, strategies),
        *_trainings(shown, strategies),
        *_confusions(shown),
    ]


def _searches(records: Sequence[Record], strategies: Sequence[str]) -> list[Panel]:
    """Against images, or trials where the search of a strategy saw none; against seconds to be opened."""
    groups = {group[0].strategy: [record for record in group if record.trials] for group in groups_of(records)}
    groups = {name: groups[name] for name in strategies if groups[name]}
    costs = {
        name: sum(stage.cost.images for trial in group[0].trials for stage in trial.stages)
        for name, group in groups.items()
    }
    first: Axis = "images" if all(costs.values()) else "trials"
    kinds: dict[str, list[str]] = {}
    for name, group in groups.items():
        if drawn := len(rising(group)):
            kinds.setdefault(meaning(drawn), []).append(name)
    seeds = "; ".join(f"{', '.join(names)}: {kind}" for kind, names in kinds.items())
    caption = f"The best reward of the trials that went through most stages. {seeds}."
    found = []
    for axis in (first, "seconds"):
        bands = {name: points for name, group in groups.items() if (points := band(group, axis))}
        if bands:
            title = f"Search against {'seconds' if axis == 'seconds' else 'cost'}"
            found.append(Panel(title, caption, charts.best_so_far(bands, AXES[axis]), axis == "seconds"))
    return found


def _rewards(records: Sequence[Record], strategies: Sequence[str]) -> list[Panel]:
    rows, primary = [], ""
    for record in records:
        if record.result:
            primary, answers = record.result["primary"], record.result["answers"]
            wanted = {answer["id"] for answer in answers}
            rewards = {trial.id: trial.reward for trial in record.trials if trial.id in wanted}
            rows += [
                dict(
                    strategy=record.strategy, seed=record.seed, reward=reward, final=answer["final"]["metrics"][primary]
                )
                for answer in answers
                if (reward := rewards.get(answer["id"])) is not None
            ]
    caption = "A point an answer. Where rewards do not rank as final scores do, the search was told the wrong thing."
    spec = charts.reward_against_final
    return [Panel("Reward and final score", caption, spec(rows, strategies, primary))] if len(rows) > 1 else []


def _fronts(records: Sequence[Record], strategies: Sequence[str]) -> list[Panel]:
    result = next((record.result for record in records if record.result), None)
    if result is None:
        return []
    metric, higher, found = result["primary"], result["higher_is_better"], []
    for cost in COSTS:
        answers = fronts.points(records, cost, metric, higher)
        if len(answers) < 2 or cost == "latency_ms":  # what a busy machine measures is for the table alone
            continue
        trials, made = fronts.of_trials(records, cost, metric)
        volumes, reference = fronts.hypervolumes(answers, higher)
        caption = (
            "Strong points are answers after the final training, the dashed line is their Pareto front. Hypervolume of a "
            "seed's answers, the mean over seeds, both axes scaled to 0-1 over all of them, as a share of what lies before the "
            f"reference point {reference}, 10 % beyond the worst: {_listed(volumes, strategies)}."
        )
        if trials:
            caption += f" Light points are {len(trials)} of {made} trials, with the score that the search saw."
        spec = charts.pareto(answers, trials, strategies, (cost, metric))
        found.append(Panel(f"Quality against {'parameters' if cost == 'params' else 'MAdds'}", caption, spec))
    return found


def _listed(values: Mapping[str, float], strategies: Sequence[str]) -> str:
    return ", ".join(f"{name} {printed(values[name])}" for name in strategies if name in values)


def _choices(winner: Sequence[Record]) -> list[Panel]:
    found = shares([record for record in winner if record.trials]) if any(record.trials for record in winner) else None
    if found is None or not found.rows or found.used < 2 * len(PARTS):  # one trial a third is no share
        return []
    seen = "all trials" if found.used == found.made else f"{found.used:,} of {found.made:,} trials, drawn by lot,"
    caption = (
        f"How often {winner[0].strategy} made each choice in each third of its searches: {seen} of all seeds, in canonical "
        "forms. A decision counts where it was searched; those with one choice are left out."
    )
    return [Panel("Choices as the search went on", caption, charts.choices(found.rows))]


def _health(records: Sequence[Record], strategies: Sequence[str]) -> list[Panel]:
    """What tells of a supernet that collapses, epoch by epoch, means over the seeds."""
    values: dict[tuple[str, str, int], list[float]] = {}
    for record in records:
        epochs = [stage.metrics for trial in record.trials for stage in trial.stages if stage.name == SUPERNET]
        for epoch, metrics in enumerate(epochs, start=1):
            for name in HEALTH.keys() & metrics.keys():
                values.setdefault((record.strategy, name, epoch), []).append(metrics[name])
    rows: list[dict[str, Any]] = [
        dict(strategy=strategy, name=name, epoch=epoch, value=fmean(several))
        for (strategy, name, epoch), several in sorted(values.items())
    ]
    caption = f"Epoch by epoch, means over the seeds. {' '.join(HEALTH.values())}"
    return [Panel("Health of supernets", caption, charts.training(rows, strategies))] if rows else []


def _trainings(shown: Sequence[Chosen], strategies: Sequence[str]) -> list[Panel]:
    rows: list[dict[str, Any]] = []
    for one in shown:
        curve = one.report.curve
        for epoch in curve[:: len(curve) // EPOCHS + 1]:
            known = {name: value for name, value in epoch.items() if name != "epoch" and value is not None}
            own = dict(strategy=one.record.strategy, epoch=epoch.get("epoch"))
            rows += [{**own, "name": name, "value": value} for name, value in known.items()]
    caption = "Epoch by epoch, of the answers that are drawn below. Tables hold the scores after the last epoch."
    return [Panel("Final training", caption, charts.training(rows, strategies))] if rows else []


def _confusions(shown: Sequence[Chosen]) -> list[Panel]:
    tables = [(one, one.report.confusion) for one in shown]
    return [
        Panel(
            f"Confusion of classes: {one.record.strategy}, seed {one.record.seed}",
            "Shares of a row.",
            charts.confusion(table),
        )
        for one, table in tables
        if table is not None and len(table.classes) <= CLASSES
    ]
