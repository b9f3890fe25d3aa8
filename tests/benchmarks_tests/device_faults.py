"""Networks of which one process in two does not live through its training."""

from __future__ import annotations

import os
import signal

import torch.distributed as dist
from mmengine.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module(force=True)
class OneFails(nn.Conv2d):
    """Kills the second process, or fails there, at the second image batch."""

    def __init__(self, kill: bool):
        super().__init__(1, 1, 3, padding=1)
        self.kill, self.seen = kill, 0

    def forward(self, input: Tensor) -> Tensor:
        self.seen += 1
        if self.seen == 2 and dist.get_rank() == 1:
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise RuntimeError("the second device is broken")
        return super().forward(input)
