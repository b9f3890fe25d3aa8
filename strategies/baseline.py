"""A network that nobody searched: the row to compare with."""

from __future__ import annotations

import json
from traceback import extract_tb
from typing import Any

from core import build
from strategies.strategy import Plan, Strategy, Study
from strategies.trial import Answer
from tasks import TASKS


class Baseline(Strategy):
    """Makes no trial and answers with one network: `model`, or the space's network of a published `genotype`.

    `model` are parts of a model config as a space makes them, whatever the space. `task` are settings that replace the
    task's own for this network: another template, say.
    """

    def __init__(
        self,
        model: dict[str, Any] | None = None,
        task: dict[str, Any] | None = None,
        genotype: list[Any] | dict[str, Any] | str | None = None,
    ):
        if (model is None) == (genotype is None):
            raise ValueError("give either a model, parts of a model config, or a genotype in the space's notation")
        self.answer, self.genotype = Answer(model=model, task=task), genotype

    def prepare(self, study: Study) -> Plan:
        task, model = study.task, self.answer.model or {}
        if self.genotype is not None:
            arch = study.space.read(self.genotype)
            self.answer, model = Answer(arch, task=self.answer.task), study.space.model(arch)
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
