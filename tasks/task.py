"""What a network is worth: data, model templates, losses and metrics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core import Inherit, Registry, build, matching, parse
from tasks.cost import Cost, Inherited, Meter, Outcome
from tasks.rewards import MEASURED
from tasks.stage import Stage

if TYPE_CHECKING:
    import torch

Parts = Mapping[str, Any]
"""What a space decides of a model: a config for each slot of the task's template ("backbone", "neck", "head" ...)."""


@dataclass(frozen=True)
class Start:
    """Where a training starts: the file of weights that another one left, and how they become those of this network.

    Without `inherit` they are of the same network.
    """

    path: str
    inherit: Inherit | None = None


@dataclass(frozen=True)
class NoOptions:
    """A task without options of its own."""


class Task(ABC):
    """Data, model templates, losses and metrics of one problem.

    `primary` names the metric that ranks a leaderboard, `metrics` all of them, `errors` those of which less is better, as of
    every loss, `costs` what can be told of a network's. `version` is part of a protocol's hash: another number where the code
    gives other results. `reads` are the settings of a stage's view and recipe that mean something here, and `Options` the
    dataclass of its options. `cache` is the folder where the task keeps what all trials share (computed features, a
    pre-trained encoder); it may be shared by processes. `input_shape` is the (channels, height, width) of one image as the
    deployed network sees it, which MAdds and latency refer to. All passes through networks are counted by `meter`.
    `leaves_weights` says whether a training leaves some that another network's may begin with.
    """

    primary: str
    metrics: tuple[str, ...]
    errors: tuple[str, ...] = ()
    costs: tuple[str, ...] = MEASURED
    version: int = 1
    leaves_weights = True
    reads: frozenset[str]
    Options: type = NoOptions

    def __init__(self, cache: str, device: str, input_shape: tuple[int, int, int]):
        if min(input_shape) < 1:
            raise ValueError(f"input_size must be at least 1x1 pixels, not {input_shape[1:]}")
        self.cache, self.device, self.input_shape = cache, device, input_shape
        self.meter = Meter()

    @property
    def higher_is_better(self) -> bool:
        return self.primary not in self.errors

    def built(self, registry: Registry, config: Mapping[str, Any], kind: type) -> Any:
        """A part of this task from its config. Raises ValueError also where it is not of this kind."""
        part, name = build(registry, config), type(self).__name__
        if not isinstance(part, kind):
            raise ValueError(f"{type(part).__name__} is no {registry.name} for {name}: use a {kind.__name__}")
        return part

    def options(self, stage: Stage) -> Any:
        """The options of a stage. Raises ValueError where one is unknown or wrong."""
        return parse(self.Options, dict(stage.options), f"the options of stage {stage.name!r}")

    def check(self, stages: Iterable[Stage]) -> None:
        """Look at all that can be wrong with stages and their data, and make nothing.

        Raises ValueError for a setting that this task would ignore, an option that it does not know, and wrong data, OSError
        for a split that is not there.
        """
        for stage in stages:
            for name in stage.settings():
                if name not in self.reads:
                    kind = type(self).__name__
                    raise ValueError(f"stage {stage.name!r} sets {name}, which means nothing to {kind}: leave it out")
            self.options(stage)

    @abstractmethod
    def fingerprint(self, *others: str) -> str:
        """A hash of the data, so that two runs on different data are never taken for one protocol.

        `others` are splits that a benchmark reads beside train, val and test.
        """

    def pictures(self, split: str) -> list[tuple[bytes, str]]:
        """What of a split must not be in another, too (`Data.pictures`)."""
        return []

    def learns_from(self, stage: Stage) -> Sequence[str]:
        """The splits that decide what a network of this stage has learnt."""
        return stage.view.train

    @abstractmethod
    def prepare(self, stages: Sequence[Stage]) -> Cost:
        """Check stages and data, and make what all their trials share.

        Called once before the first trial. Raises ValueError or OSError, with a sentence, where something is wrong.
        """

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
        """Train a network for one stage and score it.

        `keep` is the file to leave the trained weights in, without those of a frozen encoder; beside it, with the suffix
        ".optimizer", lies what a stage that continues needs. `adopt` is how the encoder's weights become those of a backbone
        that the space decides. The same arguments give the same metrics on the same processor, but for a training whose batches
        memory is too small for: these go through in parts, of a resumable stage from the first epoch on that does not fit, and
        "batch_parts" among its metrics says in how many.
        """
        spent = self.meter.measure()
        metrics, inherited = self.train_and_score(model, self.seen(model, stage), seed, start, keep, adopt)
        return Outcome(metrics, spent.cost, inherited)

    @abstractmethod
    def train_and_score(
        self, model: Parts, stage: Stage, seed: int, start: Start | None, keep: str | None, adopt: Inherit
    ) -> tuple[dict[str, float], Inherited | None]:
        """What `fit` does, without the meter: the metrics, and how the weights of `start` were taken over."""

    def seen(self, model: Parts, stage: Stage) -> Stage:
        """The stage as the network of these parts goes through it, where a space decides how large it sees images.

        Raises ValueError where it cannot.
        """
        return stage

    def shape(self, model: Parts) -> tuple[int, int, int]:
        """`input_shape`, as that network sees it."""
        return self.input_shape

    def trained(self, model: Parts, stage: Stage) -> Parts:
        """The parts of a model as this stage trains them. Raises ValueError where it cannot train them."""
        return model

    @abstractmethod
    def config(self, model: Parts) -> dict[str, Any]:
        """The whole network's config: the task's template with the parts that a space decided."""

    @abstractmethod
    def network(self, model: Parts) -> torch.nn.Module:
        """The network as it is deployed (no training-only parts), with random weights, in eval mode.

        What learns apart is not `merged` yet (`tasks/merging.py`), so that it takes weights that a training left.
        """

    def measure(self, model: Parts, names: Collection[str]) -> dict[str, float]:
        """What the deployed network costs, of `params`, `madds`, `latency_ms` and `predicted_ms` those that are named."""
        from tasks.complexity import MEASURES
        from tasks.merging import merged

        network = merged(self.network(model))
        return {name: MEASURES[name](network, self.shape(model)) for name in names}
