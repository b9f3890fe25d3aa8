"""Pre-training of an encoder on the embedded scenes."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tasks import scenes
from tasks.augment import normalise
from tasks.cost import Meter
from tasks.data import window

WINDOW = 64  # pixels around an object's centre
BATCH = 64


def pretrain_on_scenes(encoder: nn.Module, epochs: int, meter: Meter) -> None:
    """Train the encoder to tell the class of the object in the middle of a window of scenes-v1's training split."""
    rng = np.random.default_rng(0)
    objects = scenes.objects("train")
    head = nn.LazyLinear(len(scenes.CLASSES) - 1)
    head(torch.zeros(1, encoder(torch.zeros(1, 3, WINDOW, WINDOW))[-1].shape[1]))  # makes the weights
    adam = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], weight_decay=1e-3)
    steps = len(objects) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, max_lr=4e-3, total_steps=epochs * steps)
    encoder.train()
    for _ in range(epochs):
        order = rng.permutation(len(objects))
        for places in order[: steps * BATCH].reshape(steps, BATCH):
            chosen = [objects[place] for place in places]
            windows = np.stack([_view(found, rng) for found in chosen])
            images = normalise(torch.from_numpy(windows), "cpu")
            labels = torch.tensor([found.label - 1 for found in chosen])
            meter.count(BATCH, (WINDOW, WINDOW))
            loss = F.cross_entropy(head(encoder(images)[-1].mean((2, 3))), labels)
            adam.zero_grad()
            loss.backward()
            adam.step()
            schedule.step()


def _view(found: scenes.Placed, rng: np.random.Generator) -> np.ndarray:
    """WINDOW x WINDOW pixels around an object's middle, moved by up to four, mirrored at random."""
    x, y = (found.centre[k] + int(rng.integers(-4, 5)) for k in (1, 0))
    view = window(found.image, (y, x), WINDOW)
    view = view[:, ::-1] if rng.random() < 0.5 else view
    return view.transpose(1, 0, 2) if rng.random() < 0.5 else view
