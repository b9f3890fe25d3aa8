"""A network as a config that OpenMMLab's own tools build, train and test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmengine.config import Config

from search_spaces import MODELS
from tasks import Stage
from tasks.stage import Recipe
from tasks.task import Parts

if TYPE_CHECKING:
    from tasks.deployment import Deployable

START = "{{ fileDirname }}/start.pth"  # MMEngine puts the config's folder in


def model_config(config: dict[str, Any]) -> str:
    """The file of a whole network's config, with the imports (`custom_imports`) of modules that are ours."""
    foreign = foreign_modules(config)
    imports = {"custom_imports": {"imports": foreign}} if foreign else {}
    return Config({"model": config, **imports}).pretty_text


def training_config(task: Deployable, model: Parts, stage: Stage) -> str:
    """The file of a whole experiment, a stage of a task, for MMEngine's runner.

    Training begins with `start.pth` in the config's folder, where the backbone is that of all candidates.
    """
    parts, recipe, samples = task.stock(model, stage), stage.recipe, task.samples(stage)
    batches = len(samples.batches(0, 0))
    network, shared = parts["model"], "backbone" in parts["model"] and "backbone" not in model
    ours = f"{type(task).__module__.rpartition('.')[0]}.stock"
    scored = dict(
        batch_size=1, num_workers=0, sampler=dict(type="DefaultSampler", shuffle=False), dataset=parts["test"]
    )
    scored["collate_fn"] = dict(type="pseudo_collate")
    crops = {
        **scored,
        "batch_size": recipe.batch,
        "sampler": dict(type="DefaultSampler", shuffle=True),
        "dataset": parts["train"],
        "drop_last": batches * recipe.batch <= samples.train_size,  # a last batch of one crop, as `batches` does
    }
    frozen = [dict(type="FrozenBackbone")] if shared and not recipe.trains_encoder else []
    config = dict(
        default_scope=parts["scope"],
        custom_imports=dict(imports=[*foreign_modules(network), ours]),
        model=network,
        train_dataloader=crops,
        val_dataloader=scored,
        test_dataloader=scored,
        val_evaluator=parts["evaluator"],
        test_evaluator=parts["evaluator"],
        train_cfg=dict(type="EpochBasedTrainLoop", max_epochs=recipe.epochs, val_interval=recipe.epochs),
        val_cfg=dict(),
        test_cfg=dict(),
        optim_wrapper=optim_wrapper(recipe, "backbone" in network),
        param_scheduler=schedules(recipe, batches),
        custom_hooks=[*frozen, *averages(recipe)],
        default_hooks=dict(
            logger=dict(type="LoggerHook", interval=10), checkpoint=dict(type="CheckpointHook", max_keep_ckpts=1)
        ),
        log_level="INFO",
        load_from=START if shared else None,
        resume=False,
    )
    return Config(config).pretty_text


def optim_wrapper(recipe: Recipe, encoder: bool) -> dict[str, Any]:
    """How a recipe's weights move, as MMEngine writes it. An encoder's own optimiser becomes a rate of the one for all."""
    optimizer = dict(recipe.optimizer or dict(type="AdamW", lr=recipe.lr, weight_decay=recipe.weight_decay))
    paramwise: dict[str, Any] = dict(vars(recipe.paramwise_cfg)) if recipe.paramwise_cfg else {}
    rate = recipe.encoder_lr if recipe.encoder is None else recipe.encoder.get("lr")
    if encoder and rate is not None:
        keys = {"backbone": dict(lr_mult=rate / optimizer["lr"]), **paramwise.get("custom_keys", {})}
        paramwise["custom_keys"] = keys
    clip = {}
    if recipe.clip_value is not None:
        clip = dict(type="value", clip_value=recipe.clip_value)
    elif recipe.clip is not None:
        clip = dict(max_norm=recipe.clip)
    kind = dict(type="AmpOptimWrapper", dtype="bfloat16") if recipe.bfloat16 else dict(type="OptimWrapper")
    more = {"clip_grad": clip} if clip else {}
    return {**kind, "optimizer": optimizer, **more, **({"paramwise_cfg": paramwise} if paramwise else {})}


def schedules(recipe: Recipe, batches: int) -> list[dict[str, Any]]:
    if recipe.schedule == "poly":
        return [dict(type="PolyLR", power=0.9, eta_min=0.0, by_epoch=False, end=recipe.epochs * batches)]
    if isinstance(recipe.schedule, str):
        return []
    ends = {True: recipe.epochs, False: recipe.epochs * batches}
    return [{"end": ends[one.get("by_epoch", True)], **one} for one in recipe.schedule]


def averages(recipe: Recipe) -> list[dict[str, Any]]:
    """A hook for averaged weights. Those of another kind than Polyak's have no counterpart in MMEngine and are left out."""
    decay = recipe.polyak or (recipe.average or {}).get("decay")
    return [dict(type="EMAHook", ema_type="ExponentialMovingAverage", momentum=1 - decay)] if decay else []


def foreign_modules(config: dict[str, Any]) -> list[str]:
    """The files that register those modules of a network which the library of its type does not bring itself."""
    scope, dot, _ = str(config.get("type")).partition(".")
    plain = None if dot else MODELS.get(scope)  # a network in MMEngine's root registry
    return sorted(_foreign(config, scope) | ({plain.__module__} if plain else set()))


def _foreign(config: Any, scope: str) -> set[str]:
    if isinstance(config, list | tuple):
        return {name for item in config for name in _foreign(item, scope)}
    if not isinstance(config, dict):
        return set()
    found = {name for item in config.values() for name in _foreign(item, scope)}
    cls = MODELS.get(config["type"]) if "." in str(config.get("type")) else None
    return found if cls is None or cls.__module__.startswith(f"{scope}.") else found | {cls.__module__}
