"""The policy network of `strategies.ppo`."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import torch
from torch import Tensor, nn

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
        known = dict(zip(groups, sizes, strict=True))
        self.order = [list(known).index(group) for group in groups]  # the head of each decision
        self.first = nn.Parameter(torch.empty(hidden))
        self.cells = nn.ModuleList([nn.LSTMCell(hidden, hidden) for _ in range(layers)])
        self.heads = nn.ModuleList([nn.Linear(hidden, size) for size in known.values()])

    @classmethod
    def of(
        cls, sizes: Sequence[int], groups: Sequence[Hashable], hidden: int, layers: int, lr: float, seed: int
    ) -> Controller:
        """A new one with its Adam, every weight uniform in -0.1 to 0.1, without a draw from torch's global generator."""
        with torch.device("meta"):
            controller = cls(sizes, groups, hidden, layers)
        controller.to_empty(device="cpu")
        generator = torch.Generator().manual_seed(seed)
        for weight in controller.parameters():
            nn.init.uniform_(weight, -0.1, 0.1, generator)
        controller.optimizer = torch.optim.Adam(controller.parameters(), lr)
        return controller

    def logs(self) -> list[Tensor]:
        """The log-probabilities of the choices of every decision, each (choices,)."""
        read, logs = self.first[None], []
        states = [(torch.zeros_like(read), torch.zeros_like(read)) for _ in self.cells]
        for place in self.order:
            for layer, cell in enumerate(self.cells):
                states[layer] = cell(read, states[layer])
                read = states[layer][0]
            logs.append(self.heads[place](read[0]).log_softmax(0))
        return logs

    @torch.no_grad()
    def probabilities(self) -> list[list[float]]:
        """Those of the choices of every decision."""
        return [log.exp().tolist() for log in self.logs()]

    def log_policy(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probability of each of the architectures (N, decisions), and the mean entropy of the decisions."""
        logs = self.logs()
        taken = torch.stack([log[places[:, step]] for step, log in enumerate(logs)])
        return taken.sum(0), torch.stack([-(log.exp() * log).sum() for log in logs]).mean()

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
        self.optimizer.zero_grad()
        (-gain.mean() - entropy * bonus).backward()
        nn.utils.clip_grad_norm_(self.parameters(), MAX_NORM)
        self.optimizer.step()
