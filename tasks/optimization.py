"""How weights move during one stage: optimisers and their schedules, by name from MMEngine, clipping, averaged weights."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import mmengine.optim
import mmengine.registry
import torch
from mmengine.logging import MMLogger
from mmengine.optim import DefaultOptimWrapperConstructor
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import PolynomialLR

from core import Registry, build, did_you_mean
from tasks.averages import AVERAGES, Average
from tasks.stage import Paramwise, Recipe

WAYS = ("fused", "foreach", "capturable", "differentiable")  # in which torch's optimisers go through the weights
MULTIPLIERS = ("lr_mult", "decay_mult")


class Optimization:
    """Moves the weights of the searched part and, where the recipe trains it, of the encoder, for `steps` steps."""

    def __init__(
        self,
        recipe: Recipe,
        network: nn.Module,
        searched: Sequence[nn.Parameter],
        encoder: Sequence[nn.Parameter],
        steps: int,
    ):
        self.recipe, self.done = recipe, 0
        self.optimizers = _optimizers(recipe, network, searched, encoder)
        self.schedules = [one for optimizer in self.optimizers for one in _schedules(recipe, optimizer, steps)]
        self.average: Average | None = None
        if recipe.average or recipe.polyak:
            average = recipe.average or {"type": "Polyak", "decay": recipe.polyak}
            self.average = build(AVERAGES, average, weights=[*searched, *encoder])

    def step(self, loss: Tensor) -> float:
        """One step down a loss, which is returned. Raises FloatingPointError where it is not finite."""
        return self.accumulate([loss])

    def accumulate(self, losses: Iterable[Tensor]) -> float:
        """One step down a sum, whose terms are asked for one after the other: one at a time is in memory."""
        value = 0.0
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        for loss in losses:
            value += loss.item()
            if not math.isfinite(value):
                raise FloatingPointError(f"the training loss became {value}: lower the stage's lr")
            loss.backward()
        for optimizer in self.optimizers:
            self._clip(_weights(optimizer))
            optimizer.step()
        self._advance(by_epoch=False)
        self.done += 1
        if self.average is not None:
            self.average.follow(self.done)
        return value

    def rates(self, weights: Sequence[nn.Parameter]) -> list[float]:
        """The learning rate of each of the weights."""
        return [float(group["lr"]) for _, group in self._owners(weights)]

    @torch.no_grad()
    def direction(self, weights: Sequence[nn.Parameter], gradients: Sequence[Tensor]) -> list[Tensor]:
        """Where the next step moves weights of these gradients: against momentum and decay, too, where SGD moves them.

        This is the unrolled step in the code of DARTS. For other optimisers it is against the gradients alone.
        """
        owners = self._owners(weights)
        return [_pull(*of, weight, one) for of, weight, one in zip(owners, weights, gradients, strict=True)]

    def _owners(self, weights: Sequence[nn.Parameter]) -> list[tuple[Optimizer, dict[str, Any]]]:
        """What moves each of the weights: the optimiser, and its group."""
        every = ((optimizer, group) for optimizer in self.optimizers for group in optimizer.param_groups)
        owners = {id(weight): (optimizer, group) for optimizer, group in every for weight in group["params"]}
        return [owners[id(weight)] for weight in weights]

    def end_epoch(self) -> None:
        """What follows the last step of an epoch."""
        self._advance(by_epoch=True)
        if self.average is not None:
            self.average.end_epoch()

    def _clip(self, weights: Sequence[nn.Parameter]) -> None:
        if self.recipe.clip_value is not None:
            torch.nn.utils.clip_grad_value_(weights, self.recipe.clip_value, foreach=True)
        if self.recipe.clip is not None:
            torch.nn.utils.clip_grad_norm_(weights, self.recipe.clip, foreach=True)

    def _advance(self, by_epoch: bool) -> None:
        for schedule in self.schedules:
            if getattr(schedule, "by_epoch", False) == by_epoch:
                schedule.step()

    def state_dict(self) -> dict[str, Any]:
        return {
            "kind": self._kind(),
            "done": self.done,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "schedules": [schedule.state_dict() for schedule in self.schedules],
            "average": self.average.values if self.average is not None else [],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from another's state; without a schedule, with the rates of this recipe.

        Raises ValueError where that trained other parts, or in another way.
        """
        settings = [[_settings(group) for group in optimizer.param_groups] for optimizer in self.optimizers]
        try:
            if state.get("kind") != self._kind():
                raise ValueError
            for optimizer, one in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(one)
        except ValueError:
            raise ValueError(
                "the stage before trained in another way: who continues it must keep encoder_lr and polyak, paramwise_cfg, "
                "schedule, and the types of optimizer, encoder and average"
            ) from None
        for schedule, one in zip(self.schedules, state["schedules"], strict=True):
            schedule.load_state_dict(one)
        if not self.schedules:
            for optimizer, own in zip(self.optimizers, settings, strict=True):
                for group, values in zip(optimizer.param_groups, own, strict=True):
                    group.update(values)
        self.done = state["done"]
        if self.average is not None:
            for value, one in zip(self.average.values, state["average"], strict=True):
                value.copy_(one)

    def _kind(self) -> str:
        """What must be equal for one training to go on from another."""
        types = [type(one).__name__ for one in (*self.optimizers, self.average)]
        paramwise = self.recipe.paramwise_cfg and asdict(self.recipe.paramwise_cfg)
        return json.dumps([types, paramwise, self.recipe.schedule])


