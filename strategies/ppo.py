"""Reinforcement learning: an LSTM controller that proposes, rewarded by proximal policy optimisation."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from search_spaces import SearchSpace
from strategies.registry import STRATEGIES
from strategies.strategy import AskTell
from strategies.trial import Proposal, Trial

if TYPE_CHECKING:
    from strategies.controller import Controller


@STRATEGIES.register_module()
class PPO(AskTell):
    """Search by a learnt policy (Zoph et al., CVPR 2018; Nekrasov et al., CVPR 2019, whose code has these defaults).

    An LSTM of `hidden` units and `layers` layers emits one decision after another. Every `batch` trials it is trained for
    `epochs` steps of Adam (`lr`) on the clipped objective (Schulman et al., 2017, equation 7, with `clip` as epsilon)
    plus `entropy` times the mean entropy of its decisions. The advantage of a trial is its reward less the moving
    average of all rewards (`decay`, started at the first one). Unlike the published code, which keeps the last hundred
    architectures and takes a hundred steps after each, a trial is learnt from in one batch only, and the old policy
    is the one at the start of that batch: so a replay restores it from trials alone. `seed` is that of the first
    weights. Choices that make no network are drawn again. A failed trial has no reward and teaches nothing; a stopped or
    repeated one counts like any other.
    """

    def __init__(
        self,
        hidden: int = 100,
        layers: int = 2,
        lr: float = 1e-4,
        clip: float = 0.1,
        entropy: float = 0.0,
        decay: float = 0.95,
        batch: int = 10,
        epochs: int = 100,
        seed: int = 0,
    ):
        if min(hidden, layers, batch, epochs) < 1:
            raise ValueError(
                f"hidden, layers, batch and epochs must be at least 1, not {hidden, layers, batch, epochs}"
            )
        if lr <= 0 or clip <= 0 or entropy < 0 or not 0 <= decay < 1:
            raise ValueError(
                f"lr={lr} and clip={clip} must be positive, entropy={entropy} not negative, decay={decay} in [0, 1)"
            )
        self.hidden, self.layers, self.seed = hidden, layers, seed
        self.lr, self.clip, self.entropy, self.decay = lr, clip, entropy, decay
        self.batch, self.epochs = batch, epochs

    def start(self, space: SearchSpace) -> None:
        from strategies.controller import Controller  # whoever only reads results does not pay for torch

        super().start(space)
        self.open = {name: options for name, options in space.decisions.items() if len(options) > 1}
        if not self.open:
            raise ValueError("the space has a single answer: there is nothing to learn")
        sizes = [len(options) for options in self.open.values()]
        self.controller: Controller = Controller.of(sizes, self.hidden, self.layers, self.lr, self.seed)
        self.baseline: float | None = None
        self.memory: list[tuple[list[int], float]] = []

    def ask(self, rng: Random) -> Proposal:
        choices = {name: options[0] for name, options in self.space.decisions.items()}
        while True:
            places = self.controller.sample(rng)
            for (name, options), place in zip(self.open.items(), places, strict=True):
                choices[name] = options[place]
            if self.space.flaw(choices) is None:
                return Proposal(self.space.architecture(choices))

    def tell(self, trial: Trial) -> None:
        if trial.reward is None:
            return
        before = trial.reward if self.baseline is None else self.baseline
        self.baseline = self.decay * before + (1 - self.decay) * trial.reward
        places = [options.index(trial.arch[name]) for name, options in self.open.items()]
        self.memory.append((places, trial.reward))
        if len(self.memory) == self.batch:
            advantages = [reward - self.baseline for _, reward in self.memory]
            taken = [places for places, _ in self.memory]
            self.controller.learn(taken, advantages, self.epochs, self.clip, self.entropy)
            self.memory.clear()
