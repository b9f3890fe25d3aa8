"""Reinforcement learning: an LSTM controller that proposes, rewarded by the policy gradient."""

from __future__ import annotations

from random import Random

from search_spaces import SearchSpace
from strategies.policy import Policy, check_policy
from strategies.strategy import AskTell, Plan, Study
from strategies.trial import Proposal, Trial


class Reinforce(AskTell):
    """Search by a learnt policy (Zoph & Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017).

    An LSTM of `hidden` units and `layers` layers emits one decision after another and reads what it has drawn
    (`strategies.controller.Autoregressive`). After every `networks` trials that have a reward one step of Adam (`lr`) follows
    the mean of their advantages times the gradients of their log-probabilities (section 3.2), plus `entropy` times the mean
    entropy. The advantage is the reward less the moving average (`decay`) of the rewards *before* it; the first trial has
    none. Networks, units, layers and lr are the paper's, but for their 800 networks at once and their uniform start in -0.08
    to 0.08, here 0.1.

    A failed trial has no reward and teaches nothing; one that this policy did not draw moves the average alone.
    """

    def __init__(
        self,
        hidden: int = 35,
        layers: int = 2,
        lr: float = 6e-4,
        networks: int = 8,
        decay: float = 0.95,
        entropy: float = 0.0,
    ):
        if min(hidden, layers, networks) < 1:
            raise ValueError(f"hidden, layers, networks must be at least 1, not {(hidden, layers, networks)}")
        if lr <= 0 or entropy < 0 or not 0 <= decay < 1:
            raise ValueError(f"lr={lr} must be positive, entropy={entropy} not negative, decay={decay} in [0, 1)")
        self.hidden, self.layers, self.lr = hidden, layers, lr
        self.networks, self.decay, self.entropy = networks, decay, entropy

    def prepare(self, study: Study) -> Plan:
        check_policy(study.space, "Reinforce")
        return Plan()

    def start(self, space: SearchSpace, seed: int) -> None:
        from strategies.controller import Autoregressive  # whoever only reads results does not pay for torch

        super().start(space, seed)
        self.policy = Policy(space, Autoregressive, hidden=self.hidden, layers=self.layers, lr=self.lr, seed=seed)
        self.baseline = MovingAverage(self.decay)
        self.waiting: list[tuple[list[int], float]] = []  # places and advantages

    def ask(self, rng: Random) -> Proposal:
        arch, log_prob = self.policy.draw(rng)
        return Proposal(arch, note={"log_prob": log_prob})

    def tell(self, trial: Trial) -> None:
        if trial.reward is None:
            return
        before = self.baseline.value
        self.baseline.add(trial.reward)
        if "log_prob" not in trial.note or before is None:
            return
        self.waiting.append((self.policy.places(trial.arch), trial.reward - before))
        if len(self.waiting) >= self.networks:
            places, advantages = zip(*self.waiting, strict=True)
            self.policy.controller.reinforce(places, advantages, self.entropy)
            self.waiting = []


class MovingAverage:
    """An exponential one that begins with its first value; None before."""

    def __init__(self, decay: float):
        self.decay = decay
        self.value: float | None = None

    def add(self, value: float) -> None:
        self.value = value if self.value is None else self.decay * self.value + (1 - self.decay) * value

    def state_dict(self) -> dict[str, float | None]:
        return {"value": self.value}

    def load_state_dict(self, state: dict[str, float | None]) -> None:
        self.value = state["value"]
