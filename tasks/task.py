"""What a network is worth: data, model template, loss and metrics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tasks.stage import Cost, Outcome, Stage

if TYPE_CHECKING:
    import torch


class Task(ABC):
    """Data, model template, loss and metrics of one problem.

    `primary` names the metric that ranks a leaderboard, `metrics` all of them. `cache` is the folder where the task
    keeps what all trials share (computed features, a pre-trained encoder); it may be shared by processes.
    """

    primary: str
    higher_is_better: bool = True
    metrics: tuple[str, ...]

    def __init__(self, cache: str, device: str):
        self.cache, self.device = cache, device

    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of the data, so that two runs on different data are never taken for one protocol."""

    @abstractmethod
    def prepare(self, stages: Sequence[Stage]) -> Cost:
        """Check the data of `stages` and make what all their trials share.

        Called once before the first trial. Raises ValueError or OSError, with a sentence, where the data is bad.
        """

    @abstractmethod
    def fit(
        self, model: dict[str, Any], stage: Stage, *, seed: int, init: str | None = None, weights: str | None = None
    ) -> Outcome:
        """Train `model` for one stage and score it.

        `init` is a file of weights to start from (what matches by name and shape is taken), `weights` the file to leave
        the trained ones in. The same arguments give the same metrics on the CPU.
        """

    @abstractmethod
    def config(self, model: dict[str, Any]) -> dict[str, Any]:
        """The whole network's config: the task's template with the part that a space decided."""

    @abstractmethod
    def network(self, model: dict[str, Any]) -> torch.nn.Module:
        """The network as it is deployed (no training-only parts), with random weights, in eval mode."""

    @property
    @abstractmethod
    def input_shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of one image as the deployed network sees it; MAdds and latency refer to it."""
