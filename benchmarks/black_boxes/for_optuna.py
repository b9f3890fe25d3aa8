"""A table as an objective of Optuna (Akiba et al., KDD 2019)."""

from __future__ import annotations

import optuna

from core import did_you_mean
from core.table import table


class Objective:
    """For `optuna.create_study(direction=objective.direction).optimize(objective)`: a metric of a table, by name or folder.

    Every decision is a categorical parameter. A trial sees one training of its network, drawn by `seed` and its number: its
    value is the metric on the validation split after the last recorded epoch, and those before are reported, for pruners. Of
    choices that make no network of the table the trial is pruned. Its user attribute "test" is the mean of all trainings of
    the network on the test split, which no search should read.
    """

    def __init__(self, place: str, metric: str | None = None, seed: int = 0):
        self.table, self.seed = table(place), seed
        metrics = self.table.schema.metrics
        self.metric = metric or next(iter(metrics))
        if self.metric not in metrics:
            raise ValueError(did_you_mean(f"metric of the table {place}", self.metric, metrics))
        self.direction = "maximize" if metrics[self.metric] else "minimize"
        self._means = self.table.means("test", self.metric)

    def __call__(self, trial: optuna.Trial) -> float:
        table = self.table
        choices = {name: trial.suggest_categorical(name, options) for name, options in table.decisions.items()}
        row = table.row(choices)
        if row is None:
            raise optuna.TrialPruned("the table has no such network")
        first, run = table.training(row, f"{self.seed} {trial.number}")
        *before, value = table.metric("val", self.metric)[first, run].tolist()
        for epochs, early in zip(table.schema.epochs, before, strict=False):
            trial.report(early, epochs)
            if trial.should_prune():
                raise optuna.TrialPruned(f"after {epochs} epochs")
        trial.set_user_attr("test", self._means[int(table.column("group")[row])])
        return value
