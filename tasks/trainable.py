"""A task that trains networks in stages, and lets a strategy take over the loop."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.registry import MODELS
from torch import Tensor, nn

from tasks.features import Batch
from tasks.norms import BATCH, IMAGES, fresh_statistics
from tasks.optimization import Optimization
from tasks.pictures import Pictures
from tasks.stage import Cost, Outcome, Stage
from tasks.task import Task
from tasks.training import save, train, train_mode

Parameters = list[nn.Parameter]


class Trainable(Task):
    """Begins a network, has batches, a loss and scores: `fit` puts them together for one stage."""

    @abstractmethod
    def pictures(self, stage: Stage) -> Pictures:
        """What a stage trains on and scores."""

    @abstractmethod
    def begin(self, model: dict[str, Any], stage: Stage, seed: int, init: str | None = None) -> Any:
        """A network as its training starts: weights from `seed`, the shared encoder's, `init`'s; frozen ones marked."""

    def parts(self, network: Any, stage: Stage) -> tuple[Parameters, Parameters, nn.Module | None]:
        """The weights that learn at `stage.lr`, those that learn at `stage.encoder_lr`, and a part that stays as it is."""
        return list(network.parameters()), [], None

    @abstractmethod
    def batches(self, stage: Stage, seed: int, epoch: int) -> Iterator[Batch]:
        """One epoch of training batches, in an order drawn from (seed, epoch)."""

    @abstractmethod
    def loss(self, network: Any, stage: Stage, batch: Batch) -> Tensor:
        """The training loss of one batch."""

    @abstractmethod
    def score(self, network: Any, stage: Stage) -> tuple[dict[str, float], Cost]:
        """The metrics of a network in eval mode on the stage's scored images."""

    @torch.no_grad()
    def renew(self, network: Any, stage: Stage, seed: int, epoch: int) -> Cost:
        """Give the batch norms that are in training mode, if any, statistics of the weights as they are."""
        started, images = time.perf_counter(), 0
        large = replace(stage, batch=max(stage.batch, BATCH))
        with fresh_statistics(network) as norms:
            batches = self.batches(large, seed, epoch) if norms else iter(())
            for batch in islice(batches, math.ceil(IMAGES / large.batch)):
                self.loss(network, stage, batch)
                images += len(batch.truth)
        return Cost(images, images * stage.size[0] * stage.size[1], time.perf_counter() - started)

    def fit(
        self, model: dict[str, Any], stage: Stage, *, seed: int, init: str | None = None, weights: str | None = None
    ) -> Outcome:
        network = self.begin(model, stage, seed, init)
        searched, encoder, frozen = self.parts(network, stage)
        training: dict[str, float] = {}
        cost = Cost()
        if searched:  # some networks to compare with have nothing to learn
            steps = stage.epochs * len(self.pictures(stage).batches(seed, 0))
            training["loss"], cost = train(
                network,
                frozen,
                Optimization(stage, searched, encoder, steps),
                stage,
                lambda epoch: self.batches(stage, seed, epoch),
                lambda batch: self.loss(network, stage, batch),
                weights and f"{weights}.epoch",
            )
        if searched and stage.polyak:
            train_mode(network, frozen)
            cost += self.renew(network, stage, seed, stage.epochs)
        network.eval()
        with torch.no_grad():
            metrics, scored = self.score(network, stage)
        if weights is not None:
            save(network.state_dict(), weights)
            Path(f"{weights}.epoch").unlink(missing_ok=True)
        return Outcome({**metrics, **training}, cost + scored, weights)


def build_network(config: dict[str, Any], seed: int, device: str) -> Any:
    """A module of MMEngine's registries with weights drawn from `seed`.

    Modules draw them from torch's global generator, which cannot be handed in; it is left as it was found.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = MODELS.build(ConfigDict(config))
    return module.to(device=device, memory_format=torch.channels_last)
