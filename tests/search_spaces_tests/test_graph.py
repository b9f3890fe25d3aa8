"""Networks as nodes and edges: of every space, and that they say how its network is wired."""

from __future__ import annotations

import json
from random import Random

import pytest

from benchmarks.catalogue import benchmarks, read_protocol
from core import build
from search_spaces import SPACES
from search_spaces.decoder_cells.space import DecoderCells
from search_spaces.decoder_templates.space import DecoderTemplates
from search_spaces.fpn_cells.space import FPNCells
from search_spaces.graph import Graph, listed
from search_spaces.head_cells.space import HeadCells
from search_spaces.mbconv.space import MOBILENET_V2, MBConv
from search_spaces.meta_kernel.space import MetaKernels
from search_spaces.nasnet_cells.space import NASNetCells
from search_spaces.restoration_cells.space import RestorationCells
from search_spaces.table.space import TableSpace

CONFIGS = sorted({json.dumps(read_protocol(name)["benchmark"]["space"], sort_keys=True) for name in benchmarks()})


def sources(graph: Graph, name: str) -> list[str]:
    return [source for source, target in graph.edges if target == name]


@pytest.mark.parametrize("config", CONFIGS)
def test_every_space_draws_its_networks(config: str) -> None:
    """Data passes the nodes in their order, equal networks are drawn alike, and others, as a rule, not."""
    space = build(SPACES, json.loads(config))
    drawn = {}
    for seed in range(12):
        arch = space.sample(Random(seed))
        graph = space.graph(arch)
        order = {name: place for place, name in enumerate(graph.nodes)}
        assert all(order[source] < order[target] for source, target in graph.edges)
        assert len(graph.edges) == len(set(graph.edges))
        assert space.wiring(dict(arch.canonical)) == graph
        drawn[arch.key] = str(graph)
    assert len(set(drawn.values())) == len(drawn)


def test_a_decoder() -> None:
    space = DecoderCells()
    graph = space.graph(space.read([[8, [0, 0, 5, 2], [0, 2, 8, 8], [0, 5, 1, 4]], [[3, 3], [3, 2], [3, 0]]]))
    assert sources(graph, "block0") == ["tap3"]
    assert sources(graph, "scores") == ["block0", "block1", "block2"]
    assert "tap1" not in graph.nodes  # which no block reads
    assert graph.nodes["cell.op0"].label == "sep5_dil6"
    assert sources(graph, "cell.output") == ["cell.op0", "cell.layer1", "cell.layer2", "cell.layer3"]


def test_meta_kernels() -> None:
    """Every layer reads the two before it, the first the one that there is."""
    space = MetaKernels(depth=1)
    graph = space.graph(space.read([["meta"], ["sep3", "skip"], ["max3", "dil3"], ["avg3", "meta"]]))
    assert sources(graph, "stage0.layer0") == ["stage0.layer0.last"]
    assert sources(graph, "stage2.layer0") == ["stage2.layer0.last", "stage2.layer0.before"]
    assert sources(graph, "stage1.layer0.before") == ["first"]
    assert sources(graph, "stage3.layer0.before") == ["stage1.layer0"]
    assert graph.nodes["stage2.layer0.before"].label == "dil3"


def test_templates() -> None:
    space = DecoderTemplates(layers=4)
    templates = [[0, 3, 1], [2, 5, 0], [4, 4, 0]]  # of which one has no layer
    graph = space.graph(space.read([templates, [[0, 1, 2, 3, 1], [2, 2, 0, 1, 0], [0, 3, 0, 1, 0], [1, 3, 2, 0, 0]]]))
    assert [sources(graph, f"layer{k}") for k in (0, 1, 3)] == [["tap0", "tap1"], ["layer0"], ["tap1", "layer1"]]
    assert sources(graph, "scores") == ["layer2", "layer3"]
    assert graph.nodes["layer0"].label == "template 0, 4 x, stride 2"
    assert (graph.nodes["template1.b"].label, graph.nodes["template1.join"].label) == ("max3", "concat")
    assert "template2.a" not in graph.nodes


def test_a_feature_pyramid() -> None:
    """Of four outputs that no block reads the first is added to P3, P4 and P5."""
    space = FPNCells(blocks=4)
    graph = space.graph(space.read([[0, 1, 0, 0, 0], [1, 2, 1, 1, 1], [2, 3, 2, 2, 0], [3, 3, 3, 4, 1]]))
    assert sources(graph, "P5") == ["fpn.block1", "fpn.block0"]
    assert sources(graph, "P3") == ["fpn.block3", "fpn.block0"]
    assert (sources(graph, "P6"), sources(graph, "P7")) == (["P5"], ["P6"])
    assert [graph.nodes[f"fpn.block{k}"].label for k in range(4)] == ["sum", "concat", "sum", "concat"]


def test_a_head_shows_what_is_really_shared() -> None:
    space = HeadCells(layers=3)
    graph = space.graph(space.read((2, [4, 1, 2])))
    labels = [node.label for node in graph.nodes.values()]
    assert labels == ["P3 to P7", "conv3, own weights a level", "sep3, shared", "output"]


def test_a_backbone_has_no_absent_layers() -> None:
    space = MBConv()
    graph = space.graph(space.read(MOBILENET_V2))
    assert len(graph.nodes) == sum(map(len, MOBILENET_V2)) == len(graph.edges) + 6


def test_a_restoration_network() -> None:
    space = RestorationCells(nodes=1, layers=3)
    cell = [["conv3", 0], ["none", 1]]
    graph = space.graph(space.read([[cell] * 3, [0, 0, 1]]))
    assert sources(graph, "cell0.node0") == ["cell0.node0.a"]  # and not what gives zeros
    assert sources(graph, "layer2") == ["layer0", "layer1"]
    assert sources(graph, "decoder") == ["layer1", "layer2"]
    assert graph.nodes["layer2"].label == "1 x 15 channels"


def test_two_cells() -> None:
    space = NASNetCells(blocks=2)
    choices = {name: options[-1] for name, options in space.decisions.items()}
    graph = space.graph(space.architecture({**choices, "normal.block1.a.input": 0}))
    assert sources(graph, "normal.block1.a") == ["normal.before"]
    assert sources(graph, "normal.output") == ["normal.block1"]  # which reads the other block
    assert graph.nodes["reduce.block0.b"].label == "sep7"


def test_a_cell_of_a_table() -> None:
    space = TableSpace("transnas-cell")
    choices = dict.fromkeys(space.decisions, "conv3") | {"edge02": "none"}
    graph = space.graph(space.architecture(choices))
    assert sources(graph, "node2") == ["edge12"]
    assert sources(graph, "node3") == ["edge03", "edge13", "edge23"]


def test_choices_of_nobody_are_listed() -> None:
    graph = listed({"a.b.c": 1, "a.b.d": "x", "e": 0.5})
    assert [(node.label, node.group) for node in graph.nodes.values()] == [
        ("c: 1", "a.b"), ("d: x", "a.b"), ("e: 0.5", "decisions")
    ]  # fmt: skip
    assert not graph.edges
