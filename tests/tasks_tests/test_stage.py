"""Stages as configs write them, and what a task makes of their settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tasks import Recipe, Stage, View
from tasks.toy import ToyTask


def test_a_stage_is_a_view_a_recipe_and_options() -> None:
    config = dict(
        name="short", view=dict(size=[32, 48], train=["train"]), recipe=dict(epochs=2, lr=1), options=dict(b=1, a=2)
    )
    stage = Stage.of(config)
    assert stage == Stage("short", View(size=(32, 48)), Recipe(2, lr=1.0), (("a", 2), ("b", 1)))
    assert set(stage.settings()) == {"size", "epochs", "lr"}
    assert hash(stage) == hash(Stage.of(config))


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (dict(recipe=dict(epochs=1)), "a stage has no 'name'"),
        (dict(name="a"), "stage 'a' has no 'recipe'"),
        (dict(name="a", recipe=dict(epochs=1), epochs=3), "unknown entry of stage 'a' 'epochs'"),
        (dict(name="a", recipe=dict(epoch=1)), "recipe of stage 'a' 'epoch': did you mean 'epochs'"),
        (dict(name="a", recipe={}), "the recipe of stage 'a' has no 'epochs'"),
        (dict(name="a", recipe=dict(epochs="3")), "epochs of the recipe of stage 'a' must be a whole number, not '3'"),
        (dict(name="a", recipe=dict(epochs=-1)), "stage 'a': epochs must not be negative and batch at least 1, not -1"),
        (dict(name="a", recipe=dict(epochs=1, lr=0.0)), "stage 'a': lr must be positive, not 0.0"),
        (dict(name="a", recipe=dict(epochs=1, polyak=1.0)), "stage 'a': weight_decay .* polyak in"),
        (dict(name="a", recipe=dict(epochs=1, schedule="step")), "schedule of the recipe of stage 'a' must be one"),
        (dict(name="a", recipe=dict(epochs=1, schedule=[3])), "schedule of the recipe of stage 'a' must be one of"),
        (dict(name="a", recipe=dict(epochs=1, schedule="poly", continues=True)), "stage 'a': .* constant schedule"),
        (
            dict(name="a", recipe=dict(epochs=1, schedule=[dict(type="StepLR")], continues=True)),
            "an end in each of its",
        ),
        (dict(name="a", recipe=dict(epochs=1, optimizer="SGD")), "optimizer of the recipe of stage 'a' must be a dict"),
        (
            dict(name="a", recipe=dict(epochs=1, optimizer=dict(type="SGD", lr=1), lr=1)),
            "lr is short for what optimizer says",
        ),
        (
            dict(name="a", recipe=dict(epochs=1, optimizer=dict(type="SGD"))),
            "stage 'a': optimizer has no lr: give it one",
        ),
        (dict(name="a", recipe=dict(epochs=1, encoder=dict(type="SGD"))), "stage 'a': encoder has no lr: give it one"),
        (dict(name="a", recipe=dict(epochs=1, encoder={}, encoder_lr=1)), "encoder_lr is short for what encoder says"),
        (dict(name="a", recipe=dict(epochs=1, average={}, polyak=0.9)), "polyak is short for what average says itself"),
        (
            dict(name="a", recipe=dict(epochs=1, paramwise_cfg=dict(bias_mult=2))),
            "the paramwise_cfg of the recipe of stage 'a' 'bias_mult': did you mean 'bias_lr_mult'",
        ),
        (dict(name="a", recipe=dict(epochs=1), view=dict(size=[0, 4])), "stage 'a': size and eval_size must be at"),
        (dict(name="a", recipe=dict(epochs=1), view=dict(size=[4])), "size of the view of stage 'a' must have 2 items"),
        (dict(name="a", recipe=dict(epochs=1), view=dict(train=[])), "stage 'a': train names no split"),
        (dict(name="a", recipe=dict(epochs=1), view=dict(share=0)), "stage 'a': share must be in"),
        (dict(name="a", recipe=dict(epochs=1), view=dict(half=7)), "stage 'a': half must be 0, 1 or None, not 7"),
        (dict(name="a", recipe=dict(epochs=1), view=dict(scale=[2, 1])), "stage 'a': scale must be"),
        (dict(name="a", recipe=dict(epochs=1), view=dict(jitter=-0.1)), "stage 'a': jitter and copies"),
    ],
)
def test_what_is_wrong_is_named(config: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Stage.of(config)


def test_a_recipe_that_names_classes_can_be_a_key() -> None:
    config = dict(epochs=1, optimizer=dict(type="SGD", lr=1), schedule=[dict(type="MultiStepLR", milestones=[1])])
    one, other = (
        Stage.of(dict(name="a", recipe={**config, **more})) for more in ({}, dict(average=dict(type="Polyak")))
    )
    assert {one: 1}[Stage.of(dict(name="a", recipe=config))] == 1
    assert one != other
    assert (one.recipe.names_classes, Recipe(1, polyak=0.9).names_classes) == (True, False)


def test_a_task_refuses_what_it_does_not_read() -> None:
    @dataclass(frozen=True)
    class Options:
        depth: int = 1

    class Curious(ToyTask):
        reads = frozenset({"epochs", "share"})

    task = Curious()
    task.Options = Options
    recipe = dict(epochs=1)
    task.prepare([Stage.of(dict(name="a", view=dict(share=0.5), recipe=recipe, options=dict(depth=2)))])
    assert task.options(Stage.of(dict(name="a", recipe=recipe, options=dict(depth=2)))) == Options(2)
    for more, sentence in (
        (dict(view=dict(copies=1)), "stage 'a' sets copies, which means nothing to Curious: leave it out"),
        (dict(options=dict(deep=2)), "options of stage 'a' 'deep': did you mean 'depth'"),
        (dict(options=dict(depth="2")), "depth of the options of stage 'a' must be a whole number, not '2'"),
    ):
        with pytest.raises(ValueError, match=sentence):
            task.prepare([Stage.of(dict(name="a", recipe=recipe, **more))])
