"""Gradient search: architecture and weights of a supernet learnt in turns."""

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor

from search_spaces import Architecture, SearchSpace
from search_spaces.supernet import mean_entropy, skip_ratio, supernet_in
from strategies.gradients import first_order, second_order
from strategies.memory import check_memory
from strategies.registry import STRATEGIES
from strategies.strategy import Strategy, Study
from tasks import Cost, Stage, Task
from tasks.features import Batch
from tasks.optimization import Optimization
from tasks.trainable import Trainable
from tasks.training import save, train_mode

COLLAPSED = 0.5  # of the places that offer a skip, the share from which on a supernet is said to collapse
CLIP = 10.0  # the largest norm of the architecture's gradient, as in the authors' code


@STRATEGIES.register_module()
class DARTS(Strategy):
    """Differentiable architecture search (Liu et al., ICLR 2019) on any space that has a supernet.

    The first stage's training images fall into two halves. Each step moves the architecture's weights down the loss on a
    batch of the second half (Adam with `arch_lr` and `arch_decay`), then the network's down the loss on one of the first, as
    the stage says. `order` 2 looks one step of the network's weights ahead (equations 6 to 8), at three times the cost. For
    the first `warmup` epochs only the network's weights move. (`arch_decay` is added to a gradient that is as small as the
    loss: what suits cross-entropies holds the weights at their start where the loss is a squared error of 0.001.)

    Every epoch is a trial: the answer that the supernet favours then, scored with the supernet's weights, its norms' statistics
    gathered anew from a few batches. Beside its scores are those of the mixture ("supernet_PSNR", say); `gap`, the primary
    metric that is lost on the way from the mixture to the answer, in that metric's unit (the discretisation gap); and
    `skip_ratio` and `alpha_entropy`, which tell a collapse.

    `epochs` is the length of the search; the benchmark's budget may end it before. The last epoch's answer is returned, or, if
    `keep` is "best", that of the epoch after the warm-up in which the mixture's primary metric was best (what single answers
    score with shared weights may say little).
    """

    def __init__(
        self,
        epochs: int = 50,
        warmup: int = 0,
        order: int = 1,
        arch_lr: float = 3e-4,
        arch_decay: float = 1e-3,
        keep: str = "last",
    ):
        if epochs < 1 or not 0 <= warmup < epochs:
            raise ValueError(f"epochs must be at least 1 and warmup less than that, not {epochs} and {warmup}")
        if order not in (1, 2) or keep not in ("last", "best"):
            raise ValueError(f"order must be 1 or 2 and keep 'last' or 'best', not {order!r} and {keep!r}")
        self.epochs = self.planned = epochs
        self.warmup, self.order, self.keep = warmup, order, keep
        self.arch_lr, self.arch_decay = arch_lr, arch_decay

    def check(self, space: SearchSpace) -> None:
        if space.partial:
            raise ValueError(
                f"{type(self).__name__} moves all decisions at once: it cannot search a part with the others held"
            )
        try:
            space.supernet()
        except TypeError as error:
            raise ValueError(f"{type(self).__name__} follows gradients: {error}") from None

    def prepare(self, space: SearchSpace, task: Task, stages: Sequence[Stage]) -> str:
        """A sentence on the memory that the supernet needs. Raises ValueError where it or the data are not enough."""
        if not isinstance(task, Trainable):
            raise ValueError(f"{type(task).__name__} trains nothing: choose a strategy that asks and tells")
        first, second = self.halves(stages[0])
        if not task.pictures(second).batches(0, 0):
            raise ValueError(
                f"stage {first.name!r} has one training image, of which {type(self).__name__} cannot make two halves: "
                "raise benchmark.stages.0.share"
            )
        copies = 3 if self.order == 1 else 5  # gradient and two moments; to look ahead, the old weights and a direction
        return check_memory(task, space.supernet(), first, copies)

    def halves(self, stage: Stage) -> list[Stage]:
        """The stage on either half of its training images."""
        return [replace(stage, half=half, epochs=self.epochs) for half in (0, 1)]

    def search(self, study: Study) -> Architecture:
        descent = Descent(self, study)
        while len(study.trials) < self.epochs and study.wants():
            study.record(*descent.epoch())
        if self.keep == "last":
            return study.trials[-1].arch
        name, sign = f"supernet_{study.task.primary}", 1 if study.task.higher_is_better else -1
        candidates = study.trials[self.warmup :] or study.trials
        return max(candidates, key=lambda trial: sign * trial.stages[0].metrics[name]).arch


