"""Backbones that grow from a network, move by move, and take its weights along (AutoKeras: Jin et al., KDD 2019)."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

from core import Weights, did_you_mean, matching
from core.parsing import shown, typed
from search_spaces.architecture import Architecture, Choices
from search_spaces.graph import Graph
from search_spaces.layer_graph.layers import (
    IMAGE,
    JOINS,
    RELUS,
    WIDEST,
    Layers,
    canonical,
    check,
    madds,
    params,
    read,
    strides,
    texts,
)
from search_spaces.layer_graph.moves import MOVES
from search_spaces.layer_graph.starts import STARTS
from search_spaces.space import SearchSpace

GROWING, SHRINKING = ("deeper", "wider", "add", "concat", "inverted"), ("narrower", "shallower")
TRIES = 50


class LayerGraph(SearchSpace):
    """An open space: the network `start` and all that moves make of it, each a decision a layer ("n004": "norm n003").

    `start` names a network of `search_spaces.layer_graph.starts`, with its `settings`. `moves` are those that are drawn, with
    the rate of each, by default the five that grow a network at equal rates: "deeper", "wider", "add", "concat" and "inverted"
    (an inverted residual); "narrower" and "shallower" take away. A sample is the start after one to `steps` moves. What has
    more than `most_params` parameters, `most_layers` convolutions or, if given, `most_madds` multiply-adds for one image of
    `input_size` = (height, width) pixels is no network of this space, so that nobody proposes it; where no move of those that
    are drawn makes a network, one that takes away is made, or else one that grows.

    A mutant is one move away. It names what it has of its parent as the parent's canonical form does, and takes it over; so
    growing moves change nothing of what is computed, up to rounding, where the template reads its taps by convolutions. `noise`
    is added to what is not the parent's as it was, in shares of its range; AutoKeras has 1e-4.

    Where the graph has no tap of a stride, it is the next finer one's, pooled (see `LayerGraphNet`).
    """

    def __init__(
        self,
        start: str = "cnn",
        settings: Mapping[str, Any] | None = None,
        moves: Mapping[str, float] | None = None,
        steps: int = 6,
        most_params: float = 2.0**25,
        most_layers: int = 200,
        noise: float = 0.0,
        most_madds: float | None = None,
        input_size: tuple[int, int] | None = None,
    ):
        rates = dict.fromkeys(GROWING, 1.0) if moves is None else dict(moves)
        for name in rates:
            if name not in MOVES:
                raise ValueError(did_you_mean("move", name, MOVES))
        if steps < 1 or min(rates.values(), default=-1) < 0 or not any(rates.values()) or noise < 0:
            given = f"{steps}, {rates} and {noise}"
            raise ValueError(
                f"steps must be at least 1, rates and noise not negative, and a rate positive, not {given}"
            )
        if (most_madds is None) != (input_size is None) or min(input_size or (1,)) < 1:
            given = f"{most_madds} and {input_size}"
            raise ValueError(f"most_madds and the positive input_size that they are of go together, not {given}")
        self.rates, self.steps, self.noise = rates, steps, noise
        self.most_params, self.most_layers = most_params, most_layers
        self.most_madds, self.input_size = most_madds, input_size
        self.begins = self.architecture(texts(_built(start, settings or {})))

    def first(self, rng: Random) -> Architecture:
        return self.begins

    def sample(self, rng: Random) -> Architecture:
        arch = self.begins
        for _ in range(rng.randint(1, self.steps)):
            arch = self.move(arch, rng)[0]
        return arch

    def mutate(self, arch: Architecture, rng: Random) -> Architecture:
        return self.move(self._answer(dict(arch.canonical)), rng)[0]

    def move(self, arch: Architecture, rng: Random) -> tuple[Architecture, str]:
        """A neighbour, and the move that leads there. What it has of the other network it names as that one does.

        Raises ValueError where no move makes a network.
        """
        layers = read(arch.as_dict())
        for rates in (self.rates, dict.fromkeys(SHRINKING, 1.0), dict.fromkeys(GROWING, 1.0)):
            for _ in range(TRIES):
                (name,) = rng.choices(list(rates), list(rates.values()))
                moved = MOVES[name](layers, rng)
                if moved is not None and self._flaw(moved) is None:
                    return self._answer(texts(moved)), name
        raise ValueError(f"none of {3 * TRIES} moves from a network of {self} makes another one: raise its limits")

    def flaw(self, choices: Choices) -> str | None:
        try:
            return self._flaw(read(choices))
        except ValueError as error:
            return str(error)

    def _flaw(self, layers: Layers) -> str | None:
        """Why these layers make no network of this space; None: they do."""
        try:
            check(layers)
        except ValueError as error:
            return str(error)
        if max(layer.outputs for layer in layers.values()) > WIDEST:
            return f"it has a layer of more than {WIDEST} channels"
        limits: list[tuple[str, int, float]] = [
            ("parameters", params(layers), self.most_params),
            ("convolutions", sum(layer.kind == "conv" for layer in layers.values()), self.most_layers),
        ]
        if self.most_madds is not None and self.input_size is not None:
            limits.append(("MAdds", madds(layers, self.input_size), self.most_madds))
        for what, number, most in limits:
            if number > most:
                return f"it has {number:,} {what}, more than the {most:,.0f} of the space"
        return None

    def canonical(self, choices: Choices) -> Choices:
        return dict(texts(canonical(read(choices))))

    def read(self, genotype: Any) -> Architecture:
        if genotype == "start":
            return self.begins
        if not isinstance(genotype, Mapping) or not all(isinstance(name, str) for name in genotype):
            how = "write 'start', or the texts of its layers by name"
            raise ValueError(f"{shown(genotype)} is not a genotype of {type(self).__name__}: {how}")
        return self.architecture(genotype)

    def parts(self, choices: Choices) -> dict[str, Any]:
        return {"backbone": dict(type="densebench.LayerGraphNet", layers=dict(choices))}

    def inherit(
        self, weights: Weights, fresh: Weights, parent: Architecture | None, child: Architecture | None
    ) -> Weights:
        """What a child has of its parent, by the names of its layers; the rest of a network reads what was there before."""
        if parent is None or child is None:
            return matching(weights, fresh)
        from search_spaces.layer_graph.weights import grown

        before = read(dict(parent.canonical))
        return grown(weights, fresh, before, read(child.as_dict()), Random(child.key), self.noise)

    def wiring(self, choices: Choices) -> Graph:
        """A norm or ReLU that alone reads a layer is drawn with it."""
        layers = read(choices)
        steps, readers, graph = (
            strides(layers),
            Counter(source for one in layers.values() for source in one.sources),
            Graph(),
        )
        labels, ends = dict[str, list[str]](), dict[str, str]()  # of what is drawn by the name of its first layer
        for name, layer in layers.items():
            source = layer.sources[0]
            joins = layer.kind in ("norm", *RELUS) and source != IMAGE and readers[source] == 1
            ends[name] = ends[source] if joins else name
            labels.setdefault(ends[name], []).append(layer.label)
        for name, label in labels.items():
            sources = [ends[source] for source in layers[name].sources if source != IMAGE]
            kind = "map" if layers[name].kind == "tap" else "join" if layers[name].kind in JOINS else "op"
            graph.add(name, " ".join(label), f"stride {steps[name]}", sources, kind)
        return graph


def _built(start: str, settings: Mapping[str, Any]) -> Layers:
    if start not in STARTS:
        raise ValueError(did_you_mean("start", start, STARTS))
    known = inspect.signature(STARTS[start], eval_str=True).parameters
    for name, value in settings.items():
        if name not in known:
            raise ValueError(did_you_mean(f"setting of the start {start}", name, known))
        where = f"{name} of the start {start}"
        if any(number < 1 for number in _numbers(typed(value, known[name].annotation, where))):
            raise ValueError(f"{where} must be at least 1, not {value}")
    return STARTS[start](**settings)


def _numbers(value: Any) -> list[int]:
    """All whole numbers in a setting."""
    if isinstance(value, list | tuple):
        return [number for part in value for number in _numbers(part)]
    return [] if isinstance(value, bool) else [value]
