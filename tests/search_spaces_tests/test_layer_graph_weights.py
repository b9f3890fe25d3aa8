"""Network morphisms: what a network computes stays where it grows, whatever the graph and however many moves."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import Tensor, nn

from search_spaces import Architecture
from search_spaces.layer_graph.layers import canonical_names, channels, read
from search_spaces.layer_graph.network import LayerGraphNet
from search_spaces.layer_graph.space import LayerGraph
from tasks.weights import changes

TAPS = ("8", "32")
STARTS: dict[str, dict[str, Any]] = {
    "cnn": dict(width=4, depth=3),
    "mobilenet": dict(rows=[[1, 4, 1, 2], [6, 4, 2, 2]], stem=4, stride=2, last=6),
    "resnet": dict(width=4, depths=[1, 1, 1, 1]),
    "densenet": dict(width=4, growth=4, depths=[2, 1]),
}
SPACES = {start: LayerGraph(start, own, most_params=60_000.0, most_layers=60) for start, own in STARTS.items()}


class Whole(nn.Module):
    """A graph, and what decoders and heads put on its taps: a dense convolution, and a depthwise and a dense one."""

    def __init__(self, backbone: nn.Module, widths: list[int]):
        super().__init__()
        self.backbone = backbone
        self.first = nn.Conv2d(widths[0], 3, 3, padding=1)
        each = nn.Conv2d(widths[1], widths[1], 3, padding=1, groups=widths[1])
        self.second = nn.Sequential(each, nn.BatchNorm2d(widths[1]), nn.ReLU(), nn.Conv2d(widths[1], 3, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        a, b = self.backbone(x)
        return self.first(a), self.second(b)


def network(space: LayerGraph, arch: Architecture, taps: tuple[str, ...] = TAPS) -> Whole:
    layers = dict(space.model(arch)["backbone"]["layers"])
    backbone = LayerGraphNet(layers, taps)
    return Whole(backbone, [channels(backbone.graph)[name] for name, _ in backbone.outputs]).eval()


@torch.no_grad()
def scrambled(module: Any) -> Any:
    """No tensor is what another network's begins with."""
    generator = torch.Generator().manual_seed(1)
    for name, value in module.state_dict().items():
        if value.dtype.is_floating_point:
            noise = torch.randn(value.shape, generator=generator)
            value.copy_(noise.abs() + 0.5 if "var" in name else noise / max(1, value[0].numel()) ** 0.5)
    return module.eval()


def off(ours: tuple[Tensor, ...], theirs: tuple[Tensor, ...]) -> float:
    """How far two networks' outputs are from each other, in shares of the largest."""
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(ours, theirs, strict=True))


@torch.no_grad()
def child_of(space: LayerGraph, parent: Architecture, weights: Any, child: Architecture) -> Whole:
    made = network(space, child)
    made.load_state_dict(space.inherit(weights, made.state_dict(), parent, child))
    return made


@settings(max_examples=200, derandomize=True, deadline=None)
@given(start=some.sampled_from(sorted(SPACES)), seed=some.integers(0, 2**32 - 1), at_once=some.integers(1, 5))
def test_what_a_network_computes_stays_where_it_grows(start: str, seed: int, at_once: int) -> None:
    """1,000 moves in all, some several at once, on plain, residual, dense and depthwise networks."""
    space, rng, image = (
        SPACES[start],
        Random(seed),
        torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(2)),
    )
    arch, left = space.first(rng), 5
    net = scrambled(network(space, arch))
    with torch.no_grad():
        before = net(image)
        while left > 0:
            child = space.architecture(dict(arch.canonical))
            for _ in range(min(left, at_once)):
                child = space.move(child, rng)[0]
            left -= at_once
            net = child_of(space, arch, net.state_dict(), child)
            assert off(net(image), before) < 1e-5
            arch = child


def one_move(move: str, start: str = "mobilenet", seed: int = 0, **settings: Any) -> tuple[Any, ...]:
    """A move from a start: the weights of the parent's graph and the child's, by layer, and the child."""
    space = LayerGraph(start, STARTS[start], {move: 1.0}, **settings)
    parent = space.first(Random(0))
    child = space.mutate(parent, Random(seed))
    old = scrambled(network(space, parent)).state_dict()
    fresh = network(space, child).state_dict()
    made = space.inherit(old, fresh, parent, child)
    names = canonical_names(read(child.as_dict()))
    return old, fresh, {f"{name}.": f"backbone.nodes.{new}." for name, new in names.items()}, made, child


