"""A supernet under way: how its weights move, what it is fed, what it scores."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from search_spaces.architecture import Choices
from search_spaces.supernet import supernet_in
from strategies.strategy import Study
from tasks import Stage
from tasks.batch import Batch
from tasks.optimization import Optimization
from tasks.trainable import Trainable
from tasks.training import train_mode
from tasks.weights import own


class SupernetTraining:
    """The supernet of a study's space, `epochs` of its training done so far.

    Its `weights` move as the first of `stages` says, `total` epochs long, so many `moves` a batch, without averages of them.
    The architecture's weights (`alphas`), if it has some, are not among them.
    """

    def __init__(self, study: Study, stages: Sequence[Stage], total: int, moves: int = 1):
        assert isinstance(study.task, Trainable)  # as `prepare` has made sure
        self.task = study.task
        self.space, self.stages, self.seed, self.epochs = study.space, stages, study.seed, 0
        first = stages[0]
        adopt = partial(study.space.inherit, parent=None, child=None)
        self.network = self.task.begin(study.space.supernet(), first, study.seed, adopt)
        self.supernet = supernet_in(self.network)
        self.alphas = self.supernet.architecture_parameters()
        mixing = {id(alpha) for alpha in self.alphas}
        searched, encoder, self.frozen = self.task.groups(self.network, first)
        searched = [weight for weight in searched if id(weight) not in mixing]
        self.weights = [*searched, *encoder]
        learnt = whole(first, total)
        steps = moves * self.task.steps(learnt)
        self.optimization = Optimization(learnt.recipe, self.network, searched, encoder, steps)

    def batches(self) -> Iterator[tuple[Batch, ...]]:
        """An epoch of the first stage's batches, each with one of every other stage, over again where that has fewer."""
        first, *others = self.stages
        return zip(self.task.batches(first, self.seed, self.epochs), *map(self._endless, others), strict=False)

    def batches_of(self, place: int) -> Iterator[Batch]:
        """An epoch of the batches of one of the stages."""
        return self.task.batches(self.stages[place], self.seed, self.epochs)

    def _endless(self, stage: Stage) -> Iterator[Batch]:
        while True:
            yield from self.task.batches(stage, self.seed, self.epochs)

    def loss(self, batch: Batch) -> Tensor:
        """The task's, of one pass, which its meter counts."""
        return self.task.loss(self.network, self.stages[0], batch)

    @torch.no_grad()
    def scatter(self, deviation: float = 1e-3) -> None:
        """Let the architecture's weights begin near zero, drawn from the seed."""
        generator = torch.Generator().manual_seed(self.seed)
        for alpha in self.alphas:
            alpha.copy_(deviation * torch.randn(alpha.shape, generator=generator))

    def learn(self, batch: Batch) -> float:
        """Move the weights by one step down the loss, which is returned."""
        return self.optimization.step(self.loss(batch))

    def end_epoch(self) -> None:
        """What follows the last step of an epoch."""
        self.optimization.end_epoch()
        self.epochs += 1

    def train(self) -> None:
        train_mode(self.network, self.frozen)

    @torch.no_grad()
    def mixture(self) -> dict[str, float]:
        """The scores of all answers mixed."""
        self.network.eval()
        return self.task.score(self.network, self.stages[0])

    @torch.no_grad()
    def shared(self, choices: Choices) -> dict[str, float]:
        """The scores of one answer with the weights of all, its norms' statistics gathered anew from a few batches."""
        kept = copy.deepcopy(self.network.state_dict())
        self.train()
        with self.supernet.held(choices):
            self.task.renew(self.network, self.stages[0], self.seed, self.epochs)
            self.network.eval()
            scores = self.task.score(self.network, self.stages[0])
        self.network.load_state_dict(kept)
        return scores

    @property
    def shareable(self) -> dict[str, Tensor]:
        """The weights by name, without those of a frozen part."""
        return own(self.network, self.frozen)

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.shareable, "optimization": self.optimization.state_dict(), "epochs": self.epochs}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.network.load_state_dict({**self.network.state_dict(), **state["network"]})
        self.optimization.load_state_dict(state["optimization"])
        self.epochs = state["epochs"]


def whole(stage: Stage, epochs: int) -> Stage:
    """A stage as all epochs of a supernet's training go through it."""
    return replace(stage, recipe=replace(stage.recipe, epochs=epochs, polyak=0.0, average=None))
