"""Genomes of graphs: innovation numbers, crossover, mutation, what is legal."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from search_spaces.architecture import Architecture
from search_spaces.genomes.genes import Genes, Innovations, Options, Range, Rates, read, write
from search_spaces.genomes.space import GraphSpace

SPACE = GraphSpace({"width": Range(1, 9, whole=True), "act": Options(("relu", "tanh"))}, recipe={"lr": Range(0.1, 1.0)})
OFTEN = Rates(node=0.6, edge=0.6, toggle=0.3, attribute=0.3)


def grown(seed: int, steps: int, innovations: Innovations | None = None) -> Architecture:
    rng, innovations = Random(seed), innovations or SPACE.innovations()
    arch = SPACE.minimal(rng, innovations)
    for _ in range(steps):
        arch = SPACE.evolved(arch, rng, innovations, OFTEN)
    return arch


def graph(nodes: dict[int, int], edges: list[tuple[int, int]]) -> Genes:
    """Nodes with these widths."""
    genes: Genes = {f"node{number}": {"width": width, "act": "relu"} for number, width in nodes.items()}
    genes |= {f"edge{k}": {"source": a, "target": b, "enabled": 1} for k, (a, b) in enumerate(edges)}
    return {**genes, "recipe": {"lr": 0.5}}


CHAIN = graph({2: 4, 3: 5}, [(0, 2), (2, 3), (3, 1)])


def test_the_smallest_has_one_node_in_the_middle_of_an_edge_that_is_off() -> None:
    genes = read(SPACE.minimal(Random(0), SPACE.innovations()).as_dict())
    wires = {(gene["source"], gene["target"]): gene["enabled"] for gene in genes.values() if "source" in gene}
    assert wires == {(0, 1): 0, (0, 3): 1, (3, 1): 1}
    assert genes.keys() == {"edge2", "node3", "edge4", "edge5", "recipe"}


@settings(max_examples=30, derandomize=True, deadline=None)
@given(seeds=some.tuples(*[some.integers(0, 999)] * 3), steps=some.integers(0, 12))
def test_a_crossover_keeps_the_fitters_structure_and_the_order_of_innovations(seeds: Any, steps: int) -> None:
    innovations = SPACE.innovations()
    fitter, other = (grown(seed, steps, innovations) for seed in seeds[:2])
    child = SPACE.cross(fitter, other, Random(seeds[2]))
    ours, theirs, made = (read(arch.as_dict()) for arch in (fitter, other, child))
    assert list(made) == list(ours)  # matching, disjoint and excess genes of the fitter, and no other's
    assert SPACE.flaw(child.as_dict()) is None
    for mark, gene in made.items():
        for name, value in gene.items():
            parents = {ours[mark][name], theirs.get(mark, ours[mark])[name]}
            assert value in parents or (name == "enabled" and 0 in parents)
        if mark in theirs and "source" in gene:  # one number is one change
            assert (gene["source"], gene["target"]) == (theirs[mark]["source"], theirs[mark]["target"])


def test_a_gene_that_is_off_in_a_parent_is_off_in_three_of_four_children() -> None:
    off = {**CHAIN, "edge7": {"source": 0, "target": 3, "enabled": 0}}
    mother, father = (
        SPACE.architecture(write(genes)) for genes in (off, {**off, "edge7": {**off["edge7"], "enabled": 1}})
    )
    children = [SPACE.cross(mother, father, Random(seed))["edge7.enabled"] for seed in range(400)]
    assert 270 < children.count(0) < 330


def test_equal_changes_have_equal_numbers_and_later_ones_larger_numbers() -> None:
    innovations = SPACE.innovations()
    first, second = (SPACE.minimal(Random(seed), innovations) for seed in range(2))
    assert read(first.as_dict()).keys() == read(second.as_dict()).keys()
    assert innovations.number("edge", 0, 3) == 4
    assert innovations.number("edge", 9, 3) == innovations.next - 1 > 5


def test_an_edge_that_is_split_again_has_another_node() -> None:
    innovations, rng = SPACE.innovations(), Random(0)
    genes = read(SPACE.minimal(rng, innovations).as_dict())
    on_again = {
        **genes,
        **{mark: {**gene, "enabled": int(mark == "edge2")} for mark, gene in genes.items() if "source" in gene},
    }
    split = SPACE._split(on_again, rng, innovations)
    assert split is not None
    assert sum(mark.startswith("node") for mark in split) == 2
    assert [gene["enabled"] for mark, gene in split.items() if mark == "edge2"] == [0]


@settings(max_examples=30, derandomize=True, deadline=None)
@given(seed=some.integers(0, 10**6), steps=some.integers(1, 25))
def test_whatever_evolves_makes_a_network(seed: int, steps: int) -> None:
    arch = grown(seed, steps)
    assert SPACE.flaw(arch.as_dict()) is None
    nodes, outputs = SPACE.layers(dict(arch.canonical))
    places = [place for number, node in enumerate(nodes) for place in node["inputs"] if place > number]
    assert not places  # everything is read after it is computed
    assert outputs[0]["inputs"]
    mutant = SPACE.mutate(arch, Random(seed))
    assert mutant != arch
    assert SPACE.flaw(mutant.as_dict()) is None


def test_no_graph_grows_beyond_the_most() -> None:
    space = GraphSpace({"width": Range(1, 9, whole=True)}, most=3)
    arch = space.sample(Random(0))
    for seed in range(60):
        arch = space.mutate(arch, Random(seed))
        assert space.flaw(arch.as_dict()) is None
    assert sum(name.endswith("width") for name, _ in arch.choices) == 3


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"node2.width": 10}, r"node2.width cannot be 10: it is one of Range\(low=1, high=9"),
        ({"node2.width": 4.0}, "node2.width cannot be 4.0"),
        ({"node2.act": "gelu"}, "node2.act cannot be 'gelu'"),
        ({"node2.depth": 1}, "node2 has width, act, depth, and must have width, act"),
        (
            {"node1.width": 1, "node1.act": "relu"},
            "'node1' is no gene: give node2 and so on, edge0 and so on, or recipe",
        ),
        ({"node02.width": 1, "node02.act": "relu"}, "'node02' is no gene"),
        ({"depth": 1}, "'' is no gene"),
        ({"edge0.source": 9}, r"edge0.source cannot be 9: give one of \[0, 2, 3\]"),
        ({"edge0.target": 0}, r"edge0.target cannot be 0: give one of \[1, 2, 3\]"),
        ({"edge0.enabled": True}, "edge0.enabled cannot be True"),
        ({"edge0.enabled": 0}, "no way leads from an input to every output"),
        ({"edge9.source": 0, "edge9.target": 2, "edge9.enabled": 1}, "two edges have the same source and target"),
        ({"edge9.source": 3, "edge9.target": 2, "edge9.enabled": 0}, "are a cycle"),
        ({"recipe.lr": 2.0}, "recipe.lr cannot be 2.0"),
    ],
)
def test_what_is_no_graph_is_refused(change: dict[str, Any], sentence: str) -> None:
    SPACE.architecture(write(CHAIN))
    with pytest.raises(ValueError, match=f"these choices make no network: .*{sentence}"):
        SPACE.architecture({**write(CHAIN), **change})
    with pytest.raises(ValueError, match="it has no recipe with lr"):
        SPACE.architecture(write({mark: gene for mark, gene in CHAIN.items() if mark != "recipe"}))
    small = GraphSpace(
        {"width": Range(1, 9, whole=True), "act": Options(("relu",))}, recipe={"lr": Range(0.1, 1.0)}, most=1
    )
    with pytest.raises(ValueError, match="it has 2 nodes, and 1 are the most"):
        small.architecture(write(CHAIN))


def test_twins_can_be_exchanged_and_others_not() -> None:
    """Two equal nodes, told apart by what reads them alone, whichever has which number."""
    crossed = [(0, 2), (0, 3), (2, 4), (3, 5), (4, 1), (5, 1)]
    one, two = (SPACE.architecture(write(graph({2: 1, 3: 1, 4: a, 5: 9 - a}, crossed))) for a in (2, 7))
    assert one == two
    assert one != SPACE.architecture(write(graph({2: 1, 3: 2, 4: 2, 5: 7}, crossed)))
    wide = [(0, 2), (0, 3), (0, 4), (2, 5), (3, 5), (4, 1), (5, 1)]
    other = [(0, 2), (0, 3), (0, 4), (4, 5), (3, 5), (2, 1), (5, 1)]
    alike = [SPACE.architecture(write(graph({2: 1, 3: 1, 4: 1, 5: 1}, edges))) for edges in (wide, other)]
    assert alike[0] == alike[1]
    assert alike[0].key == alike[1].key


def test_differences_count_genes_and_attributes() -> None:
    chain = SPACE.architecture(write(CHAIN))
    assert SPACE.difference(chain, chain) == (0, 0)
    far = {**write(CHAIN), "node2.width": 8, "node3.act": "tanh"}
    assert SPACE.difference(chain, SPACE.architecture(far)) == (0, pytest.approx((4 / 8 + 1) / 5))
    more = SPACE.architecture(write({**CHAIN, "edge7": {"source": 0, "target": 3, "enabled": 1}}))
    assert SPACE.difference(chain, more) == (1 / 7, 0) == SPACE.difference(more, chain)


@pytest.mark.parametrize(
    "one", [Range(1e-4, 0.1, log=True), Range(0.0, 0.7), Range(26, 32, whole=True), Options((1, 3))]
)
def test_attributes_stay_in_their_range(one: Any) -> None:
    value, rng = one.draw(Random(0)), Random(1)
    for _ in range(300):
        other = one.moved(value, rng)
        assert one.holds(other)
        assert other != value
        assert 0 < one.difference(value, other) <= 1
        value = other
    assert one.difference(value, value) == 0


def test_rates_are_probabilities() -> None:
    with pytest.raises(ValueError, match=r"rates must be in \[0, 1\]"):
        Rates(node=1.5)
