"""Networks as graphs of layers: plain data, a text for each layer, and what can be told of them without building them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from math import prod
from typing import NamedTuple

from core.parsing import shown

IMAGE = "image"  # what the first layers read: three channels
RELUS = ("relu", "relu6")
POOLS = ("max", "avg")
JOINS = ("add", "concat")
WIDEST = 9999  # channels of a layer, as texts say them
TEXT = re.compile(
    r"(?P<kind>[a-z]+6?) (?P<sources>\S+)(?: (?P<outputs>\d{1,4}))?"
    r"(?: k(?P<kernel>\d{1,2}) s(?P<stride>\d{1,2}))?(?: g(?P<groups>\d{1,4}))?(?P<bias> bias)?"
)


class Layer(NamedTuple):
    """A layer and the names of what it reads; a text such as "conv n002 64 k3 s1 g64 bias" says it all.

    Kinds are "conv" (`outputs` channels, a `kernel`, a `stride`, `groups` of channels, a `bias` or none), "norm" (batch norm),
    "relu", "relu6", "max" and "avg" (pooling), "add" and "concat", and "tap": what it reads is an output of the network.
    """

    kind: str
    sources: tuple[str, ...]
    outputs: int = 0
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    bias: bool = False

    @property
    def label(self) -> str:
        """The layer without what it reads."""
        if self.kind == "conv":
            bias = " bias" if self.bias else ""
            return f"conv {self.outputs} k{self.kernel} s{self.stride} g{self.groups}{bias}"
        return f"{self.kind} k{self.kernel} s{self.stride}" if self.kind in POOLS else self.kind

    @property
    def text(self) -> str:
        kind, *settings = self.label.split()
        return " ".join([kind, ",".join(self.sources), *settings])


Layers = Mapping[str, Layer]
"""The layers of a network by name, each behind those that it reads, all of them on the way to a tap."""


def read(texts: Mapping[str, object]) -> Layers:
    """The network of these texts, by name. Raises ValueError where it is none."""
    for name, text in texts.items():
        if not isinstance(text, str):
            raise _misread(name, text)
    return _read(tuple(texts.items()))  # type: ignore[arg-type]


@lru_cache(maxsize=2**8)  # a search looks at the same few networks again and again
def _read(texts: tuple[tuple[str, str], ...]) -> Layers:
    layers: dict[str, Layer] = {}
    for name, text in texts:
        layer = _layer(text)
        if layer is None:
            raise _misread(name, text)
        layers[name] = layer
    for name, layer in layers.items():
        for source in layer.sources:
            if source != IMAGE and source not in layers:
                raise ValueError(f"{name} reads {source}, and there is no such layer")
    found = ordered(layers)
    check(found)
    return found


def _misread(name: str, text: object) -> ValueError:
    how = "write a layer as 'conv n002 64 k3 s1 g1', 'norm n003' or 'add n004,n001'"
    return ValueError(f"{name} cannot be {shown(text)}: {how}")


@lru_cache(maxsize=2**16)
def _layer(text: str) -> Layer | None:
    """The layer of a text; None: it is none, or written otherwise than a layer writes itself."""
    match = TEXT.fullmatch(text)
    if match is None:
        return None
    parts = match.groupdict()
    numbers = {key: int(parts[key]) for key in ("outputs", "kernel", "stride", "groups") if parts[key]}
    layer = Layer(parts["kind"], tuple(parts["sources"].split(",")), **numbers, bias=parts["bias"] is not None)
    several = layer.kind in JOINS and len(layer.sources) > 1
    single = layer.kind in ("conv", "norm", "tap", *RELUS, *POOLS) and len(layer.sources) == 1
    sizes = min(layer.kernel, layer.stride, layer.groups, layer.outputs if layer.kind == "conv" else 1)
    middle = layer.kernel % 2 or (layer.kind in POOLS and layer.kernel == layer.stride)  # maps are halved, rounded up
    return layer if layer.text == text and (several or single) and sizes and middle else None


def ordered(layers: Layers) -> dict[str, Layer]:
    """The layers that lead to taps, each behind those it reads. Raises ValueError where some read each other in a circle."""
    stack = [(name, False) for name, layer in reversed(list(layers.items())) if layer.kind == "tap"]
    found: dict[str, Layer] = {}
    begun: set[str] = set()
    while stack:
        name, read = stack.pop()
        if read:
            found[name] = layers[name]
        elif name not in begun and name != IMAGE:
            begun.add(name)
            stack.append((name, True))
            stack.extend((source, False) for source in reversed(layers[name].sources))
    behind: set[str] = {IMAGE}
    for name, layer in found.items():
        if not behind.issuperset(layer.sources):
            raise ValueError(f"{name} reads {','.join(layer.sources)}, which read it in turn")
        behind.add(name)
    return found


def channels(layers: Layers) -> dict[str, int]:
    """How many channels each layer gives, and the image."""
    found = {IMAGE: 3}
    for name, layer in layers.items():
        found[name] = width(layer, [found[source] for source in layer.sources])
    return found


def width(layer: Layer, inputs: Sequence[int]) -> int:
    """How many channels a layer gives that reads so many."""
    return layer.outputs or (sum(inputs) if layer.kind == "concat" else inputs[0])


def strides(layers: Layers) -> dict[str, int]:
    """How many pixels of the image lie between neighbours in the map of each layer, and of the image."""
    found = {IMAGE: 1}
    for name, layer in layers.items():
        found[name] = found[layer.sources[0]] * layer.stride
    return found


def taps(layers: Layers) -> dict[int, str]:
    """The taps by their strides, the finest first."""
    steps = strides(layers)
    return dict(sorted((steps[name], name) for name, layer in layers.items() if layer.kind == "tap"))


def is_depthwise(layer: Layer, inputs: int) -> bool:
    """Has every channel filters of its own?"""
    return layer.kind == "conv" and layer.groups == inputs > 1


def params(layers: Layers) -> int:
    """Weights, biases, and the pairs of norms, as `tasks.complexity` counts them."""
    widths = channels(layers)
    norms = sum(2 * widths[name] for name, layer in layers.items() if layer.kind == "norm")
    biases = sum(layer.outputs for layer in layers.values() if layer.bias)
    return sum(_weights(layers).values()) + biases + norms


def madds(layers: Layers, size: Sequence[int]) -> int:
    """Multiply-adds of one image of `size` = (height, width), as `tasks.complexity` counts them."""
    steps = strides(layers)
    return sum(
        weights * prod(-(-side // steps[name]) for side in size)  # maps are halved, rounded up
        for name, weights in _weights(layers).items()
    )


def _weights(layers: Layers) -> dict[str, int]:
    """How many weights each convolution has."""
    widths = channels(layers)
    return {
        name: layer.outputs * widths[layer.sources[0]] // layer.groups * layer.kernel**2
        for name, layer in layers.items()
        if layer.kind == "conv"
    }


def canonical(layers: Layers) -> dict[str, Layer]:
    """The same network under its `canonical_names`, in their order, and the terms of sums in it, too."""
    names = canonical_names(layers)
    found = renamed(layers, names)
    return {
        name: found[name]._replace(sources=tuple(sorted(found[name].sources)))
        if found[name].kind == "add"
        else found[name]
        for name in names.values()
    }


def canonical_names(layers: Layers) -> dict[str, str]:
    """New names of the layers, by the order in which the outputs need them; networks that are equal come to the same."""
    ranks = _ranks(layers)
    sums = {
        name: layer._replace(sources=tuple(sorted(layer.sources, key=ranks.__getitem__)))
        for name, layer in layers.items()
        if layer.kind == "add"
    }
    ends = dict.fromkeys(taps(layers).values(), Layer("tap", ()))
    found = ordered({**ends, **layers, **sums})
    return {name: f"n{place:03d}" for place, name in enumerate(found)}


def _ranks(layers: Layers) -> dict[str, tuple[str, str]]:
    """What tells layers apart whatever they are called: digests of all that each computes, and of what becomes of it."""
    before, behind = {IMAGE: ""}, {name: list[str]() for name in (IMAGE, *layers)}
    for name, layer in layers.items():
        read = [before[source] for source in layer.sources]
        before[name] = _digest([layer.label, *(sorted(read) if layer.kind == "add" else read)])
    after = dict[str, str]()
    for name, layer in reversed(list(layers.items())):
        after[name] = _digest([layer.label, *sorted(behind[name])])
        for place, source in enumerate(layer.sources):
            behind[source].append(_digest([after[name], "" if layer.kind == "add" else str(place), before[name]]))
    return {name: (before[name], after.get(name, "")) for name in before}


def _digest(parts: Iterable[str]) -> str:
    return sha256("|".join(parts).encode()).hexdigest()


def renamed(layers: Layers, names: Mapping[str, str]) -> dict[str, Layer]:
    """The layers under other names."""
    return {
        names.get(name, name): layer._replace(sources=tuple(names.get(source, source) for source in layer.sources))
        for name, layer in layers.items()
    }


def texts(layers: Layers) -> dict[str, str]:
    return {name: layer.text for name, layer in layers.items()}


def check(layers: Layers) -> None:
    """Raise ValueError where channels or sizes of maps do not fit, or nothing is convolved or tapped."""
    widths, steps = channels(layers), strides(layers)
    for name, layer in layers.items():
        if layer.kind in JOINS:
            if len(set(layer.sources)) < len(layer.sources):
                raise ValueError(f"{name} reads a layer twice: {','.join(layer.sources)}")
            _same(name, "strides", (steps[source] for source in layer.sources))
        if layer.kind == "add":
            _same(name, "channels", (widths[source] for source in layer.sources))
        inputs = widths[layer.sources[0]]
        if layer.kind == "conv" and (inputs % layer.groups or layer.outputs % layer.groups):
            numbers = f"{inputs} and {layer.outputs}"
            raise ValueError(
                f"the {layer.groups} groups of {name} do not divide the channels that it reads and gives, {numbers}"
            )
    ends = [steps[name] for name, layer in layers.items() if layer.kind == "tap"]
    if not ends or len(set(ends)) < len(ends):
        raise ValueError(f"a network has at least one tap, and one of a stride, not taps of strides {sorted(ends)}")
    if not any(layer.kind == "conv" for layer in layers.values()):
        raise ValueError("a network has at least one convolution")


def _same(name: str, what: str, numbers: Iterable[int]) -> None:
    found = sorted(set(numbers))
    if len(found) > 1:
        raise ValueError(f"{name} brings maps of different {what} together: {', '.join(map(str, found))}")
