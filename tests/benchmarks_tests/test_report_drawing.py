"""Drawings of networks: nodes from left to right, none upon another, and what differs is marked."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from random import Random

import pytest

from benchmarks.records.record import Record
from benchmarks.report.answers import Chosen, Report
from benchmarks.report.drawing import HEIGHT, drawings
from benchmarks.report.layout import layout
from benchmarks.report.networks import pair
from core import build
from search_spaces import SPACES
from search_spaces.graph import Graph, listed
from search_spaces.toy.space import ToySpace


@pytest.mark.parametrize(
    "space", ["DecoderCells", "FCOSDecoder", "RestorationCells", "MBConv", "NASNetCells", "MetaKernels"]
)
def test_no_box_lies_upon_another_and_edges_go_to_the_right(space: str) -> None:
    built = build(SPACES, {"type": space})
    for seed in range(8):
        graph = built.graph(built.sample(Random(seed)))
        for group in {node.group for node in graph.nodes.values()}:
            widths = {name: 60.0 for name, node in graph.nodes.items() if node.group == group}
            laid = layout(widths, [edge for edge in graph.edges if set(edge) <= widths.keys()])
            for (x, y), (other_x, other_y) in combinations(laid.places.values(), 2):
                assert abs(x - other_x) >= 60 or abs(y - other_y) >= HEIGHT
            for points in laid.edges.values():
                assert [x for x, _ in points] == sorted(x for x, _ in points)
            width, height = laid.size
            assert all(
                30 <= x <= width - 30 and HEIGHT / 2 <= y <= height - HEIGHT / 2 for x, y in laid.places.values()
            )


def test_a_long_edge_passes_between_boxes() -> None:
    laid = layout(dict.fromkeys("abc", 40.0), [("a", "b"), ("b", "c"), ("a", "c")])
    heights = {y for _, y in laid.edges["a", "c"][1:3]}
    assert all(abs(height - laid.places["b"][1]) >= HEIGHT / 2 for height in heights)


def test_what_the_other_has_not_is_marked() -> None:
    own, other = Graph(), Graph()
    for graph, label in ((own, "conv3"), (other, "sep3")):
        graph.add("a", "input", "cell", kind="map")
        graph.add("b", label, "cell", ["a"])
    own.add("c", "<output>", "cell", ["b"], "join")
    (drawing,) = drawings(own, other)
    assert drawing.svg.count("differs") == 3  # b, c and the edge between them
    assert "&lt;output&gt;" in drawing.svg
    assert "<output>" not in drawing.svg
    assert "differs" not in drawings(own, own)[0].svg
    assert "differs" not in drawings(own)[0].svg


def test_nodes_without_edges_are_a_list() -> None:
    (drawing,) = drawings(listed({"a": 1, "b": "<b>"}))
    assert drawing.svg == (
        '<ul class="boxes"><li class=""><bdi>a: 1</bdi></li><li class=""><bdi>b: &lt;b&gt;</bdi></li></ul>'
    )


def chosen(strategy: str, choices: dict | None) -> Chosen:
    record = Record(Path(), "b", strategy, 0, [], {"benchmark": {"space": {"type": "ToySpace"}}})
    return Chosen(record, {"arch": choices}, Report(), Path())


def test_the_winner_beside_another() -> None:
    arch = ToySpace().sample(Random(0)).as_dict()
    other = {**arch, "layer1.kernel": 5 if arch["layer1.kernel"] == 1 else 1}
    found = pair(chosen("ppo", arch), chosen("random_search", other))
    assert found is not None
    assert found.differ == [("layer1.kernel", str(arch["layer1.kernel"]), str(other["layer1.kernel"]))]
    alone = pair(chosen("ppo", arch), None)
    assert alone is not None
    assert (alone.other, alone.differ) == (None, [])
    assert pair(chosen("unet", None), chosen("random_search", other)) is None
    assert pair(None, None) is None


def test_choices_of_another_space_are_listed() -> None:
    found = pair(chosen("ppo", {"x": 1}), None)
    assert found is not None
    assert "x: 1" in found.winner.drawings[0].svg
