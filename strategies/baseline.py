"""A network that nobody searched: the row to compare with."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from traceback import extract_tb
from typing import Any

from core import build
from strategies.strategy import Plan, Strategy, Study
from strategies.trial import Answer
from tasks import TASKS


class Baseline(Strategy):
    """Makes no trial and answers with one network: `model`, or the space's network of a published `genotype`, or of `choices`.

    `model` are parts of a model config as a space makes them, whatever the space, `choices` those of a search elsewhere. `task`
    are settings that replace the task's own for this network: another template, say. Its final training begins with `weights`,
    a file that the final training of the same choices left elsewhere, by the space's rule: what has another shape, as the last
    layer for another number of outputs, begins anew.
    """

    def __init__(
        self,
        model: dict[str, Any] | None = None,
        task: dict[str, Any] | None = None,
        genotype: list[Any] | dict[str, Any] | str | None = None,
        choices: dict[str, Any] | None = None,
        weights: str | None = None,
    ):
        if sum(one is not None for one in (model, genotype, choices)) != 1:
            raise ValueError(
                "give either a model, parts of a model config, or a genotype in the space's notation, or choices"
            )
        if weights is not None and (model is not None or not Path(weights).is_file()):
            raise ValueError(f"weights must be a file, and of a genotype or choices, not {weights!r}")
        self.weights_print = weights and sha256(Path(weights).read_bytes()).hexdigest()
        self.answer, self.genotype, self.choices = Answer(model=model, task=task, weights=weights), genotype, choices

    def prepare(self, study: Study) -> Plan:
        task, model = study.task, self.answer.model or {}
        if self.answer.model is None:
            space, choices = study.space, self.choices
            arch = space.read(self.genotype) if choices is None else space.architecture(choices)
            self.answer, model = replace(self.answer, arch=arch), space.model(arch)
        try:
            if self.answer.task:
                task = build(TASKS, {**json.loads(study.task_config), **self.answer.task})
            task.network(model)
        except Exception as error:  # any library's module may be meant, and raises what it likes
            why = str(error) or extract_tb(error.__traceback__)[-1].line  # MMSegmentation asserts without a word
            raise ValueError(f"the baseline {model} cannot be built: {type(error).__name__}: {why}") from error
        return Plan(trials=0)

    def search(self, study: Study) -> list[Answer]:
        return [self.answer]
