"""Graphs that are put together from graphs (CoDeepNEAT)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.architecture import Architecture
from search_spaces.genomes.genes import Gene, Genes, Options, read, write
from search_spaces.genomes.space import GraphSpace
from search_spaces.modular import Modular, Pointer


class ModularGraph(Modular):
    """A space of graphs with one input and one output: the nodes of a blueprint are graphs (Miikkulainen et al., 2017).

    Modules are graphs of the nodes of `whole` and begin with its `chain`; a blueprint has its recipe, and nodes that point to
    species of modules. Nodes that point to the same species are the same module, each with weights of its own.
    """

    def __init__(self, whole: GraphSpace, slots: int):
        if whole.ends != 2 or whole.attributes["edge"]:
            raise TypeError(
                f"{type(whole).__name__} has several ends, or edges with attributes: modules cannot be put in a row"
            )
        nodes, recipe = whole.attributes["node"], whole.attributes["recipe"]
        self.whole = whole
        how: dict[str, Any] = dict(growth=whole.growth, most=whole.most)
        self.modules = GraphSpace(nodes, chain=whole.chain, **how)
        self.kinds = [self.modules]
        self.graphs = self.blueprints = GraphSpace({"species": Options(tuple(range(slots)))}, recipe=recipe, **how)

    def pointers(self, blueprint: Architecture) -> list[Pointer]:
        nodes, _ = self.graphs.layers(dict(blueprint.canonical))
        return [(0, slot) for slot in dict.fromkeys(node["species"] for node in nodes)]

    def assembled(self, blueprint: Architecture, modules: Mapping[Pointer, Architecture]) -> Architecture | None:
        growing = Growing()
        nodes, (output,) = self.graphs.layers(dict(blueprint.canonical))
        ends: list[list[int]] = [[0]]  # of every place in the blueprint: what its last layers are
        for node in nodes:
            sources = [end for place in node["inputs"] for end in ends[place]]
            layers, (last,) = self.modules.layers(dict(modules[0, node["species"]].canonical))
            places = [sources]
            for layer in layers:
                attributes = {name: value for name, value in layer.items() if name != "inputs"}
                places.append([growing.node(attributes, [one for place in layer["inputs"] for one in places[place]])])
            ends.append([one for place in last["inputs"] for one in places[place]])
        growing.edges([end for place in output["inputs"] for end in ends[place]], 1)
        recipe = read(blueprint.as_dict()).get("recipe")
        choices = write(growing.genes | ({"recipe": recipe} if recipe else {}))
        try:
            return self.whole.architecture(choices)
        except ValueError:  # as it has too many nodes
            return None


class Growing:
    """The genes of a graph with one input and one output that is written node by node."""

    def __init__(self) -> None:
        self.genes: Genes = {}
        self.count = 0

    def node(self, attributes: Gene, sources: list[int]) -> int:
        """A node that reads these; its number."""
        self.count += 1
        number = 1 + self.count
        self.genes[f"node{number}"] = attributes
        self.edges(sources, number)
        return number

    def edges(self, sources: list[int], target: int) -> None:
        for source in dict.fromkeys(sources):
            self.genes[f"edge{len(self.genes)}"] = {"source": source, "target": target, "enabled": 1}
