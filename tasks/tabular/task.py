"""A task that was solved before: what trainings gave is read from a table, in microseconds."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import Inherit, did_you_mean, matching
from core.table import table
from tasks.cost import Cost, Inherited, Outcome
from tasks.stage import Stage
from tasks.task import Parts, Start, Task

if TYPE_CHECKING:
    import torch


class TabularTask(Task):
    """A table's results, the metric named `metric` first. `table` is its name, or a folder.

    A stage's `epochs` are those after which metrics were recorded; its view's `eval` is "val", one training of the network,
    drawn by the seed, or another split, "test" say: the mean of all trainings. A stage that continues reads the same training
    later on. Seconds are those that the training took when the table was made; where it has none, a whole one counts as one.
    """

    leaves_weights = False
    reads = frozenset({"epochs", "continues", "continued", "eval"})

    def __init__(self, table: str, metric: str, cache: str = "", device: str = "cpu"):
        super().__init__(cache, device, (3, 1, 1))
        self.table = _open(table)
        schema = self.table.schema
        if metric not in schema.metrics:
            raise ValueError(did_you_mean(f"metric of the table {schema.name}", metric, schema.metrics))
        self.primary, self.metrics, self.costs = metric, tuple(schema.metrics), schema.costs
        self.errors = tuple(name for name, higher in schema.metrics.items() if not higher)
        self._epochs = {epochs: place for place, epochs in enumerate(schema.epochs)}
        self._values = {
            split: [(name, self.table.metric(split, name)) for name in self.metrics] for split in schema.splits
        }
        self._seconds = self.table.column("seconds") if "seconds" in schema.columns else None

    def fingerprint(self, *others: str) -> str:
        return self.table.fingerprint

    def check(self, stages: Iterable[Stage]) -> None:
        super().check(stages := list(stages))
        schema, total = self.table.schema, 0
        for stage in stages:
            if stage.view.eval not in schema.splits:
                raise ValueError(f"stage {stage.name!r}: " + did_you_mean("split", stage.view.eval, schema.splits))
            total = stage.recipe.epochs + (total if stage.recipe.continues else 0)
            if total not in self._epochs:
                given = ", ".join(map(str, schema.epochs))
                raise ValueError(
                    f"stage {stage.name!r} ends after {total} epochs, and the table has results after {given}"
                )

    def prepare(self, stages: Sequence[Stage]) -> Cost:
        self.check(stages)
        return Cost()

    def fit(
        self,
        model: Parts,
        stage: Stage,
        *,
        seed: int,
        start: Start | None = None,
        keep: str | None = None,
        adopt: Inherit = matching,
    ) -> Outcome:
        rows, recipe, split = self._rows(model), stage.recipe, stage.view.eval
        if start is not None and (start.inherit is not None or not recipe.continues):
            raise ValueError(
                "a table has results of trainings from scratch only: use a strategy that inherits no weights"
            )
        if start is None and recipe.continues:
            raise ValueError(f"stage {stage.name!r} continues another, but none that is `continued` comes before it")
        row, run, before = (
            json.loads(Path(start.path).read_text()) if start else (*self.table.training(rows[0], seed), 0)
        )
        epochs = before + recipe.epochs
        if keep is not None and recipe.continued:
            Path(keep).write_text(json.dumps([row, run, epochs]))
        place, values = self._epochs[epochs], self._values[split]
        if split != "val":
            metrics = {name: float(np.nanmean(column[rows, :, place])) for name, column in values}
        else:
            metrics = {name: float(column[row, run, place]) for name, column in values}
        return Outcome(
            metrics, Cost(self.table.schema.images * recipe.epochs, 0, self._spent(row, run, before, epochs))
        )

    def train_and_score(
        self, model: Parts, stage: Stage, seed: int, start: Start | None, keep: str | None, adopt: Inherit
    ) -> tuple[dict[str, float], Inherited | None]:
        outcome = self.fit(model, stage, seed=seed, start=start, keep=keep, adopt=adopt)
        return outcome.metrics, outcome.inherited

    def config(self, model: Parts) -> dict[str, Any]:
        self._rows(model)
        return {"table": self.table.schema.name, **self.table.choices(model["network"]["row"])}

    def network(self, model: Parts) -> torch.nn.Module:
        raise ValueError(f"the table {self.table.schema.name} has results of networks, and none itself")

    def measure(self, model: Parts, names: Collection[str]) -> dict[str, float]:
        first = self._rows(model)[0]
        return {name: float(self.table.column(name)[first]) for name in names if name in self.costs}

    def _rows(self, model: Parts) -> list[int]:
        """All trainings of a network, by their rows. Raises ValueError where it is of another table."""
        network = model.get("network", {})
        if network.get("table") != self.table.fingerprint:
            raise ValueError(
                f"the network is not of the table {self.table.schema.name}: give task and space the same one"
            )
        return self.table.groups[network["row"]]

    def _spent(self, row: int, run: int, before: int, epochs: int) -> float:
        """The seconds of the epochs from `before` to `epochs` of a training."""
        if self._seconds is None:
            return (epochs - before) / self.table.schema.epochs[-1]
        spent = self._seconds[row, run]
        return float(spent[self._epochs[epochs]]) - (float(spent[self._epochs[before]]) if before else 0.0)


_open = table
