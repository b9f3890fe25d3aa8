"""Reinforcement learning: an LSTM controller that proposes, rewarded by proximal policy optimisation."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from search_spaces import SearchSpace
from strategies.policy import Policy, check_policy
from strategies.reinforce import MovingAverage
from strategies.strategy import AskTell, Plan, Study
from strategies.trial import Proposal, Trial


@dataclass(frozen=True)
class Experience:
    """The choices of an architecture (places), their log-probability when they were drawn, and the reward."""

    places: list[int]
    log_prob: float
    reward: float


class PPO(AskTell):
    """Search by a learnt policy (Zoph et al., CVPR 2018), as in the code of Nekrasov et al. (CVPR 2019), with its defaults.

    An LSTM of `hidden` units and `layers` layers emits one decision after another (`strategies.controller`). The last `memory`
    trials are remembered. After each `every`-th of them, `steps` steps of Adam (`lr`) follow the clipped objective (Schulman et
    al., 2017, equation 7, with `clip` as epsilon; plus `entropy` times the mean entropy of the decisions) on minibatches of
    `sample` trials, drawn in random passes over the memory. The old policy is the one that a trial was drawn from: its
    log-probability travels in the proposal's note. The advantage is the reward less the moving average of all rewards (`decay`,
    started at the first one), as it is now. With `every` = `memory` = `sample` it is the batch form, where a trial is learnt
    from once.

    Choices that make no network are drawn again. A failed trial has no reward and teaches nothing; a stopped or repeated one
    counts like any other, and one that this policy did not draw moves the average alone.
    """

    def __init__(
        self,
        hidden: int = 100,
        layers: int = 2,
        lr: float = 1e-4,
        clip: float = 0.1,
        entropy: float = 0.0,
        decay: float = 0.95,
        memory: int = 100,
        every: int = 1,
        steps: int = 100,
        sample: int = 1,
    ):
        counts = dict(hidden=hidden, layers=layers, memory=memory, every=every, steps=steps, sample=sample)
        if min(counts.values()) < 1:
            raise ValueError(f"{', '.join(counts)} must be at least 1, not {tuple(counts.values())}")
        if lr <= 0 or clip <= 0 or entropy < 0 or not 0 <= decay < 1:
            raise ValueError(
                f"lr={lr} and clip={clip} must be positive, entropy={entropy} not negative, decay={decay} in [0, 1)"
            )
        self.hidden, self.layers, self.lr = hidden, layers, lr
        self.clip, self.entropy, self.decay = clip, entropy, decay
        self.size, self.every, self.steps, self.sample = memory, every, steps, sample

    def prepare(self, study: Study) -> Plan:
        check_policy(study.space, "PPO")
        return Plan()

    def start(self, space: SearchSpace, seed: int) -> None:
        from strategies.controller import Controller  # whoever only reads results does not pay for torch

        super().start(space, seed)
        self.seed = seed
        shape = dict(hidden=self.hidden, layers=self.layers)
        self.policy = Policy(space, Controller, lr=self.lr, seed=seed, **shape)
        self.baseline = MovingAverage(self.decay)
        self.memory: deque[Experience] = deque(maxlen=self.size)
        self.drawn = 0  # trials of this policy that were told

    def ask(self, rng: Random) -> Proposal:
        arch, log_prob = self.policy.draw(rng)
        return Proposal(arch, note={"log_prob": log_prob})

    def tell(self, trial: Trial) -> None:
        if trial.reward is None:
            return
        self.baseline.add(trial.reward)
        if "log_prob" not in trial.note:
            return
        self.memory.append(Experience(self.policy.places(trial.arch), trial.note["log_prob"], trial.reward))
        self.drawn += 1
        if self.drawn % self.every == 0:
            for batch in self._minibatches(Random(f"{self.seed} {self.drawn}")):
                self.policy.controller.step(
                    [one.places for one in batch],
                    [one.log_prob for one in batch],
                    [one.reward - (self.baseline.value or 0.0) for one in batch],
                    self.clip,
                    self.entropy,
                )

    def _minibatches(self, rng: Random) -> Iterator[list[Experience]]:
        """`steps` of them, from passes over the memory in random order."""
        size, order = min(self.sample, len(self.memory)), list[Experience]()
        for _ in range(self.steps):
            if len(order) < size:
                order = rng.sample(list(self.memory), len(self.memory))
            yield order[:size]
            order = order[size:]
