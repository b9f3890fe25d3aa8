"""Efficient search by parameter sharing: a controller learns on the shared weights that it trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import torch

from search_spaces.architecture import Choices
from strategies.controller import Autoregressive
from strategies.policy import Policy, check_policy
from strategies.reinforce import MovingAverage
from strategies.strategy import AskTell, Plan, Study
from strategies.supernet.one_shot import SharedWeights
from strategies.trial import Proposal, Trial
from tasks.batch import Batch


class Drawn(AskTell):
    """Proposes what a policy draws, and learns nothing."""

    policy: Policy

    def ask(self, rng: Random) -> Proposal:
        return Proposal(self.policy.draw(rng)[0])

    def tell(self, trial: Trial) -> None:
        pass


class ENAS(SharedWeights):
    """Efficient Neural Architecture Search (Pham et al., ICML 2018, section 2.2) on any space with a supernet.

    Each of `epochs` has two phases. First every batch of one half of the stage's images moves the shared weights, by one
    network that the controller draws (M = 1). Then, with the weights fixed, every batch of the other half scores `draws`
    networks with the statistics of that batch, and the controller follows the policy gradient: one step of Adam (`lr`), with
    `entropy` times the entropy added. The reward is minus the loss, which every task has, less its moving average before
    (`decay`). In the end `candidates` networks are drawn and scored on all scored images, and the best `answers` returned.

    The controller is an LSTM that reads what it has drawn, of `hidden` units; the paper's limits of its logits (temperature,
    tanh) are left out. With `answers` above 1 the final trainings tell how well shared scores rank (`compare_rewards.py`).
    """

    def __init__(
        self,
        epochs: int = 50,
        candidates: int = 100,
        answers: int = 1,
        draws: int = 1,
        lr: float = 3.5e-4,
        hidden: int = 100,
        decay: float = 0.99,
        entropy: float = 1e-4,
    ):
        super().__init__(epochs, candidates, answers)
        if min(draws, hidden) < 1:
            raise ValueError(f"draws and hidden must be at least 1, not {draws} and {hidden}")
        if lr <= 0 or entropy < 0 or not 0 <= decay < 1:
            raise ValueError(f"lr={lr} must be positive, entropy={entropy} not negative, decay={decay} in [0, 1)")
        self.draws, self.lr, self.hidden, self.decay, self.entropy = draws, lr, hidden, decay, entropy
        self.inner = self.drawn = Drawn()

    def prepare(self, study: Study) -> Plan:
        check_policy(study.space, "ENAS")
        return super().prepare(study)

    def begin(self) -> Mapping[str, Any]:
        settings: dict[str, Any] = dict(hidden=self.hidden, layers=1, lr=self.lr, seed=self.training.seed)
        self.policy = self.drawn.policy = Policy(self.training.space, Autoregressive, **settings)
        self.baseline = MovingAverage(self.decay)
        controller = self.policy.controller
        return {"controller": controller, "adam": controller.optimizer, "baseline": self.baseline}

    def favoured(self, rng: Random) -> Choices:
        return self.policy.draw(rng)[0].as_dict()

    def learn(self, rng: Random) -> list[float]:
        losses = [self.step((batch,), rng) for batch in self.training.batches_of(0)]
        for batch in self.training.batches_of(1):
            self._reinforce(batch, rng)
        return losses

    def _reinforce(self, batch: Batch, rng: Random) -> None:
        """Move the controller by one step up the rewards of a batch."""
        places: list[Sequence[int]] = []
        advantages: list[float] = []
        for _ in range(self.draws):
            arch, _ = self.policy.draw(rng)
            with torch.no_grad(), self.training.supernet.held(arch.as_dict()):
                reward = -float(self.training.loss(batch))
            if self.baseline.value is not None:
                places.append(self.policy.places(arch))
                advantages.append(reward - self.baseline.value)
            self.baseline.add(reward)
        if places:
            self.policy.controller.reinforce(places, advantages, self.entropy)
