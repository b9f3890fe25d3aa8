"""Backbones that are graphs of layers: the genomes of DeepNEAT (Miikkulainen et al., "Evolving Deep Neural Networks", 2017)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from search_spaces.architecture import Choices
from search_spaces.genomes.genes import Attribute, Options, Range, read, write
from search_spaces.genomes.space import GraphSpace
from search_spaces.genomes.wiring import wires

STRIDES = (4, 8, 16, 32)
FILTERS = (32, 256)
WEIGHT_DECAY = 1e-5

# Table 1 of the paper, but for what no stage has (see `DeepNEAT`).
RECIPE: Mapping[str, Attribute] = {
    "lr": Range(1e-4, 0.1, log=True),
    "momentum": Range(0.68, 0.99),
    "nesterov": Options((0, 1)),
    "hue": Range(0.0, 45.0),
    "shift": Range(0.0, 0.5),
    "scale": Range(0.0, 0.5),
    "crop": Range(26, 32, whole=True),
    "zoom": Range(0.0, 0.3),
    "mirror": Options((0, 1)),
}

Layer = Mapping[str, Any]


class DeepNEAT(GraphSpace):
    """A stem that leaves a quarter of the image's size, and a graph of layers behind it; at most `most` of them.

    A layer has 32 to 256 filters times `width`, a kernel of 1 or 3, dropout of 0 to 0.7, and weights that begin 0 to 2 times as
    large as else; "max" pooling halves what it reads, which costs less than halving what it gives. It reads its inputs side by
    side (a concatenation, so that they need not have the same shape), all pooled to the smallest. Pooling beyond a stride of 32
    does nothing. What the backbone's four taps are, `DeepNEATBackbone` says.

    With `recipe` a network also decides how it is trained, in all stages: by SGD with this learning rate, momentum and perhaps
    Nesterov's step, on images whose hue is shifted by up to so many degrees and whose saturation and value are shifted and
    scaled by up to these shares, on crops of `crop` 32nds of an image's side that are enlarged by up to `zoom`, and mirrored or
    not. The paper's normalisation of variance is left out: images are always normalised, and layers have batch norms.
    """

    version = 2

    def __init__(self, width: float = 1.0, recipe: bool = False, chain: int = 1, growth: int = 8, most: int = 32):
        if not width > 0:
            raise ValueError(f"width must be positive, not {width}")
        few, many = (max(1, round(one * width)) for one in FILTERS)
        node: dict[str, Attribute] = {
            "filters": Range(few, many, whole=True),
            "kernel": Options((1, 3)),
            "dropout": Range(0.0, 0.7),
            "init": Range(0.0, 2.0),
            "pool": Options(("none", "max")),
        }
        super().__init__(node, recipe=RECIPE if recipe else {}, chain=chain, growth=growth, most=most)
        self.stem = max(2, few)

    def canonical(self, choices: Choices) -> Choices:
        """As of all graphs; and pooling that does nothing is none."""
        form = super().canonical(choices)
        genes = read(form)
        layers, _ = self.layers(form)
        places, nodes = strides(layers), (node for node in wires(genes, self.inputs, self.outputs) if node >= self.ends)
        idle = [node for node, layer in zip(nodes, layers, strict=True) if coarsest(layer, places) == STRIDES[-1]]
        if not any(genes[f"node{node}"]["pool"] == "max" for node in idle):
            return form
        for node in idle:
            genes[f"node{node}"]["pool"] = "none"
        return super().canonical(write(genes))  # what pooling told apart may be equal now

    def parts(self, choices: Choices) -> dict[str, Any]:
        layers, (output,) = self.layers(choices)
        backbone = dict(type="densebench.DeepNEATBackbone", stem=self.stem, layers=layers, outputs=output["inputs"])
        return {"backbone": backbone, **stage_of(read(choices).get("recipe", {}))}

    def label(self, node: Layer) -> str:
        pooled = ", max pooling" * (node["pool"] == "max")
        return f"{node['kernel']}x{node['kernel']}, {node['filters']} wide, dropout {node['dropout']:.2f}{pooled}"


def stage_of(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What a recipe changes of a stage, as parts of a model: settings of its recipe and of its view."""
    if not recipe:
        return {}
    optimizer = dict(type="SGD", lr=recipe["lr"], momentum=recipe["momentum"], nesterov=bool(recipe["nesterov"]))
    largest = 32 / recipe["crop"]
    view = dict(
        scale=[largest, largest * (1 + recipe["zoom"])],
        mirror=bool(recipe["mirror"]),
        hsv=[recipe["hue"], recipe["shift"], recipe["scale"]],
    )
    return {"recipe": {"optimizer": {**optimizer, "weight_decay": WEIGHT_DECAY}}, "view": view}


def strides(layers: Sequence[Layer]) -> list[int]:
    """The stride of every place: the stem, then the layers."""
    places = [STRIDES[0]]
    for layer in layers:
        places.append(min(STRIDES[-1], coarsest(layer, places) * (2 if layer["pool"] == "max" else 1)))
    return places


def coarsest(layer: Layer, places: Sequence[int]) -> int:
    """The largest stride of what it reads."""
    return max(places[source] for source in layer["inputs"])
