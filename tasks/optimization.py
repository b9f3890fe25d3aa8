"""How weights move during one stage: the optimiser, its schedule, clipping, averaged weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from tasks.stage import Stage


class Optimization:
    """Adam on the searched part and, where the stage trains it, on the encoder, for `steps` steps.

    Averaged weights (Polyak) follow the weights, in the first steps faster than `stage.polyak` says, as they start from
    nothing worth keeping; `finish` puts them in the weights' place. Statistics of norms do not follow.
    """

    def __init__(self, stage: Stage, part: Iterable[nn.Parameter], encoder: Iterable[nn.Parameter], steps: int):
        groups: list[dict[str, Any]] = [{"params": list(part), "lr": stage.lr}]
        if stage.encoder_lr is not None:
            groups.append({"params": list(encoder), "lr": stage.encoder_lr})
        self.stage = stage
        self.parameters = [parameter for group in groups for parameter in group["params"]]
        self.adam = torch.optim.AdamW(groups, weight_decay=stage.weight_decay)
        power = 0.9 if stage.schedule == "poly" else 0.0
        self.schedule = torch.optim.lr_scheduler.PolynomialLR(self.adam, total_iters=steps, power=power)
        self.average = [parameter.detach().clone() for parameter in self.parameters] if stage.polyak else []

    def step(self, loss: Tensor) -> float:
        """One step; returns the loss. Raises FloatingPointError where it is not finite."""
        value = loss.item()
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the training loss became {value}: lower the stage's lr")
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        if self.stage.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.stage.clip)
        self.adam.step()
        self.schedule.step()
        if self.average:
            done = self.schedule.last_epoch
            decay = min(self.stage.polyak, (1 + done) / (10 + done))
            with torch.no_grad():
                for average, parameter in zip(self.average, self.parameters, strict=True):
                    average.lerp_(parameter, 1 - decay)
        return value

    def finish(self) -> None:
        """Put the averaged weights in place; for stages with `polyak`."""
        with torch.no_grad():
            for parameter, average in zip(self.parameters, self.average, strict=True):
                parameter.copy_(average)

    def state_dict(self) -> dict[str, Any]:
        return {"adam": self.adam.state_dict(), "schedule": self.schedule.state_dict(), "average": self.average}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.adam.load_state_dict(state["adam"])
        self.schedule.load_state_dict(state["schedule"])
        self.average = state["average"]
