"""Moves from a network to a neighbour, on graphs alone; what becomes of weights is told in `weights`.

A move gives a network whose layers keep their names, where they are still there, or None where it finds no place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from search_spaces.layer_graph.layers import IMAGE, RELUS, Layer, Layers, channels, is_depthwise, ordered, strides
from search_spaces.layer_graph.resizing import resized

Move = Callable[[Layers, Random], "dict[str, Layer] | None"]

KERNELS = (1, 3, 5)  # of a new convolution
EXPANSIONS = (1, 6)  # of a new inverted residual, as in MobileNetV2
LEAST = 4  # channels that a convolution keeps


def deeper(layers: Layers, rng: Random) -> dict[str, Layer] | None:
    """A convolution, norm and ReLU behind a ReLU, for all that read it; the convolution is dense or depthwise."""
    places = [name for name, layer in layers.items() if layer.kind in RELUS]
    if not places:
        return None
    place = rng.choice(places)
    width = channels(layers)[place]
    groups = rng.choice((1, width))
    kernel = rng.choice(KERNELS if groups == 1 else KERNELS[1:])
    conv, norm, relu = _names(layers, "deeper", "conv", "norm", "relu")
    new = {
        conv: Layer("conv", (place,), width, kernel, groups=groups),
        norm: Layer("norm", (conv,)),
        relu: Layer(layers[place].kind, (norm,)),
    }
    return _inserted(layers, place, new)


def wider(layers: Layers, rng: Random) -> dict[str, Layer] | None:
    """Twice as many filters in a convolution, and in those whose outputs are summed with its."""
    name = _a_convolution(layers, rng)
    return resized(layers, name, 2 * layers[name].outputs) if name else None


def narrower(layers: Layers, rng: Random) -> dict[str, Layer] | None:
    """Half as many filters in a convolution, and in those whose outputs are summed with its."""
    name = _a_convolution(layers, rng)
    half = layers[name].outputs // 2 if name else 0
    return resized(layers, name, half) if name and half >= LEAST and half % layers[name].groups == 0 else None


def add(layers: Layers, rng: Random) -> dict[str, Layer] | None:
    """What a layer gives, through a 1x1 convolution, added to what a later one gives."""
    pair = _a_pair(layers, rng)
    if pair is None:
        return None
    early, late, stride = pair
    conv, both = _names(layers, "add", "conv", "sum")
    new = {conv: Layer("conv", (early,), channels(layers)[late], stride=stride), both: Layer("add", (late, conv))}
    return _inserted(layers, late, new)


def concat(layers: Layers, rng: Random) -> dict[str, Layer] | None:
    """What a layer gives beside what a later one gives, and a 1x1 convolution to as many channels as that had."""
    pair = _a_pair(layers, rng)
    if pair is None:
        return None
    early, late, stride = pair
    pool, both, conv = _names(layers, "concat", "pool", "pair", "conv")
    new = {pool: Layer("max", (early,), kernel=stride, stride=stride)} if stride > 1 else {}
    new[both] = Layer("concat", (late, pool if stride > 1 else early))
    new[conv] = Layer("conv", (both,), channels(layers)[late])
    return _inserted(layers, late, new)


def inverted(layers: Layers, rng: Random) -> dict[str, Layer] | None:
    """An inverted residual of MobileNetV2 (Sandler et al., CVPR 2018) behind a layer."""
    places = _ends(layers)
    if not places:
        return None
    place = rng.choice(places)
    width = channels(layers)[place]
    inside = width * rng.choice(EXPANSIONS)
    relu = next((layer.kind for layer in layers.values() if layer.kind in RELUS), RELUS[0])
    names = _names(layers, "inverted", "conv1", "norm1", "relu1", "conv2", "norm2", "relu2", "conv3", "norm3", "sum")
    kinds = [
        Layer("conv", (), inside),
        Layer("norm", ()),
        Layer(relu, ()),
        Layer("conv", (), inside, rng.choice(KERNELS[1:]), groups=inside),
        Layer("norm", ()),
        Layer(relu, ()),
        Layer("conv", (), width),
        Layer("norm", ()),
    ]
    start = 0 if inside > width else 3  # without an expansion its convolution is left out
    new, last = dict[str, Layer](), place
    for name, layer in zip(names[start:], kinds[start:], strict=False):
        new[name], last = layer._replace(sources=(last,)), name
    new[names[-1]] = Layer("add", (place, last))
    return _inserted(layers, place, new)


def shallower(layers: Layers, rng: Random) -> dict[str, Layer] | None:
    """Without a convolution that keeps shape and size, and its norm and ReLU, or with one term of a sum alone."""
    widths = channels(layers)
    readers = _readers(layers)
    places = [
        name
        for name, layer in layers.items()
        if layer.kind == "add"
        or (layer.kind == "conv" and layer.stride == 1 and layer.outputs == widths[layer.sources[0]])
    ]
    if not places:
        return None
    place = rng.choice(places)
    source = rng.choice(layers[place].sources)
    gone = [place]
    for kinds in (("norm",), RELUS) if layers[place].kind == "conv" else ():
        behind = readers[gone[-1]]
        if len(behind) == 1 and layers[behind[0]].kind in kinds:
            gone.append(behind[0])
    kept = {name: layer for name, layer in layers.items() if name not in gone}
    return ordered(_reading(kept, gone[-1], source))


MOVES: Mapping[str, Move] = {
    "deeper": deeper,
    "wider": wider,
    "add": add,
    "concat": concat,
    "inverted": inverted,
    "narrower": narrower,
    "shallower": shallower,
}


def _a_convolution(layers: Layers, rng: Random) -> str | None:
    """One that is not depthwise."""
    widths = channels(layers)
    names = [
        name
        for name, layer in layers.items()
        if layer.kind == "conv" and not is_depthwise(layer, widths[layer.sources[0]])
    ]
    return rng.choice(names) if names else None


def _ends(layers: Layers) -> list[str]:
    """The layers that something may come behind: no norm or ReLU that belongs to them does."""
    belongs = {"conv": ("norm", *RELUS), "norm": RELUS, "add": RELUS}
    readers = _readers(layers)
    return [
        name
        for name, layer in layers.items()
        if layer.kind != "tap"
        and not any(layers[reader].kind in belongs.get(layer.kind, ()) for reader in readers[name])
    ]


def _a_pair(layers: Layers, rng: Random) -> tuple[str, str, int] | None:
    """An earlier layer, a later one that something may come behind, and how many times finer the map of the first is."""
    ends = set(_ends(layers))
    names, steps = [name for name in layers if name in ends], strides(layers)
    pairs = [
        (early, late, steps[late] // steps[early])
        for place, late in enumerate(names)
        for early in names[:place]
        if steps[late] % steps[early] == 0
    ]
    return rng.choice(pairs) if pairs else None


def _readers(layers: Layers) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in (IMAGE, *layers)}
    for name, layer in layers.items():
        for source in layer.sources:
            found[source].append(name)
    return found


def _names(layers: Layers, move: str, *parts: str) -> list[str]:
    """Names for new layers of a move, which no layer has."""
    number = 0
    while any(name.startswith(f"{move}{number}.") for name in layers):
        number += 1
    return [f"{move}{number}.{part}" for part in parts]


def _reading(layers: Layers, old: str, new: str) -> dict[str, Layer]:
    """The layers, where what has read `old` reads `new`."""
    return {
        name: layer._replace(sources=tuple(new if source == old else source for source in layer.sources))
        for name, layer in layers.items()
    }


def _inserted(layers: Layers, place: str, new: Layers) -> dict[str, Layer]:
    """The layers with new ones behind `place`; all that has read it reads the last of these instead."""
    last = list(new)[-1]
    made: dict[str, Layer] = {}
    for name, layer in _reading(layers, place, last).items():
        made[name] = layer
        if name == place:
            made |= new
    return made
