"""A network that nobody searched: the row to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces import Architecture, SearchSpace, content_key
from strategies.strategy import Strategy, Study
from tasks import Stage, Task


class Baseline(Strategy):
    """Spends no budget and answers with `model`, a part of a model config as a space makes it, whatever the space."""

    def __init__(self, model: dict[str, Any]):
        self.part = model

    def prepare(self, space: SearchSpace, task: Task, stages: Sequence[Stage]) -> str:
        """Nothing to say. Raises ValueError where the network cannot be built."""
        try:
            task.network(self.part)
        except Exception as error:  # any library's module may be meant, and raises what it likes
            raise ValueError(f"the baseline {self.part} cannot be built: {type(error).__name__}: {error}") from error
        return ""

    def search(self, study: Study) -> Architecture:
        return Architecture((), content_key(self.part))

    def model(self, space: SearchSpace, arch: Architecture) -> dict[str, Any]:
        return self.part
