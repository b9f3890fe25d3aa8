"""The policy network of `strategies.ppo`; the only strategy file that imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from random import Random

import torch
from torch import Tensor, nn

MAX_NORM = 2.0  # of the gradient, as in the code of Nekrasov et al. (CVPR 2019)


class Controller(nn.Module):
    """An LSTM over a sequence of decisions: it reads the embedding of the previous choice, a linear head emits the next.

    `sizes` are the numbers of choices of the decisions, in order. Choices are given as their places, 0 to size - 1.
    """

    optimizer: torch.optim.Optimizer

    def __init__(self, sizes: Sequence[int], hidden: int, layers: int):
        super().__init__()
        # Row 0 is what the first decision reads; then every choice of every decision but the last has a row.
        self.rows = list(accumulate(sizes[:-1], initial=1))
        self.embedding = nn.Embedding(self.rows[-1], hidden)
        self.lstm = nn.LSTM(hidden, hidden, layers, batch_first=True)
        self.heads = nn.ModuleList([nn.Linear(hidden, size) for size in sizes])

    @classmethod
    def of(cls, sizes: Sequence[int], hidden: int, layers: int, lr: float, seed: int) -> Controller:
        """A new one with its Adam, every weight uniform in -0.1 to 0.1, without a draw from torch's global generator."""
        with torch.device("meta"):
            controller = cls(sizes, hidden, layers)
        controller.to_empty(device="cpu")
        generator = torch.Generator().manual_seed(seed)
        for weight in controller.parameters():
            nn.init.uniform_(weight, -0.1, 0.1, generator)
        controller.optimizer = torch.optim.Adam(controller.parameters(), lr)
        return controller

    @torch.no_grad()
    def sample(self, rng: Random) -> list[int]:
        """One choice for every decision."""
        places: list[int] = []
        row, state = 0, None
        for first, head in zip(self.rows, self.heads, strict=True):
            output, state = self.lstm(self.embedding(torch.tensor([[row]])), state)
            weights = head(output[0, 0]).softmax(0).tolist()
            places += rng.choices(range(len(weights)), weights)
            row = first + places[-1]
        return places

    def log_policy(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probability and mean entropy of the decisions of architectures (N, decisions), each (N,)."""
        rows = torch.cat([torch.zeros_like(places[:, :1]), places[:, :-1] + torch.tensor(self.rows[:-1])], 1)
        outputs, _ = self.lstm(self.embedding(rows))
        logs = [head(outputs[:, step]).log_softmax(1) for step, head in enumerate(self.heads)]
        taken = [log.gather(1, places[:, step : step + 1]) for step, log in enumerate(logs)]
        entropies = [-(log.exp() * log).sum(1, keepdim=True) for log in logs]
        return torch.cat(taken, 1).sum(1), torch.cat(entropies, 1).mean(1)

    def learn(
        self, taken: Sequence[Sequence[int]], advantages: Sequence[float], epochs: int, clip: float, entropy: float
    ) -> None:
        """Ascend the clipped objective of one batch; its old policy is this one, as it is now."""
        places, advantage = torch.tensor(taken), torch.tensor(advantages)
        old, _ = self.log_policy(places)
        for _ in range(epochs):
            log, bonus = self.log_policy(places)
            ratio = (log - old.detach()).exp()
            gain = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
            self.optimizer.zero_grad()
            (-gain - entropy * bonus).mean().backward()
            nn.utils.clip_grad_norm_(self.parameters(), MAX_NORM)
            self.optimizer.step()
