"""Recipes: the published ones, what the tasks make of them, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from torch import nn

from benchmarks.catalogue import read_protocol
from core import build
from search_spaces import SPACES
from strategies.registry import STRATEGIES
from strategies.supernet.training import whole
from tasks import Recipe, Stage
from tasks.optimization import Optimization, rehearse
from tasks.stage import Paramwise

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED: dict[str, Any] = Config.fromfile(ROOT / "benchmarks/configs/recipes.py").to_dict()
LENGTH = dict(nas_fcos_final=88_716, ir_nas_final=600_002)  # steps, where schedules count them; else 40 an epoch


def published(name: str, **settings: Any) -> Recipe:
    return Stage.of(dict(name=name, recipe={**PUBLISHED[name], **settings})).recipe


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_recipe_can_train(name: str) -> None:
    recipe = published(name)
    rehearse(recipe, LENGTH.get(name, 40 * recipe.epochs))


@pytest.mark.parametrize(("benchmark", "name"), [("voc-fcos-v3", "nas_fcos_final"), ("coco-ssdlite-v4", "fna_final")])
def test_protocols_of_papers_end_with_their_recipes(benchmark: str, name: str) -> None:
    final = read_protocol(benchmark, {"benchmark.final.recipe.batch": 64})["benchmark"]["final"]
    assert Stage.of(final).recipe == published(name, batch=64, resumable=True)


def test_the_search_of_network_adaptation_is_the_published_one() -> None:
    """That of Rana and Kim: 6^20 * 3 networks of all their layers, and a rate that falls before the last two epochs."""
    protocol = read_protocol("coco-ssdlite-fna-search-v1")
    assert build(SPACES, protocol["benchmark"]["space"]).size == 3 * 6**20
    strategy: Any = build(STRATEGIES, protocol["strategies"]["fna"])
    assert (strategy.epochs, strategy.warmup, strategy.cost_weight, strategy.cost_base) == (24, 20, 0.2, 10.0)
    weights = whole(strategy.stages(Stage.of(protocol["benchmark"]["stages"][0]))[0], strategy.epochs).recipe
    assert weights == published("network_adaptation_search")
    rehearse(weights, 24 * 40)


@pytest.mark.parametrize("task", ["segmentation", "detection", "denoise"])
def test_darts_of_second_order_is_played_with_the_published_optimiser(task: str) -> None:
    protocol = read_protocol(f"scenes-darts-{task}-v1")
    own = Stage.of(protocol["benchmark"]["stages"][0]).recipe
    assert own == published("darts_search", epochs=own.epochs, batch=own.batch)
    assert protocol["strategies"]["darts_second_order"]["order"] == 2


def test_large_encoders_train_twice_as_long_to_the_published_steps() -> None:
    recipe = Stage.of(read_protocol("voc-fcos-resnet101-v1")["benchmark"]["final"]).recipe
    rehearse(recipe, 2 * LENGTH["nas_fcos_final"])
    assert recipe.schedule[1]["milestones"] == [120_000, 160_000]  # type: ignore[index]


def test_the_recipe_of_the_docs_can_train() -> None:
    (block,) = re.findall(r"```python\nrecipe=(.*?)\n```", (ROOT / "docs/recipes.md").read_text(), re.DOTALL)
    recipe = Stage.of(dict(name="docs", recipe=eval(block))).recipe
    rehearse(recipe, 600)
    with pytest.raises(ValueError, match="'LinearLR' goes on to steps 500, but there are 480"):
        rehearse(recipe, 480)
    for name in PUBLISHED:
        assert f"`{name}`" in (ROOT / "docs/recipes.md").read_text()


def rates(recipe: Recipe, steps: int) -> list[float]:
    """The learning rate of every step of a training."""
    network = nn.Conv2d(1, 1, 1)
    weights = list(network.parameters())
    optimization, found = Optimization(recipe, network, weights, [], steps), []
    for _ in range(recipe.epochs):
        for _ in range(steps // recipe.epochs):
            found.append(optimization.rates(weights)[0])
            optimization.step(network(torch.ones(1, 1, 1, 1)).sum())
        optimization.end_epoch()
    return found


def test_published_rates_are_those_of_the_sources() -> None:
    adaptation = rates(published("network_adaptation_search"), 24 * 40)
    assert [adaptation[step] for step in (0, 249, 499, 879)] == pytest.approx([6e-5, 0.015, 0.03, 0.03])
    assert adaptation[880:] == pytest.approx([0.003] * 80)
    fna = rates(published("fna_final", epochs=300), 600)
    assert [fna[step] for step in (0, 360)] == pytest.approx([0.2 / 3, 0.2 * 0.1 * (1 / 3 + 2 / 3 * 360 / 499)])
    for name in ("darts_search", "ir_nas_search"):
        epochs = published(name).epochs
        cosine = rates(published(name), epochs)
        assert [cosine[0], cosine[epochs // 2]] == pytest.approx([0.025, 0.013])
        assert 0.001 < cosine[-1] < 0.0011


def test_biases_learn_twice_as_fast_and_do_not_decay() -> None:
    """Also those of norms, as in the code of NAS-FCOS and HiNAS."""
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    optimization = Optimization(
        published("nas_fcos_final"), network, list(network.parameters()), [], LENGTH["nas_fcos_final"]
    )
    weights, biases = optimization.optimizers[0].param_groups
    assert weights["params"] == [network[0].weight, network[1].weight]
    assert biases["params"] == [network[0].bias, network[1].bias]
    assert (weights["initial_lr"], biases["initial_lr"]) == (0.01, 0.02)
    assert (weights["weight_decay"], biases["weight_decay"]) == (1e-4, 0.0)


# What is refused.

SGD = dict(type="SGD", lr=0.1, weight_decay=0.0)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (dict(optimizer=dict(type="SDG", lr=0.1)), "unknown optimizer 'SDG': did you mean 'SGD'"),
        (
            dict(optimizer=dict(type="os.PathLike", lr=0.1)),
            "'os.PathLike' is no optimizer: give a class that derives from Opt",
        ),
        (
            dict(optimizer=dict(type="SGD", lr=0.1, momentun=0.9)),
            "setting of optimizer 'SGD' 'momentun': did you mean 'momentum'",
        ),
        (dict(optimizer=dict(type="SGD", lr="big")), "optimizer 'SGD' cannot be built: .*'str' and 'float'"),
        (dict(optimizer=dict(type="SGD", lr=-1.0)), "Invalid learning rate: -1.0"),
        (dict(optimizer=dict(type="LBFGS", lr=0.1)), r"the recipe cannot train \(TypeError: .*closure"),
        (dict(optimizer=SGD, encoder=dict(beta=1)), "unknown setting of optimizer 'SGD' 'beta'"),
        (
            dict(optimizer=SGD, paramwise_cfg=Paramwise(custom_keys={"0": dict(lr_mul=2)})),
            "unknown setting of optimizer 'SGD' 'lr_mul'",
        ),
        (dict(optimizer=dict(type="SGD", lr=0.1), paramwise_cfg=Paramwise()), "multiplies weight_decay, too: give it"),
        (dict(schedule=(dict(type="LinearLR", ends=3),)), "setting of schedule 'LinearLR' 'ends': did you mean 'end'"),
        (dict(schedule=(dict(end=3),)), "unknown schedule 'None'"),
        (dict(schedule=(dict(type="WarmUp"),)), "unknown schedule 'WarmUp'"),
        (dict(schedule=(dict(type="LinearLR", end=13, by_epoch=False),)), "goes on to steps 13, but there are 12"),
        (dict(schedule=(dict(type="LinearLR", end=500),)), "goes on to epochs 500, but there are 3"),
        (
            dict(schedule=(dict(type="MultiStepLR", milestones=[2, 4]),)),
            "'MultiStepLR' goes on to epochs 4, but there are 3",
        ),
        (dict(schedule=(dict(type="CosineAnnealingLR", T_max=4),)), "'CosineAnnealingLR' goes on to epochs 4"),
        (dict(schedule=(dict(type="LinearLR", start_factor=0.0),)), "cannot train .ZeroDivisionError"),
        (dict(schedule=(dict(type="ReduceOnPlateauLR"),)), "'ReduceOnPlateauLR' waits for scores"),
        (
            dict(schedule=(dict(type="ConstantMomentum"),), optimizer=dict(type="Adagrad", lr=0.1)),
            "must support momentum",
        ),
        (dict(average=dict(type="Polyak")), "average 'Polyak' cannot be built: .*'decay'"),
        (dict(average=dict(type="Polyak", decay=1.0)), "decay of an average must be between 0 and 1, not 1.0"),
        (dict(average=dict(type="Mean", decay=0.9)), "unknown average 'Mean'"),
    ],
)
def test_what_cannot_train_is_refused_in_a_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        rehearse(Recipe(epochs=3, **settings), steps=12)
    assert "\n" not in str(refused.value)


def test_a_stage_that_goes_on_may_have_a_schedule_longer_than_itself() -> None:
    longer = (dict(type="CosineAnnealingLR", end=9),)
    rehearse(Recipe(epochs=3, schedule=longer, continued=True), steps=12)
    with pytest.raises(ValueError, match="goes on to epochs 9"):
        rehearse(Recipe(epochs=3, schedule=longer), steps=12)