class Descent:
    """A supernet under way: its weights, both optimisers, and the checkpoint after every epoch."""

    def __init__(self, strategy: DARTS, study: Study):
        assert isinstance(study.task, Trainable)  # as `prepare` has made sure
        self.strategy, self.study, self.task = strategy, study, study.task
        first = study.stages[0]
        self.stages = strategy.halves(first)
        self.network = self.task.begin(study.space.supernet(), first, seed=study.seed)
        self.supernet = supernet_in(self.network)
        self.alphas = self.supernet.architecture_parameters()
        mixing = {id(alpha) for alpha in self.alphas}
        searched, encoder, self.frozen = self.task.parts(self.network, first)
        searched = [weight for weight in searched if id(weight) not in mixing]
        self.weights = [*searched, *encoder]
        steps = strategy.epochs * len(self.task.pictures(self.stages[0]).batches(0, 0))
        self.optimization = Optimization(replace(first, polyak=0.0), searched, encoder, steps)
        self.adam = torch.optim.Adam(
            self.alphas, lr=strategy.arch_lr, betas=(0.5, 0.999), weight_decay=strategy.arch_decay
        )
        self.checkpoint = study.folder / "supernet.pth"
        self.done: tuple[dict[str, Any], dict[str, float], Cost] | None = None  # an epoch that no trial tells of yet
        self.epochs = 0
        self._resume()

    def _resume(self) -> None:
        """Go on from the checkpoint of an epoch; one that was killed before its trial was written still has its record."""
        trials = len(self.study.trials)
        if not self.checkpoint.is_file():
            if trials:
                raise RuntimeError(f"{self.checkpoint} is gone, and {trials} epochs with it: remove the run's folder")
            return
        state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimization.load_state_dict(state["optimization"])
        self.adam.load_state_dict(state["adam"])
        self.epochs = state["epochs"]
        if self.epochs == trials + 1:
            self.done = (state["choices"], state["metrics"], Cost(**state["cost"]))

    def epoch(self) -> tuple[Architecture, dict[str, float], Cost]:
        """Train for an epoch and score; leaves a checkpoint."""
        if self.done is None:
            self.done = self._epoch()
        choices, metrics, cost = self.done
        self.done = None
        return self.study.space.architecture(choices), metrics, cost

    def _epoch(self) -> tuple[dict[str, Any], dict[str, float], Cost]:
        started, images, seed = time.perf_counter(), 0, self.study.seed
        train_mode(self.network, self.frozen)
        losses = []
        for batch, other in zip(self.task.batches(self.stages[0], seed, self.epochs), self._others(), strict=False):
            if self.epochs >= self.strategy.warmup:
                self._move_alphas(batch, other)
                images += len(other.truth)
            losses.append(self.optimization.step(self._loss(batch)))
            images += len(batch.truth)
        choices = self.supernet.discretise()
        metrics, scored = self._scores(choices)
        height, width = self.stages[0].size
        seconds = time.perf_counter() - started - scored.seconds
        cost = Cost(images, images * height * width, seconds) + scored
        metrics["loss"] = sum(losses) / len(losses)
        self.epochs += 1
        if not all(map(math.isfinite, metrics.values())):
            raise FloatingPointError(f"epoch {self.epochs} has metrics that are not finite: lower the stage's lr")
        record = dict(choices=choices, metrics=metrics, cost=asdict(cost), epochs=self.epochs)
        states = dict(network=self.network.state_dict(), adam=self.adam.state_dict())
        save({**record, **states, "optimization": self.optimization.state_dict()}, self.checkpoint)
        return choices, metrics, cost

    def _others(self) -> Iterator[Batch]:
        """The second half's batches, over again where it has fewer."""
        while True:
            yield from self.task.batches(self.stages[1], self.study.seed, self.epochs)

    def _move_alphas(self, batch: Any, other: Any) -> None:
        if self.strategy.order == 1:
            gradient = first_order(self.alphas, lambda: self._loss(other))
        else:
            rate = float(self.optimization.schedule.get_last_lr()[0])
            losses = (lambda: self._loss(batch)), (lambda: self._loss(other))
            gradient = second_order(self.alphas, self.weights, *losses, rate)
        for alpha, part in zip(self.alphas, gradient, strict=True):
            alpha.grad = part
        torch.nn.utils.clip_grad_norm_(self.alphas, CLIP)
        self.adam.step()

    def _loss(self, batch: Any) -> Tensor:
        return self.task.loss(self.network, self.stages[0], batch)

    @torch.no_grad()
    def _scores(self, choices: dict[str, Any]) -> tuple[dict[str, float], Cost]:
        """The scores of the favoured answer with the supernet's weights, those of the mixture, and the monitor's."""
        self.network.eval()
        mixture, first = self.task.score(self.network, self.stages[0])
        kept = copy.deepcopy(self.network.state_dict())
        train_mode(self.network, self.frozen)
        with self.supernet.held(choices):
            renewed = self.task.renew(self.network, self.stages[0], self.study.seed, self.epochs)
            self.network.eval()
            answer, second = self.task.score(self.network, self.stages[0])
        self.network.load_state_dict(kept)
        shares = self.supernet.probabilities()
        gap = mixture[self.task.primary] - answer[self.task.primary]
        health = {"gap": gap, "skip_ratio": skip_ratio(shares), "alpha_entropy": mean_entropy(shares)}
        if health["skip_ratio"] > COLLAPSED:
            share = f"{health['skip_ratio']:.0%}"
            warnings.warn(f"epoch {self.epochs + 1}: skips lead in {share} of their places, it collapses", stacklevel=2)
        renamed = {f"supernet_{name}": value for name, value in mixture.items() if name != "loss"}
        return {**answer, **renamed, **health}, first + renewed + second
