"""The training loop that short and long stages of all tasks share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from tasks.batch import Batch
from tasks.cost import Cost, Spent
from tasks.optimization import Optimization
from tasks.parallel import total
from tasks.weights import load, load_checked, own, save

if TYPE_CHECKING:
    from tasks.stage import Stage
    from tasks.trainable import Trainable


class Training:
    """A network on its way through epochs, with its optimiser; `frozen` is a part of it that stays in eval mode.

    `losses` are the mean ones of the epochs that it has seen, also in stages that this one continues. Every batch goes through
    in so many `parts`, whose gradients add up to its own where the loss is a mean over images; norms see the parts.
    """

    def __init__(
        self, network: nn.Module, frozen: nn.Module | None, optimization: Optimization, seed: int, parts: int = 1
    ):
        self.network, self.frozen, self.optimization, self.seed = network, frozen, optimization, seed
        self.parts = parts
        self.losses: list[float] = []

    @property
    def epochs(self) -> int:
        return len(self.losses)

    @property
    def loss(self) -> float:
        """That of the last epoch."""
        return self.losses[-1] if self.losses else 0.0

    def epoch(self, batches: Iterable[Batch], loss: Callable[[Batch], Tensor]) -> None:
        """One more epoch. Raises FloatingPointError where the loss is not finite."""
        train_mode(self.network, self.frozen)
        with seeded(self.seed, self.epochs):
            losses = [(self._step(batch, loss), total(len(batch))) for batch in batches]
        self.optimization.end_epoch()
        self.losses.append(sum(one * count for one, count in losses) / sum(count for _, count in losses))

    def _step(self, batch: Batch, loss: Callable[[Batch], Tensor]) -> float:
        if self.parts == 1:
            return self.optimization.step(loss(batch))
        parts = batch.parts(self.parts)
        return self.optimization.accumulate(loss(part) * (len(part) / len(batch)) for part in parts)

    def settle(self, renew: Callable[[int], None]) -> None:
        """Put averaged weights, if there are any, in place; `renew` gives norms statistics of them, from this epoch's crops."""
        average = self.optimization.average
        if average is not None:
            average.place()
            if average.renew:
                train_mode(self.network, self.frozen)
                renew(self.epochs)

    def save(self, path: str | Path, cost: Cost, identity: str = "") -> None:
        """Leave what `load` needs; `cost` is that of the stage so far, `identity` says what is trained, on what and how."""
        progress = dict(losses=self.losses, cost=astuple(cost), identity=identity, parts=self.parts)
        state = dict(network=own(self.network, self.frozen), optimization=self.optimization.state_dict())
        save({**state, **progress}, path)

    def load(self, path: str | Path) -> Cost:
        """Go on from a file; returns the cost that is in it."""
        return self._place(load(path))

    def resume(self, path: Path, identity: str) -> Cost:
        """The same, of a checkpoint of the training `identity`; a damaged one, or another's, is set aside with a line."""
        try:
            state: dict[str, Any] = load_checked(path)
            if state.get("identity") != identity:
                raise ValueError("it is of another training")
            _ = state["network"], state["optimization"], state["losses"], Cost(*state["cost"])
            self.parts = max(self.parts, state.get("parts", 1))  # whole batches did not fit before
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError, EOFError, UnpicklingError) as error:
            aside = path.with_name(f"{path.name}.bad")
            path.replace(aside)
            what = " ".join(str(error).split())[:100]
            print(f"{path} cannot be gone on from ({what}): set aside as {aside.name}, begun again", file=sys.stderr)
            return Cost()
        return self._place(state)

    def _place(self, state: dict[str, Any]) -> Cost:
        self.network.load_state_dict({**self.network.state_dict(), **state["network"]})
        self.optimization.load_state_dict(state["optimization"])
        self.losses = list(state["losses"])
        return Cost(*state["cost"])


def described(network: nn.Module) -> list[Any]:
    """What two networks have in common where one can go on from the other's checkpoint."""
    return [str(network), {name: list(value.shape) for name, value in network.state_dict().items()}]


def train_mode(network: nn.Module, frozen: nn.Module | None) -> None:
    """Training mode for all but a part that stays as it is."""
    network.train()
    if frozen is not None:
        frozen.eval()


@contextmanager
def seeded(seed: int, epoch: int) -> Iterator[None]:
    """While it lasts, torch's global generators, which dropout draws from, are seeded; then they are as they were."""
    with torch.random.fork_rng():
        torch.manual_seed(int(np.random.default_rng([4, seed, epoch]).integers(2**62)))
        yield


def step_on(task: Trainable, stage: Stage, network: nn.Module, batch: Batch) -> Callable[[], float]:
    """A training step on this batch, as often as it is called, which is not metered, for whoever times it."""
    searched, encoder, frozen = task.groups(network, stage)
    train_mode(network, frozen)
    optimization = Optimization(stage.recipe, network, searched, encoder, task.steps(stage))
    return lambda: optimization.step(task.batch_loss(network, stage, batch))


def in_time(batches: Iterable[Batch], spent: Spent, seconds: float | None) -> Generator[Batch]:
    """The batches, as long as no more than `seconds` are spent. Raises TimeoutError."""
    for batch in batches:
        if seconds is not None and spent.cost.seconds > seconds:
            raise TimeoutError(f"training took more than max_seconds, {seconds:g}: raise it, or give fewer epochs")
        yield batch