def rehearse(recipe: Recipe, steps: int) -> None:
    """Try a recipe out on a few weights. Raises ValueError where it cannot train for `steps` steps."""
    with torch.random.fork_rng():
        network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    searched, encoder = list(network[0].parameters()), list(network[1].parameters())
    try:
        optimization = Optimization(recipe, network, searched, encoder if recipe.trains_encoder else [], steps)
        for _ in range(2):
            optimization.step(sum((weight**2).sum() for weight in network.parameters()))  # type: ignore[arg-type]
            optimization.end_epoch()
    except ValueError:
        raise
    except Exception as error:  # any library's class may be named, and raises what it likes
        cause = f"{type(error).__name__}: {error}"
        raise ValueError(f"the recipe cannot train ({cause}): change its optimizer or schedule") from error


def _optimizers(
    recipe: Recipe, network: nn.Module, searched: Sequence[nn.Parameter], encoder: Sequence[nn.Parameter]
) -> list[Optimizer]:
    """One for all weights, or a second one for those of an encoder whose settings name a type."""
    main = dict(recipe.optimizer or {"type": "AdamW", "lr": recipe.lr, "weight_decay": recipe.weight_decay})
    own = {"lr": recipe.encoder_lr} if recipe.encoder is None else dict(recipe.encoder)
    groups = _groups(network, searched, main, recipe.paramwise_cfg)
    if not recipe.trains_encoder:
        return [_optimizer(main, groups)]
    if "type" in own:
        return [_optimizer(main, groups), _optimizer(own, _groups(network, encoder, own, recipe.paramwise_cfg))]
    others = _groups(network, encoder, {**main, **own}, recipe.paramwise_cfg)
    return [_optimizer(main, [*groups, *({**own, **group} for group in others)])]


def _optimizer(config: Mapping[str, Any], groups: Sequence[Mapping[str, Any]]) -> Optimizer:
    """Raises ValueError also where a group has a setting that the class does not know."""

    def made(settings: Mapping[str, Any]) -> Optimizer:
        one = [dict(group) for group in groups]  # an optimiser writes its settings into them
        return _built("optimizer", mmengine.registry.OPTIMIZERS, "torch.optim.Optimizer", settings, params=one)

    optimizer = made(config)
    own = [way for way in WAYS if way in optimizer.defaults]
    if own and config.keys().isdisjoint(
        WAYS
    ):  # one call for all weights: a step of small ones takes a sixth of the time
        optimizer = made({**config, own[0]: True})
    for name in {name for group in groups for name in group} - {"params", *optimizer.defaults}:
        raise ValueError(did_you_mean(f"setting of optimizer {config['type']!r}", name, optimizer.defaults))
    return optimizer


def _groups(
    network: nn.Module, weights: Sequence[nn.Parameter], config: Mapping[str, Any], paramwise: Paramwise | None
) -> list[dict[str, Any]]:
    """The weights, those of equal settings together, as MMEngine multiplies the rates of this optimiser's config."""
    if paramwise is None:
        return [{"params": list(weights)}]
    if "weight_decay" not in config:
        raise ValueError("paramwise_cfg multiplies weight_decay, too: give it in the optimizer")
    MMLogger.get_current_instance().setLevel("WARNING")  # else it tells of every weight
    found: list[dict[str, Any]] = []
    DefaultOptimWrapperConstructor({"optimizer": dict(config)}, asdict(paramwise)).add_params(found, network)
    settings = {id(group["params"][0]): _settings(group) for group in found}
    groups: dict[str, dict[str, Any]] = {}
    for weight in weights:
        own = {name: value for name, value in settings[id(weight)].items() if name not in MULTIPLIERS}
        groups.setdefault(json.dumps(own), {"params": [], **own})["params"].append(weight)
    return list(groups.values())


def _schedules(recipe: Recipe, optimizer: Optimizer, steps: int) -> list[Any]:
    """What changes the optimiser's settings, by steps or by epochs. Raises ValueError where it outlasts the training."""
    if isinstance(recipe.schedule, str):
        return [PolynomialLR(optimizer, total_iters=steps, power=0.9)] if recipe.schedule == "poly" else []
    made, base = [], "mmengine.optim.scheduler.param_scheduler._ParamScheduler"
    for config in recipe.schedule:
        unit, last = ("epochs", recipe.epochs) if config.get("by_epoch", True) else ("steps", steps)
        schedule = _built(
            "schedule", mmengine.registry.PARAM_SCHEDULERS, base, {"end": last, **config}, optimizer=optimizer
        )
        if hasattr(schedule, "monitor"):
            raise ValueError(f"schedule {config['type']!r} waits for scores, which a stage has at its end: use another")
        far = max(schedule.end, getattr(schedule, "T_max", 0), *getattr(schedule, "milestones", ()))
        if far > last and not (recipe.continues or recipe.continued):
            raise ValueError(
                f"schedule {config['type']!r} goes on to {unit} {far}, but there are {last}: shorten it, or give more epochs"
            )
        made.append(schedule)
    return made


def _built(kind: str, registry: Any, base: str, config: Mapping[str, Any], **more: Any) -> Any:
    """What a config describes by the name of a class in one of MMEngine's registries, or by its path."""
    known = Registry(kind, {}, base)
    for name, cls in registry.module_dict.items():
        known.register_module(name=name, module=cls)
    return build(known, config, **more)


def _pull(optimizer: Optimizer, group: Mapping[str, Any], weight: nn.Parameter, gradient: Tensor) -> Tensor:
    """What a step subtracts from a weight, by the learning rate."""
    if not isinstance(optimizer, torch.optim.SGD):
        return gradient
    moment = optimizer.state.get(weight, {}).get("momentum_buffer")
    decayed = gradient + group["weight_decay"] * weight
    return decayed if moment is None else decayed + group["momentum"] * moment


def _weights(optimizer: Optimizer) -> list[nn.Parameter]:
    return [weight for group in optimizer.param_groups for weight in group["params"]]


def _settings(group: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "params"}
