"""Open spaces of graphs that grow, node by node and edge by edge, as NEAT's genomes do."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter
from random import Random
from typing import TYPE_CHECKING, Any

from search_spaces.architecture import Architecture, Choices, Difference
from search_spaces.genomes.genes import Attribute, Gene, Genes, Innovations, Rates, genes_of, read, write
from search_spaces.genomes.wiring import ENDS, WIRES, leads, ordered, reached, wires
from search_spaces.graph import Graph
from search_spaces.space import MOVES, SearchSpace

if TYPE_CHECKING:
    from search_spaces.genomes.modules import Modular

MARK = re.compile(r"(node|edge)(0|[1-9]\d{0,8})")
STAYS_OFF = 0.75  # how probable it is that an edge is off in a child if it is in either parent (section 4.1)


class GraphSpace(SearchSpace):
    """Graphs without cycles, from inputs to outputs: the genomes of NEAT (Stanley and Miikkulainen, Evol. Comp. 2002).

    Nodes are numbered: first the inputs, then the outputs, then all others. A gene is a node ("node5") with the attributes
    `node`, or an edge ("edge7") with its source and target, whether it is enabled (0 or 1), and the attributes `edge`. The
    number in its mark is its innovation number. What concerns the whole network are attributes of one gene more, "recipe".

    The smallest graph has an edge from every input to every output and, in the middle of the first one, `chain` nodes in a row;
    a sample has up to `growth` more nodes and edges. No graph has more than `most` nodes beside its ends.
    """

    def __init__(
        self,
        node: Mapping[str, Attribute],
        edge: Mapping[str, Attribute] | None = None,
        recipe: Mapping[str, Attribute] | None = None,
        inputs: int = 1,
        outputs: int = 1,
        chain: int = 1,
        growth: int = 8,
        most: int = 32,
    ):
        if not 0 <= chain <= most or growth < 0:
            raise ValueError(f"growth must not be negative, and chain from 0 to most, not {growth}, {chain} and {most}")
        self.attributes = {"node": dict(node), "edge": dict(edge or {}), "recipe": dict(recipe or {})}
        self.inputs, self.outputs = range(inputs), range(inputs, inputs + outputs)
        self.ends = inputs + outputs
        self.chain, self.growth, self.most = chain, growth, most

    # How answers come about.

    def innovations(self, arch: Architecture | None = None) -> Innovations:
        """Numbers for genes that are new: to all, or to this one."""
        used = [int(found[2]) for mark in read(arch.as_dict()) if (found := MARK.fullmatch(mark))] if arch else []
        return Innovations(max(used, default=self.ends - 1) + 1)

    def minimal(self, rng: Random, innovations: Innovations) -> Architecture:
        """A random one of the smallest answers."""
        return self._answer(write(self._minimal(rng, innovations)))

    def sample(self, rng: Random) -> Architecture:
        """One of the smallest, grown by some nodes and edges, as many of each as comes."""
        innovations = self.innovations()
        genes = self._minimal(rng, innovations)
        for _ in range(rng.randint(0, self.growth)):
            genes = rng.choice((self._split, self._connected))(genes, rng, innovations) or genes
        return self._answer(write(genes))

    def mutate(self, arch: Architecture, rng: Random) -> Architecture:
        """One change: half of the time to an attribute, else a node, an edge, or an edge switched on or off."""
        return self._changed(arch, rng, self.innovations(arch))

    def evolved(self, arch: Architecture, rng: Random, innovations: Innovations, rates: Rates) -> Architecture:
        """A mutant as NEAT makes it: each change with its probability, and at least one."""
        genes = genes_of(arch.choices)
        for rate, change in ((rates.node, self._split), (rates.edge, self._connected), (rates.toggle, self._toggled)):
            if rng.random() < rate:
                genes = change(genes, rng, innovations) or genes
        for mark, name in self._places(genes):
            if rng.random() < rates.attribute:
                genes = self._moved(genes, mark, name, rng)
        child = self._answer(write(genes))
        return self._changed(arch, rng, innovations) if child.choices == arch.choices else child

    def cross(self, fitter: Architecture, other: Architecture, rng: Random) -> Architecture:
        """Genes with the same mark have each attribute from either parent, the disjoint and excess ones are the fitter's.

        Edges with the same mark that join other nodes are not the same gene: their innovations were numbered apart.
        """
        mother, father = genes_of(fitter.choices), genes_of(other.choices)
        child = {mark: _mixed(gene, father.get(mark, gene), rng) for mark, gene in mother.items()}
        return self._answer(write(child)) if leads(child, self.inputs, self.outputs) else fitter

    def difference(self, a: Architecture, b: Architecture) -> Difference:
        """Genes are told by their marks, so of graphs whose innovations were numbered together."""
        ours, theirs = genes_of(a.choices), genes_of(b.choices)
        shared = ours.keys() & theirs.keys()
        far = [
            attribute.difference(ours[mark][name], theirs[mark][name])
            for mark in sorted(shared)
            for name, attribute in self._of(mark).items()
        ]
        lone = len(ours.keys() ^ theirs.keys()) / max(len(ours), len(theirs))
        return Difference(lone, sum(far) / max(1, len(far)))

    def halves(self, edge: Gene, rng: Random) -> tuple[Gene, Gene]:
        """The attributes of the edges into and out of a node that comes into the middle of an edge."""
        into, out = ({name: one.draw(rng) for name, one in self.attributes["edge"].items()} for _ in range(2))
        return into, out

    def _minimal(self, rng: Random, innovations: Innovations) -> Genes:
        genes: Genes = {}
        for source in self.inputs:
            for target in self.outputs:
                genes |= self._edge(source, target, self._drawn("edge", rng), innovations)
        for _ in range(self.chain):
            genes = self._split(genes, rng, innovations) or genes
        recipe = self._drawn("recipe", rng)
        return genes | ({"recipe": recipe} if recipe else {})

    def _drawn(self, kind: str, rng: Random) -> Gene:
        return {name: attribute.draw(rng) for name, attribute in self.attributes[kind].items()}

    def _edge(self, source: int, target: int, attributes: Gene, innovations: Innovations) -> Genes:
        mark = f"edge{innovations.number('edge', source, target)}"
        return {mark: {"source": source, "target": target, "enabled": 1, **attributes}}

    def _changed(self, arch: Architecture, rng: Random, innovations: Innovations) -> Architecture:
        """With one change that makes it another answer, if one is found."""
        genes = genes_of(arch.choices)
        child = arch
        for _ in range(MOVES):
            change = rng.choice((self._split, self._connected, self._toggled, None, None, None))
            place = rng.choice(self._places(genes) or [None])
            if change is not None or place is None:
                grown = (change or self._split)(genes, rng, innovations)
            else:
                grown = self._moved(genes, *place, rng)
            if grown is not None:
                child = self._answer(write(grown))
            if child != arch:
                break
        return child

    def _split(self, genes: Genes, rng: Random, innovations: Innovations) -> Genes | None:
        """With a node in the middle of an edge, which is disabled; None where there are nodes enough."""
        edges = [mark for mark, gene in genes.items() if gene.get("enabled") == 1]
        if not edges or sum(mark.startswith("node") for mark in genes) >= self.most:
            return None
        mark, again = rng.choice(edges), 0
        while f"node{innovations.number('node', mark, again)}" in genes:  # it was split before, and enabled since
            again += 1
        number, old = innovations.number("node", mark, again), genes[mark]
        into, out = self.halves(old, rng)
        return {
            **genes,
            mark: {**old, "enabled": 0},
            f"node{number}": self._drawn("node", rng),
            **self._edge(int(old["source"]), number, into, innovations),
            **self._edge(number, int(old["target"]), out, innovations),
        }

    def _connected(self, genes: Genes, rng: Random, innovations: Innovations) -> Genes | None:
        """With an edge between two nodes that have none; None where every other one would close a cycle."""
        there = {(gene["source"], gene["target"]) for gene in genes.values() if "source" in gene}
        after: dict[Any, set[Any]] = {}
        for source, target in there:
            after.setdefault(source, set()).add(target)
        inner = [int(mark[4:]) for mark in genes if mark.startswith("node")]
        pairs = [
            (source, target)
            for target, later in ((one, reached([one], after)) for one in (*self.outputs, *inner))
            for source in (*self.inputs, *inner)
            if source not in later and (source, target) not in there
        ]
        return {**genes, **self._edge(*rng.choice(pairs), self._drawn("edge", rng), innovations)} if pairs else None

    def _toggled(self, genes: Genes, rng: Random, innovations: Innovations) -> Genes | None:
        """With an edge switched on or off; None where nothing would lead to an output."""
        mark = rng.choice([mark for mark in genes if mark.startswith("edge")])
        changed = {**genes, mark: {**genes[mark], "enabled": 1 - int(genes[mark]["enabled"])}}
        return changed if leads(changed, self.inputs, self.outputs) else None

    def _moved(self, genes: Genes, mark: str, name: str, rng: Random) -> Genes:
        return {**genes, mark: {**genes[mark], name: self._of(mark)[name].moved(genes[mark][name], rng)}}

    def _places(self, genes: Genes) -> list[tuple[str, str]]:
        """The mark and name of every attribute."""
        return [(mark, name) for mark in genes for name in self._of(mark)]

    def _of(self, mark: str) -> Mapping[str, Attribute]:
        return self.attributes[mark.rstrip("0123456789")]

    # What answers are.

    def canonical(self, choices: Choices) -> Choices:
        """Only what is on a way from an input to an output, numbered anew in an order that no numbering changes.

        Two nodes are told apart by their attributes and all that comes before and after them.
        """
        genes = read(choices)
        wired = wires(genes, self.inputs, self.outputs)
        inner = ordered(wired, genes, self.ends)
        number = {node: node for node in range(self.ends)} | {node: self.ends + k for k, node in enumerate(inner)}
        edges = sorted((number[s], number[t], mark) for t, sources in wired.items() for s, mark in sources.items())
        form: Genes = {f"node{number[node]}": genes[f"node{node}"] for node in inner}
        for place, (source, target, mark) in enumerate(edges, start=self.ends + len(inner)):
            form[f"edge{place}"] = {**genes[mark], "source": source, "target": target}
        return write(form | ({"recipe": genes["recipe"]} if "recipe" in genes else {}))

    def flaw(self, choices: Choices) -> str | None:
        genes = read(choices)
        inner = {int(found[2]) for mark in genes if (found := MARK.fullmatch(mark)) and found[1] == "node"}
        if len(inner) > self.most:
            return f"it has {len(inner)} nodes, and {self.most} are the most"
        for mark, gene in genes.items():
            if (why := self._gene_flaw(mark, gene, inner)) is not None:
                return why
        if self.attributes["recipe"] and "recipe" not in genes:
            return f"it has no recipe with {', '.join(self.attributes['recipe'])}"
        pairs = [(gene["source"], gene["target"]) for gene in genes.values() if "source" in gene]
        if len(set(pairs)) < len(pairs):
            return "two edges have the same source and target"
        try:
            list(TopologicalSorter({t: {s for s, other in pairs if other == t} for _, t in pairs}).static_order())
        except CycleError as error:
            return f"its nodes {error.args[1]} are a cycle"
        return None if leads(genes, self.inputs, self.outputs) else "no way leads from an input to every output"

    def _gene_flaw(self, mark: str, gene: Gene, inner: Collection[int]) -> str | None:
        found = MARK.fullmatch(mark)
        kind = found[1] if found else mark
        if kind not in self.attributes or (found and kind == "node" and int(found[2]) < self.ends):
            return f"{mark!r} is no gene: give node{self.ends} and so on, edge0 and so on, or recipe"
        wanted = (*(WIRES if kind == "edge" else ()), *self.attributes[kind])
        if gene.keys() != set(wanted):
            return f"{mark} has {', '.join(gene)}, and must have {', '.join(wanted)}"
        for name, attribute in self.attributes[kind].items():
            if not attribute.holds(gene[name]):
                return f"{mark}.{name} cannot be {gene[name]!r}: it is one of {attribute}"
        if kind == "edge":
            known = {"source": {*self.inputs, *inner}, "target": {*self.outputs, *inner}, "enabled": {0, 1}}
            for name, values in known.items():
                if type(gene[name]) is not int or gene[name] not in values:
                    return f"{mark}.{name} cannot be {gene[name]!r}: give one of {sorted(values)}"
        return None

    def layers(self, choices: Choices) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The nodes in the order in which they can be computed, and the outputs: the attributes of each, and its `inputs`.

        Inputs are places: those of the network first, then the nodes in order. Where edges have attributes, they follow as
        `edges`, one for each input.
        """
        genes, names = read(choices), self.attributes["edge"]
        wired = wires(genes, self.inputs, self.outputs)
        place = {node: k for k, node in enumerate((*self.inputs, *(node for node in wired if node >= self.ends)))}
        rows: dict[int, dict[str, Any]] = {}
        for node, sources in wired.items():
            rows[node] = {"inputs": [place[source] for source in sources], **genes.get(f"node{node}", {})}
            if names:
                rows[node]["edges"] = [{name: genes[mark][name] for name in names} for mark in sources.values()]
        return [row for node, row in rows.items() if node >= self.ends], [rows[node] for node in self.outputs]

    def parts(self, choices: Choices) -> dict[str, Any]:
        nodes, outputs = self.layers(choices)
        return {"graph": {"nodes": nodes, "outputs": outputs}}

    def wiring(self, choices: Choices) -> Graph:
        graph = Graph()
        nodes, outputs = self.layers(choices)
        names = [graph.add(f"input{k}", "input", "network", kind="map") for k in self.inputs]
        for number, node in enumerate(nodes):
            names.append(graph.add(f"node{number}", self.label(node), "network", [names[k] for k in node["inputs"]]))
        for number, output in enumerate(outputs):
            graph.add(f"output{number}", "output", "network", [names[k] for k in output["inputs"]], "map")
        return graph

    def label(self, node: Mapping[str, Any]) -> str:
        """What is written on a node."""
        return ", ".join(f"{name} {node[name]}" for name in self.attributes["node"])

    def modular(self, slots: int) -> Modular:
        from search_spaces.genomes.modules import ModularGraph

        return ModularGraph(self, slots)


def _mixed(ours: Gene, theirs: Gene, rng: Random) -> Gene:
    """A gene of two parents; the first one's where the other is an edge between other nodes."""
    theirs = theirs if all(ours.get(end) == theirs.get(end) for end in ENDS) else ours
    child = {name: rng.choice((value, theirs[name])) for name, value in ours.items()}
    if 0 in (ours.get("enabled"), theirs.get("enabled")):
        child["enabled"] = int(rng.random() >= STAYS_OFF)
    return child
