"""The policy networks of `strategies.ppo`, `strategies.reinforce` and `strategies.supernet.enas`."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from random import Random

import torch
from torch import Tensor, nn
from typing_extensions import Self

MAX_NORM = 2.0  # of the gradient, as in the code of Nekrasov et al. (CVPR 2019)


class Controller(nn.Module):
    """An LSTM that emits one decision after another; it reads its own last output, a learnt vector first.

    So what was drawn at one decision does not change the probabilities at the next (as in the code of Nekrasov et al., CVPR
    2019). `sizes` are the numbers of choices of the decisions, in order; decisions with equal `groups` share a linear head.
    Choices are given as their places, 0 to size - 1.
    """

    optimizer: torch.optim.Optimizer

    def __init__(self, sizes: Sequence[int], groups: Sequence[Hashable], hidden: int, layers: int):
        super().__init__()
        heads = dict(zip(groups, sizes, strict=True))
        self.order = [list(heads).index(group) for group in groups]  # the head of each decision
        self.first = nn.Parameter(torch.empty(hidden))
        self.cells = nn.ModuleList([nn.LSTMCell(hidden, hidden) for _ in range(layers)])
        self.sizes = list(heads.values())
        self.heads = nn.ModuleList([nn.Linear(hidden, size) for size in self.sizes])

    @classmethod
    def of(
        cls, sizes: Sequence[int], groups: Sequence[Hashable], hidden: int, layers: int, lr: float, seed: int
    ) -> Self:
        """A new one with its Adam, every weight uniform in -0.1 to 0.1, without a draw from torch's global generator."""
        with torch.device("meta"):
            controller = cls(sizes, groups, hidden, layers)
        controller.to_empty(device="cpu")
        generator = torch.Generator().manual_seed(seed)
        for weight in controller.parameters():
            nn.init.uniform_(weight, -0.1, 0.1, generator)
        controller.optimizer = torch.optim.Adam(controller.parameters(), lr)
        return controller

    def blank(self, count: int) -> list[tuple[Tensor, Tensor]]:
        """The state of every layer before the first decision of `count` networks."""
        nothing = torch.zeros(count, len(self.first))
        return [(nothing, nothing)] * len(self.cells)

    def think(self, read: Tensor, states: list[tuple[Tensor, Tensor]]) -> Tensor:
        """The last layer's output (N, hidden) to what is read (N, hidden); moves the states."""
        for layer, cell in enumerate(self.cells):
            states[layer] = cell(read, states[layer])
            read = states[layer][0]
        return read

    def logs(self) -> list[Tensor]:
        """The log-probabilities of the choices of every decision, each (choices,)."""
        read, logs, states = self.first[None], [], self.blank(1)
        for place in self.order:
            read = self.think(read, states)
            logs.append(self.heads[place](read[0]).log_softmax(0))
        return logs

    @torch.no_grad()
    def probabilities(self) -> list[list[float]]:
        """Those of the choices of every decision."""
        return [log.exp().tolist() for log in self.logs()]

    def draws(self, rng: Random) -> Iterator[tuple[list[int], float]]:
        """Architectures without end, each with its log-probability."""
        policy = self.probabilities()
        while True:
            places = [rng.choices(range(len(weights)), weights)[0] for weights in policy]
            yield places, sum(math.log(weights[place]) for weights, place in zip(policy, places, strict=True))

    def log_policy(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probability of each of the architectures (N, decisions), and the mean entropy of the decisions."""
        logs = self.logs()
        taken = torch.stack([log[places[:, step]] for step, log in enumerate(logs)])
        return taken.sum(0), torch.stack([-(log.exp() * log).sum() for log in logs]).mean()

    @torch.no_grad()
    def log_prob(self, places: Sequence[int]) -> float:
        """The log-probability of one architecture."""
        return float(self.log_policy(torch.tensor([places]))[0])

    def step(
        self,
        taken: Sequence[Sequence[int]],
        old: Sequence[float],
        advantages: Sequence[float],
        clip: float,
        entropy: float,
    ) -> None:
        """Ascend the clipped objective of one minibatch; `old` are its log-probabilities when it was drawn."""
        log, bonus = self.log_policy(torch.tensor(taken))
        ratio, advantage = (log - torch.tensor(old)).exp(), torch.tensor(advantages)
        gain = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
        self._ascend(gain.mean() + entropy * bonus)

    def reinforce(self, taken: Sequence[Sequence[int]], advantages: Sequence[float], entropy: float) -> None:
        """Ascend the mean of advantage times log-probability (Williams, 1992), plus `entropy` times the mean entropy."""
        log, bonus = self.log_policy(torch.tensor(taken))
        self._ascend((log * torch.tensor(advantages)).mean() + entropy * bonus)

    def _ascend(self, gain: Tensor) -> None:
        self.optimizer.zero_grad()
        (-gain).backward()
        nn.utils.clip_grad_norm_(self.parameters(), MAX_NORM)
        self.optimizer.step()


class Autoregressive(Controller):
    """One that reads what it drew last, as a learnt vector for each choice (Zoph & Le, ICLR 2017)."""

    def __init__(self, sizes: Sequence[int], groups: Sequence[Hashable], hidden: int, layers: int):
        super().__init__(sizes, groups, hidden, layers)
        self.choices = nn.ModuleList([nn.Embedding(size, hidden) for size in self.sizes])

    def unroll(self, count: int, choose: Callable[[int, Tensor], Tensor]) -> list[Tensor]:
        """The log-probabilities (count, choices) of every decision, where `choose` says which places (count,) are taken."""
        read, logs, states = self.first.expand(count, -1), [], self.blank(count)
        for step, place in enumerate(self.order):
            read = self.think(read, states)
            logs.append(self.heads[place](read).log_softmax(1))
            read = self.choices[place](choose(step, logs[-1]))
        return logs

    def draws(self, rng: Random) -> Iterator[tuple[list[int], float]]:
        while True:
            yield self._draw(rng)

    @torch.no_grad()
    def _draw(self, rng: Random) -> tuple[list[int], float]:
        places: list[int] = []

        def choose(step: int, log: Tensor) -> Tensor:
            (weights,) = log.exp().tolist()
            places.extend(rng.choices(range(len(weights)), weights))
            return torch.tensor(places[-1:])

        logs = self.unroll(1, choose)
        return places, sum(float(log[0, place]) for log, place in zip(logs, places, strict=True))

    def log_policy(self, places: Tensor) -> tuple[Tensor, Tensor]:
        logs = self.unroll(len(places), lambda step, _: places[:, step])
        taken = torch.stack([log.gather(1, places[:, step, None])[:, 0] for step, log in enumerate(logs)])
        return taken.sum(0), torch.stack([-(log.exp() * log).sum(1).mean() for log in logs]).mean()