def test_a_new_depthwise_convolution_is_an_identity_for_every_channel() -> None:
    """The fork sets the middle of filter 0 alone."""
    seen = 0
    for seed in range(8):
        _, _, names, made, _ = one_move("deeper", seed=seed)
        weight = made[names["deeper0.conv."] + "weight"]
        if weight.shape[1] == 1 < len(weight):
            middle = weight.shape[-1] // 2
            assert torch.equal(weight[:, 0, middle, middle], torch.ones(len(weight)))
            assert weight.sum() == len(weight)
            seen += 1
    assert seen > 1


def test_new_filters_are_copies_and_what_reads_them_does_not_weigh_them_yet() -> None:
    checked = 0
    for seed in range(8):
        old, _, names, made, child = one_move("wider", "cnn", seed)
        before, after = read(LayerGraph("cnn", STARTS["cnn"]).begins.as_dict()), read(child.as_dict())
        for name, layer in after.items():
            if layer.kind != "conv":
                continue
            weight, kept = made[names[f"{name}."] + "weight"], old[f"backbone.nodes.{name}.weight"]
            rows, columns = kept.shape[:2]
            assert torch.equal(weight[:rows, :columns], kept)
            assert not weight[:, columns:].any()
            assert all(any(torch.equal(row[:columns], one) for one in kept) for row in weight[rows:])
            checked += layer.outputs > before[name].outputs
    assert checked == 8


def test_a_new_inverted_residual_can_learn() -> None:
    """Only the last norm is zero, which gets a gradient; zeros behind zeros would get none."""
    _, fresh, names, made, _ = one_move("inverted", seed=2)
    for layer in ("conv2", "conv3"):
        name = names[f"inverted0.{layer}."] + "weight"
        assert made[name] is fresh[name]
    assert not made[names["inverted0.norm3."] + "weight"].any()


def test_noise_is_a_share_of_the_range_of_what_is_not_as_it_was() -> None:
    plain, noisy = (one_move("wider", "cnn", noise=noise) for noise in (0.0, 1e-4))
    again = one_move("wider", "cnn", noise=1e-4)[3]
    changed = 0
    for name, value in plain[3].items():
        assert torch.equal(noisy[3][name], again[name])
        if value is not plain[0].get(name) and value.dim() > 0 and "running" not in name:
            away, most = (noisy[3][name] - value).abs().max(), value.max() - value.min()
            assert away <= 0.51e-4 * most
            changed += bool(away > 0)
        else:
            assert torch.equal(noisy[3][name], value)
    assert changed > 3


def test_noise_does_not_fall_on_what_is_only_called_otherwise() -> None:
    """A layer that is inserted gives all behind it other names."""
    weights, _, _, made, _ = one_move("deeper", "cnn", noise=1e-2)
    theirs = {id(value) for value in weights.values()}
    plain = one_move("deeper", "cnn", noise=0.0)
    kept = [name for name, value in plain[3].items() if id(value) in {id(one) for one in plain[0].values()}]
    assert len([name for name in kept if plain[0].get(name) is not plain[3][name]]) > 3
    assert all(id(made[name]) in theirs for name in kept)


def test_a_parent_gives_the_same_weights_however_its_layers_are_called() -> None:
    """A trial that an equal one has answered may spell its network otherwise."""
    space, rng = SPACES["densenet"], Random(5)
    parent = space.mutate(space.first(rng), rng)
    child = space.mutate(parent, rng)
    assert parent.choices != parent.canonical
    other = space.architecture(dict(parent.canonical))
    old, fresh = network(space, parent).state_dict(), network(space, child).state_dict()
    ours, theirs = (space.inherit(old, fresh, one, child) for one in (parent, other))
    assert all(torch.equal(ours[name], theirs[name]) for name in fresh)


@pytest.mark.parametrize("move", ["narrower", "shallower"])
def test_what_takes_away_keeps_the_rest(move: str) -> None:
    for start in SPACES:
        for seed in range(4):
            old, _, names, made, child = one_move(move, start, seed)
            net = child_of(SPACES[start], SPACES[start].begins, old, child)
            assert all(torch.isfinite(map_).all() for map_ in net(torch.randn(1, 3, 32, 32)))
            for short, name in names.items():
                kept, weight = old.get(f"backbone.nodes.{short}weight"), made.get(f"{name}weight")
                if kept is not None and weight is not None:
                    assert torch.equal(weight, kept[tuple(slice(0, size) for size in weight.shape)])


def test_a_network_of_no_relation_begins_with_what_fits() -> None:
    """Whatever is told, nothing breaks, and the report says where each tensor is from."""
    space = SPACES["resnet"]
    for seed in range(6):
        parent, child = (space.sample(Random(number)) for number in (seed, seed + 100))
        old, fresh = network(space, parent).state_dict(), network(space, child).state_dict()
        made = space.inherit(old, fresh, parent, child)
        assert {name: value.shape for name, value in made.items()} == {name: one.shape for name, one in fresh.items()}
        assert {"copied", "new"} & set(changes(old, fresh, made).values())
