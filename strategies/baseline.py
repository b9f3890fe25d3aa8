"""A network that nobody searched: the row to compare with."""

from __future__ import annotations

from typing import Any

from search_spaces import Architecture, SearchSpace, content_key
from strategies.strategy import Strategy, Study


class Baseline(Strategy):
    """Spends no budget and answers with `model`, a part of a model config as a space makes it, whatever the space."""

    def __init__(self, model: dict[str, Any]):
        self.part = model

    def search(self, study: Study) -> Architecture:
        return Architecture((), content_key(self.part))

    def model(self, space: SearchSpace, arch: Architecture) -> dict[str, Any]:
        return self.part
