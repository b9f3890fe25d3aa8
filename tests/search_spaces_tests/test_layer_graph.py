"""Graphs of layers: published starts, what is no network, limits, taps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

import pytest
import torch

from search_spaces.layer_graph.layers import Layers, is_depthwise, madds, params, read
from search_spaces.layer_graph.moves import MOVES
from search_spaces.layer_graph.network import LayerGraphNet
from search_spaces.layer_graph.space import GROWING, SHRINKING, LayerGraph
from search_spaces.layer_graph.starts import STARTS
from tasks import complexity

SMALL: dict[str, dict[str, Any]] = {
    "cnn": dict(width=6),
    "mobilenet": dict(rows=[[1, 4, 1, 2], [6, 6, 2, 2], [6, 6, 1, 2], [6, 6, 1, 2]], stem=4, stride=2, last=6),
    "resnet": dict(width=4, depths=[1, 1, 1]),
    "densenet": dict(width=4, growth=2, depths=[2, 1, 1]),
}
CHAIN = {"a": "conv image 4 k3 s2 g1", "b": "relu a", "end": "tap b"}


def network(space: LayerGraph, arch: Any, taps: tuple[str, ...] = ("4", "8", "16", "32")) -> LayerGraphNet:
    return LayerGraphNet(space.model(arch)["backbone"]["layers"], taps)


@pytest.mark.parametrize("start", STARTS)
def test_costs_are_those_of_the_network_that_is_built(start: str) -> None:
    """Groups are counted, unlike in the fork."""
    space = LayerGraph(start, SMALL[start])
    arch = space.first(Random(0))
    for seed in range(6):
        layers, built = read(arch.as_dict()), network(space, arch, ("4", "32"))
        assert params(layers) == complexity.params(built)
        assert madds(layers, (61, 36)) == complexity.madds(built, (3, 61, 36))
        arch = space.mutate(arch, Random(seed))


def test_a_depthwise_convolution_costs_less_as_published() -> None:
    """1 / N + 1 / D_K^2 of a dense one, with the 1x1 convolution behind it (Howard et al., 2017, section 3.1)."""
    ends = {"r": "relu c", "end": "tap r"}
    dense = read({"a": "conv image 16 k1 s1 g1", "c": "conv a 32 k3 s1 g1", **ends})
    split = read({"a": "conv image 16 k1 s1 g1", "b": "conv a 16 k3 s1 g16", "c": "conv b 32 k1 s1 g1", **ends})
    before, after, whole = (
        madds(layers, (8, 8)) for layers in (read({"a": "conv image 16 k1 s1 g1", "end": "tap a"}), split, dense)
    )
    assert (after - before) / (whole - before) == pytest.approx(1 / 32 + 1 / 9)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"b": "relu c"}, "b reads c, and there is no such layer"),
        ({"b": "relu b"}, "b reads b, which read it in turn"),
        ({"b": "swish a"}, "b cannot be 'swish a': write a layer as"),
        ({"b": 3}, "b cannot be 3: write a layer as"),
        ({"b": ["relu", "a"]}, r"b cannot be \['relu', 'a'\]: write a layer as"),
        ({"a": "conv image 4 k2 s1 g1"}, "a cannot be 'conv image 4 k2 s1 g1'"),
        (
            {"a": "conv image 4 k3 s1 g2"},
            "the 2 groups of a do not divide the channels that it reads and gives, 3 and 4",
        ),
        ({"b": "add a,a"}, "b reads a layer twice: a,a"),
        ({"b": "add a,image"}, "b brings maps of different strides together: 1, 2"),
        ({"a": "conv image 4 k3 s1 g1", "b": "add a,image"}, "b brings maps of different channels together: 3, 4"),
        ({"end": "relu b"}, "a network has at least one tap"),
        ({"other": "tap a"}, r"one of a stride, not taps of strides \[2, 2\]"),
        ({"a": "relu image"}, "a network has at least one convolution"),
    ],
)
def test_what_is_no_network_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"these choices make no network: .*{sentence}"):
        LayerGraph().architecture({**CHAIN, **change})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (dict(start="cnm"), "unknown start 'cnm': did you mean 'cnn'?"),
        (dict(settings=dict(widths=3)), "unknown setting of the start cnn 'widths': did you mean 'width'?"),
        (dict(settings=dict(width="8")), "width of the start cnn must be a whole number, not '8'"),
        (
            dict(start="resnet", settings=dict(depths=[2, 0])),
            r"depths of the start resnet must be at least 1, not \[2, 0\]",
        ),
        (dict(settings=dict(depth=-1)), "depth of the start cnn must be at least 1, not -1"),
        (dict(moves={"deeper": 1.0, "wide": 1.0}), "unknown move 'wide': did you mean 'wider'?"),
        (dict(moves={"deeper": 0.0}), "a rate positive"),
        (dict(steps=0), "steps must be at least 1"),
        (dict(most_params=1e3), "it has 75,910 parameters, more than the 1,000 of the space"),
        (dict(most_layers=2), "it has 3 convolutions, more than the 2 of the space"),
        (dict(most_madds=1e6, input_size=(32, 32)), "it has 13,565,952 MAdds, more than the 1,000,000 of the space"),
        (
            dict(most_madds=1e6),
            "most_madds and the positive input_size that they are of go together, not 1000000.0 and None",
        ),
        (dict(input_size=(32, 32)), "most_madds and the positive input_size .* not None and"),
        (dict(most_madds=1e6, input_size=(32, 0)), r"the positive input_size .* and \(32, 0\)"),
    ],
)
def test_bad_settings_are_one_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        LayerGraph(**settings)


def test_nobody_proposes_a_network_beyond_the_limits() -> None:
    space = LayerGraph("mobilenet", SMALL["mobilenet"], most_params=4_000.0, most_layers=24)
    arch, largest = space.first(Random(0)), 0
    for seed in range(60):
        arch = space.mutate(arch, Random(seed))
        largest = max(largest, params(read(arch.as_dict())))
    assert 3_000 < largest <= 4_000


def test_nobody_proposes_a_network_of_more_madds_than_the_limit() -> None:
    space = LayerGraph("mobilenet", SMALL["mobilenet"], most_madds=250_000.0, input_size=(60, 48))
    arch = space.first(Random(0))
    archs = [space.sample(Random(seed)) for seed in range(10)]
    for seed in range(60):
        archs.append(arch := space.mutate(arch, Random(seed)))
    assert 200_000 < max(madds(read(arch.as_dict()), (60, 48)) for arch in archs) <= 250_000


@pytest.mark.parametrize(
    "limits",
    [
        lambda start: dict(most_params=float(params(start)), most_layers=3),
        lambda start: dict(most_madds=float(madds(start, (32, 32))), input_size=(32, 32)),
    ],
    ids=["params", "madds"],
)
def test_at_its_limits_a_network_moves_away_from_them(limits: Callable[[Layers], dict[str, Any]]) -> None:
    """A search that only grows networks never ends there."""
    start = read(LayerGraph("cnn", SMALL["cnn"]).begins.as_dict())
    space = LayerGraph("cnn", SMALL["cnn"], **limits(start))
    assert {space.move(space.begins, Random(seed))[1] for seed in range(20)} == {"shallower"}


def test_where_nothing_can_be_taken_away_a_network_grows() -> None:
    space = LayerGraph(settings=dict(width=4, depth=2), moves=dict(narrower=1.0, shallower=1.0))
    arch, moves = space.first(Random(0)), set[str]()
    for seed in range(8):
        arch, name = space.move(arch, Random(seed))
        moves.add(name)
    assert moves & set(GROWING)
    assert moves & set(SHRINKING)


def test_moves_are_drawn_at_their_rates_and_named() -> None:
    space = LayerGraph("mobilenet", SMALL["mobilenet"], dict(deeper=3.0, wider=1.0, add=0.0))
    start = space.first(Random(0))
    drawn = Counter(space.move(start, Random(seed))[1] for seed in range(200))
    assert drawn.keys() == {"deeper", "wider"}
    assert 2 < drawn["deeper"] / drawn["wider"] < 4.5


def test_a_layer_is_no_wider_than_its_text_can_say() -> None:
    space = LayerGraph("mobilenet", SMALL["mobilenet"], dict(wider=1.0), most_params=1e12)
    arch = space.first(Random(0))
    for seed in range(200):
        arch = space.mutate(arch, Random(seed))
        assert hash(arch)
    assert max(layer.outputs for layer in read(arch.as_dict()).values()) > 4096


def test_a_wider_network_widens_the_groups_that_read_it() -> None:
    space = LayerGraph("mobilenet", SMALL["mobilenet"], dict(wider=1.0))
    widened = 0
    for seed in range(30):
        layers = read(space.mutate(space.first(Random(0)), Random(seed)).as_dict())
        before = read(space.first(Random(0)).as_dict())
        each = [
            name for name, layer in layers.items() if layer.kind == "conv" and layer.kernel == 3 and layer.groups > 1
        ]
        assert all(is_depthwise(layers[name], layers[name].outputs) for name in each)
        widened += sum(layers[name].groups == 2 * before[name].groups for name in each)
    assert widened > 5


def test_taps_that_a_graph_has_not_are_pooled_from_finer_ones() -> None:
    space = LayerGraph("cnn", SMALL["cnn"])
    net = network(space, space.first(Random(0)), ("4", "8", "16", "32", "16+")).eval()
    maps = net(torch.randn(1, 3, 70, 66))
    assert [tuple(x.shape) for x in maps[:4]] == [(1, 6, 18, 17), (1, 6, 9, 9), (1, 6, 5, 5), (1, 6, 3, 3)]
    for fine, coarse in pairwise(maps[1:4]):
        assert torch.equal(torch.nn.functional.max_pool2d(fine, 2, ceil_mode=True), coarse)
    assert torch.equal(maps[4], maps[2])
    with pytest.raises(ValueError, match=r"unknown tap '2': did you mean '32'\?"):
        network(space, space.first(Random(0)), ("2",))
    with pytest.raises(ValueError, match="the graph has no map of stride 4 or finer, only 8: start finer"):
        LayerGraphNet({"a": "conv image 4 k3 s8 g1", "b": "tap a"})


def test_layers_that_no_tap_needs_are_not_built() -> None:
    layers = {**CHAIN, "c": "conv b 4 k3 s2 g1", "quarter": "tap c", "d": "conv c 4 k3 s2 g1", "eighth": "tap d"}
    assert set(LayerGraphNet(layers, ["4"]).nodes) == {"a", "b", "c"}
    assert set(LayerGraphNet(layers).nodes) == {"a", "b", "c", "d"}


@pytest.mark.parametrize("move", MOVES)
def test_every_move_finds_a_place(move: str) -> None:
    space = LayerGraph("mobilenet", SMALL["mobilenet"], {move: 1.0})
    arch = space.mutate(space.first(Random(0)), Random(0))
    grows = params(read(arch.as_dict())) > params(read(space.first(Random(0)).as_dict()))
    assert grows == (move not in ("narrower", "shallower"))
    network(space, arch)(torch.randn(2, 3, 32, 32))


def test_a_graph_is_drawn_with_its_norms_and_activations_and_read_back() -> None:
    space = LayerGraph("mobilenet", SMALL["mobilenet"])
    graph = space.graph(space.read("start"))
    assert [node.label for node in graph.nodes.values()][:3] == [
        "conv 4 k3 s2 g1 bias norm relu",
        "conv 4 k1 s1 g1 bias norm relu",
        "conv 4 k3 s2 g4 bias norm relu",
    ]
    assert space.read(space.begins.as_dict()) == space.begins
    for genotype in (["start"], "begin", 3, {1: "conv image 4 k3 s1 g1"}):
        with pytest.raises(
            ValueError, match="is not a genotype of LayerGraph: write 'start', or the texts of its layers by name"
        ):
            space.read(genotype)
