"""A network that nobody searched: the row to compare with."""

from __future__ import annotations

import json
from typing import Any

from core import build
from strategies.strategy import Plan, Strategy, Study
from strategies.trial import Answer
from tasks import TASKS


class Baseline(Strategy):
    """Makes no trial and answers with `model`, parts of a model config as a space makes them, whatever the space.

    `task` are settings that replace the task's own for this network: another template, say.
    """

    def __init__(self, model: dict[str, Any], task: dict[str, Any] | None = None):
        self.answer = Answer(model=model, task=task)

    def prepare(self, study: Study) -> Plan:
        model, task = self.answer.model, study.task
        try:
            if self.answer.task:
                task = build(TASKS, {**json.loads(study.task_config), **self.answer.task})
            task.network(model or {})
        except Exception as error:  # any library's module may be meant, and raises what it likes
            raise ValueError(f"the baseline {model} cannot be built: {type(error).__name__}: {error}") from error
        return Plan(trials=0)

    def search(self, study: Study) -> list[Answer]:
        return [self.answer]
