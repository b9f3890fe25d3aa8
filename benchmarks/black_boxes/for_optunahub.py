"""A DenseBench table as a problem of OptunaHub; this file needs nothing else of DenseBench.

Put it into a package of the registry as `__init__.py`, with a table's folder beside it, and then:

    problem = optunahub.load_module("benchmarks/densebench").Problem("tabular-segmentation")
    optuna.create_study(directions=problem.directions).optimize(problem, n_trials=100)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import optunahub


class Problem(optunahub.benchmarks.BaseProblem):
    """The mean over all trainings of a network's `metric` on the `split` "val" or "test" after the last epoch.

    `folder` is a table's, or its name beside this file. Raises optuna.TrialPruned for choices that it has no network of.
    """

    def __init__(self, folder: str, metric: str | None = None, split: str = "val"):
        place = Path(folder) if Path(folder).is_dir() else Path(__file__).parent / folder
        schema = json.loads((place / "table.json").read_text())
        metric = metric or next(iter(schema["metrics"]))
        self._decisions = dict(schema["decisions"])
        self._higher = schema["metrics"][metric]
        codes = np.load(place / schema["columns"]["code"]["file"])
        groups = np.load(place / schema["columns"]["group"]["file"])
        column = f"{schema['splits'][split]}.{metric}"
        values = np.load(place / schema["columns"][column]["file"])[..., -1]
        means = {first: float(np.nanmean(values[groups == first])) for first in np.unique(groups)}
        self._values = {int(code): means[first] for code, first in zip(codes, groups, strict=True)}

    @property
    def search_space(self) -> dict[str, optuna.distributions.BaseDistribution]:
        return {name: optuna.distributions.CategoricalDistribution(of) for name, of in self._decisions.items()}

    @property
    def directions(self) -> list[optuna.study.StudyDirection]:
        kind = optuna.study.StudyDirection
        return [kind.MAXIMIZE if self._higher else kind.MINIMIZE]

    def evaluate(self, params: dict[str, Any]) -> float:
        code = 0
        for name, options in self._decisions.items():
            code = code * len(options) + options.index(params[name])
        if code not in self._values:
            raise optuna.TrialPruned("the table has no such network")
        return self._values[code]
