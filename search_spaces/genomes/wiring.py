"""What is wired to what in a genome, and an order of its nodes that does not depend on their numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

from search_spaces.genomes.genes import Gene, Genes

ENDS = ("source", "target")
WIRES = (*ENDS, "enabled")  # of an edge, beside its attributes

Wires = Mapping[int, Mapping[int, str]]  # of a node its sources, each with the mark of the edge


def leads(genes: Genes, inputs: Sequence[int], outputs: Sequence[int]) -> bool:
    """Is every output on a way from an input?"""
    after: dict[int, list[int]] = {}
    for gene in genes.values():
        if gene.get("enabled") == 1:
            after.setdefault(int(gene["source"]), []).append(int(gene["target"]))
    return reached(inputs, after).issuperset(outputs)


def wires(genes: Genes, inputs: Sequence[int], outputs: Sequence[int]) -> Wires:
    """Every node on a way from an input to an output, after those that it reads. Raises CycleError."""
    into: dict[int, dict[int, str]] = {}
    after: dict[int, set[int]] = {}
    for mark, gene in genes.items():
        if gene.get("enabled") == 1:
            source, target = int(gene["source"]), int(gene["target"])
            into.setdefault(target, {})[source] = mark
            after.setdefault(source, set()).add(target)
    alive = reached(inputs, after) & reached(outputs, into)
    sources = {node: sorted(into.get(node, {}).keys() & alive) for node in sorted(alive)}
    return {node: {one: into[node][one] for one in sources[node]} for node in TopologicalSorter(sources).static_order()}


def reached(starts: Iterable[int], after: Mapping[int, Iterable[int]]) -> set[int]:
    """The starts, and all that follows them."""
    found, waiting = set[int](), list(starts)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(after.get(node, ()))
    return found


def ordered(wires: Wires, genes: Genes, ends: int) -> list[int]:
    """The nodes behind the `ends`, by their depth and then by refining their colours (Weisfeiler and Lehman, 1968).

    Only in large regular graphs of equal nodes can that take two nodes for equal that are not.
    """
    inner = [node for node in wires if node >= ends]
    colours = _initial(wires, genes, ends)
    tags = {(s, t): _tag(genes[mark]) for t, sources in wires.items() for s, mark in sources.items()}
    while True:
        colours = _refined(colours, inner, tags)
        twins = [node for node in inner if sum(colours[other] == colours[node] for other in inner) > 1]
        if not twins:
            return sorted(inner, key=colours.__getitem__)
        first = min(twins, key=lambda node: (colours[node], node))  # equal ones can be exchanged
        colours = {node: 2 * colour + (node != first) for node, colour in colours.items()}


def _initial(wires: Wires, genes: Genes, ends: int) -> dict[int, int]:
    depth: dict[int, int] = {}
    for node, sources in wires.items():
        depth[node] = 1 + max((depth[source] for source in sources), default=0)
    signs = {node: (depth[node], _tag(genes[f"node{node}"])) for node in wires if node >= ends}
    return _ranks(signs) | {end: end - ends for end in range(ends)}


def _refined(colours: dict[int, int], inner: list[int], tags: Mapping[tuple[int, int], str]) -> dict[int, int]:
    """Nodes of a colour that read, or are read by, nodes of other colours, get colours of their own, again and again."""
    while True:
        signs = {
            node: (
                colours[node],
                tuple(sorted((colours[s], tag) for (s, t), tag in tags.items() if t == node)),
                tuple(sorted((colours[t], tag) for (s, t), tag in tags.items() if s == node)),
            )
            for node in inner
        }
        ends = {node: colour for node, colour in colours.items() if node not in signs}
        finer = _ranks(signs) | ends
        if len(set(finer.values())) == len(set(colours.values())):
            return finer
        colours = finer


def _ranks(signs: Mapping[int, Any]) -> dict[int, int]:
    order = {sign: rank for rank, sign in enumerate(sorted(set(signs.values())))}
    return {node: order[sign] for node, sign in signs.items()}


def _tag(gene: Gene) -> str:
    return json.dumps({name: value for name, value in sorted(gene.items()) if name not in WIRES})
