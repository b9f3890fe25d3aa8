"""Backbones of DeepNEAT: what a graph computes, its taps, the templates that take it, and the recipe it may decide."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest
import torch
from mmengine.registry import MODELS
from scrambled import noise, scramble
from torch.nn import functional as F

from search_spaces.deepneat.network import DeepNEATBackbone
from search_spaces.deepneat.space import DeepNEAT, strides
from search_spaces.genomes.genes import Genes, write
from tasks import Recipe, Stage, View
from tasks.decoding.templates import EncoderDecoder
from tasks.detection.templates import FCOS, RetinaNet, SSDLite
from tasks.trainable import build_network

SPACE = DeepNEAT(width=0.125)


def layer(inputs: list[int], filters: int, pool: str = "none", **settings: Any) -> dict[str, Any]:
    return dict(inputs=inputs, filters=filters, kernel=3, dropout=0.0, init=1.0, pool=pool) | settings


def genes(pools: str, *more: tuple[int, int]) -> Genes:
    """A chain of layers, "m" those that pool, and more edges."""
    chain = {2 + k: layer([], 4 + k, {"m": "max"}.get(pool, "none")) for k, pool in enumerate(pools)}
    nodes = {f"node{number}": {name: row[name] for name in SPACE.attributes["node"]} for number, row in chain.items()}
    edges = [*zip([0, *chain], [*chain, 1], strict=True), *more]
    return nodes | {f"edge{k}": {"source": a, "target": b, "enabled": 1} for k, (a, b) in enumerate(edges)}


def test_ranges_are_the_papers() -> None:
    whole = DeepNEAT(recipe=True)
    found = {name: (one.low, one.high) for name, one in whole.attributes["node"].items() if hasattr(one, "low")}  # type: ignore[attr-defined]
    assert found == {"filters": (32, 256), "dropout": (0, 0.7), "init": (0, 2)}
    assert SPACE.attributes["node"]["filters"].holds(4)
    assert not SPACE.attributes["node"]["filters"].holds(33)
    for seed in range(20):
        recipe = whole.model(whole.sample(Random(seed)))
        assert 1e-4 <= recipe["recipe"]["optimizer"]["lr"] <= 0.1
        assert 0.68 <= recipe["recipe"]["optimizer"]["momentum"] <= 0.99
    with pytest.raises(ValueError, match="width must be positive, not 0"):
        DeepNEAT(width=0)
    with pytest.raises(ValueError, match="chain from 0 to most, not 8, 1 and 0"):
        DeepNEAT(most=0)


@torch.no_grad()
def test_a_small_graph_computes_what_it_says() -> None:
    layers = [layer([0], 5), layer([0, 1], 6, "max"), layer([1, 2], 3, kernel=1)]
    network = scramble(DeepNEATBackbone(4, layers, [3]))
    x = noise(2, 3, 36, 64)
    stem = network.stem(x)
    a = network.layers["0"](stem)
    b = network.layers["1"](F.max_pool2d(torch.cat([stem, a], 1), 2, ceil_mode=True))
    c = network.layers["2"](torch.cat([F.max_pool2d(a, 2, ceil_mode=True), b], 1))
    quarter, eighth, sixteenth, last = network(x)
    assert torch.equal(quarter, a)  # what no layer reads at this stride
    assert torch.equal(eighth, c)
    assert torch.equal(sixteenth, F.max_pool2d(c, 2, ceil_mode=True))
    assert torch.equal(last, F.max_pool2d(c, 4, ceil_mode=True))
    assert [tuple(conv.weight.shape[1:]) for conv, *_ in network.layers.values()] == [(4, 3, 3), (9, 3, 3), (11, 1, 1)]


@pytest.mark.parametrize("seed", range(4))
@torch.no_grad()
def test_taps(seed: int) -> None:
    config = SPACE.model(SPACE.sample(Random(seed)))["backbone"]
    network = MODELS.build(config).eval()
    maps = network(torch.zeros(2, 3, 100, 64))
    assert [tuple(x.shape[2:]) for x in maps] == [(math.ceil(100 / stride), 64 // stride) for stride in (4, 8, 16, 32)]
    fewer = MODELS.build({**config, "taps": ["32+", "8"]}).eval()
    fewer.load_state_dict(network.state_dict())
    assert all(torch.equal(x, maps[k]) for x, k in zip(fewer(torch.zeros(2, 3, 100, 64)), (3, 1), strict=True))
    with pytest.raises(ValueError, match="unknown tap '64'"):
        MODELS.build({**config, "taps": ["64"]})


def test_every_layer_learns_from_the_last_tap() -> None:
    """So a classifier, which reads no other, trains all of a graph, with a part that goes round its poolings as well."""
    config = SPACE.model(SPACE.architecture(write(genes(".m.mm.", (2, 1), (0, 4)))))["backbone"]
    network = build_network({**config, "taps": ["32"]}, 0, "cpu")
    network(torch.randn(4, 3, 64, 64))[0].square().sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())


def test_pooling_beyond_the_last_stride_is_none() -> None:
    once, twice = (SPACE.architecture(write(genes(pools))) for pools in ("mmm.", "mmmm"))
    assert once == twice
    assert once.canonical != SPACE.architecture(write(genes("mm.m"))).canonical
    assert SPACE.model(twice)["backbone"]["layers"][-1]["pool"] == "none"
    nodes = SPACE.graph(twice).nodes
    assert nodes["node3"].label == "3x3, 7 wide, dropout 0.00"
    assert nodes["node2"].label == "3x3, 6 wide, dropout 0.00, max pooling"


def test_a_canonical_form_has_the_layers_of_its_answer() -> None:
    """At their strides, whichever of them pool in vain."""
    space = DeepNEAT(width=0.125, growth=20, chain=2)
    for seed in range(150):
        arch = space.sample(Random(seed))
        both = [
            sorted(
                (stride, layer["filters"], layer["kernel"], layer["dropout"], layer["init"])
                for stride, layer in zip(strides(layers)[1:], layers, strict=True)
            )
            for layers, _ in map(space.layers, (arch.as_dict(), dict(arch.canonical)))
        ]
        assert both[0] == both[1]


def test_weights_begin_as_large_as_a_layer_says() -> None:
    one, large = (build_network({"type": "densebench.DeepNEATBackbone", "stem": 4, "outputs": [1], **more}, 0, "cpu")
                  for more in ({"layers": [layer([0], 8, init=1.0)]}, {"layers": [layer([0], 8, init=1.5)]}))  # fmt: skip
    assert torch.allclose(1.5 * one.layers["0"][0].weight, large.layers["0"][0].weight)


@pytest.mark.parametrize(
    "template", [EncoderDecoder(width=8), FCOS(), RetinaNet(), SSDLite()], ids=lambda one: type(one).__name__
)
def test_templates_take_the_backbone(template: Any) -> None:
    for seed in range(2):
        parts = SPACE.model(SPACE.sample(Random(seed)))
        network = MODELS.build(template.config(parts, {}, 3, (64, 64)))
        assert isinstance(network.backbone, DeepNEATBackbone)


def test_a_recipe_takes_the_place_of_a_stages_own() -> None:
    space = DeepNEAT(width=0.125, recipe=True)
    recipe = dict(lr=0.01, momentum=0.9, nesterov=1, hue=20.0, shift=0.1, scale=0.2, crop=26, zoom=0.3, mirror=0)
    parts = space.model(space.architecture({**write(genes(".")), **write({"recipe": recipe})}))
    stage = Stage("short", View(size=(32, 32), jitter=0.1), Recipe(epochs=2, batch=4))
    seen = stage.decided(parts["view"], parts["recipe"])
    assert seen.view.scale == pytest.approx((32 / 26, 1.3 * 32 / 26))
    assert (seen.view.mirror, seen.view.hsv, seen.view.jitter) == (False, (20.0, 0.1, 0.2), 0.1)
    optimizer = dict(type="SGD", lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-5)
    assert (seen.recipe.optimizer, seen.recipe.epochs, seen.recipe.batch) == (optimizer, 2, 4)
    assert DeepNEAT().model(DeepNEAT().sample(Random(0))).keys() == {"backbone"}
