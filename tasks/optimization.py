"""How weights move during one stage: the optimiser, its schedule, clipping, averaged weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from tasks.stage import Recipe


class Optimization:
    """AdamW on the searched part and, where the recipe trains it, on the encoder, for `steps` steps.

    Averaged weights (Polyak) follow the weights, in the first steps faster than `recipe.polyak` says, as they start from
    nothing worth keeping; `finish` puts them in the weights' place. Statistics of norms do not follow.
    """

    def __init__(self, recipe: Recipe, part: Iterable[nn.Parameter], encoder: Iterable[nn.Parameter], steps: int):
        groups: list[dict[str, Any]] = [{"params": list(part), "lr": recipe.lr}]
        if recipe.encoder_lr is not None:
            groups.append({"params": list(encoder), "lr": recipe.encoder_lr})
        self.recipe = recipe
        self.parameters = [parameter for group in groups for parameter in group["params"]]
        self.adam = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
        power = 0.9 if recipe.schedule == "poly" else 0.0
        self.schedule = torch.optim.lr_scheduler.PolynomialLR(self.adam, total_iters=steps, power=power)
        self.average = [parameter.detach().clone() for parameter in self.parameters] if recipe.polyak else []

    def step(self, loss: Tensor) -> float:
        """One step; returns the loss. Raises FloatingPointError where it is not finite."""
        value = loss.item()
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the training loss became {value}: lower the stage's lr")
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        if self.recipe.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.recipe.clip)
        self.adam.step()
        self.schedule.step()
        if self.average:
            done = self.schedule.last_epoch
            decay = min(self.recipe.polyak, (1 + done) / (10 + done))
            with torch.no_grad():
                for average, parameter in zip(self.average, self.parameters, strict=True):
                    average.lerp_(parameter, 1 - decay)
        return value

    def finish(self) -> None:
        """Put the averaged weights in place; for recipes with `polyak`."""
        with torch.no_grad():
            for parameter, average in zip(self.parameters, self.average, strict=True):
                parameter.copy_(average)

    def state_dict(self) -> dict[str, Any]:
        return {"adam": self.adam.state_dict(), "schedule": self.schedule.state_dict(), "average": self.average}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from another's state, with the rates of this recipe. Raises ValueError where that trained other parts."""
        rates = [(group["lr"], group["weight_decay"]) for group in self.adam.param_groups]
        try:
            self.adam.load_state_dict(state["adam"])
            averages = list(zip(self.average, state["average"], strict=True))
        except ValueError:
            raise ValueError(
                "the stage before trained other parts: who continues it must keep encoder_lr and polyak"
            ) from None
        self.schedule.load_state_dict(state["schedule"])
        if self.recipe.schedule == "constant":
            for group, (lr, decay) in zip(self.adam.param_groups, rates, strict=True):
                group.update(lr=lr, weight_decay=decay)
        with torch.no_grad():
            for average, value in averages:
                average.copy_(value)
