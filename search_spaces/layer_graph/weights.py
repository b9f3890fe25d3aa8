"""What becomes of weights where a network moves to a neighbour: what it computes stays, as far as the move allows.

Network morphisms (Wei et al., ICML 2016), as AutoKeras has them (Jin et al., KDD 2019), with groups of channels.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import NamedTuple

import torch
from torch import Tensor

from core import Remapped, Weights, matching
from search_spaces.layer_graph.layers import IMAGE, JOINS, Layer, Layers, canonical_names, channels, is_depthwise

EPS = 1e-5  # of a batch norm
NODE = re.compile(r"((?:.*\.)?nodes\.)(n\d+)\.(\w+)")


class Channel(NamedTuple):
    """Which channel of the same layer in the parent one is (`same`), or begins as a copy of (None: of none)."""

    source: int | None
    same: bool


Channels = list[Channel]
NEW = Channel(None, same=False)


def grown(weights: Weights, fresh: Weights, parent: Layers, child: Layers, rng: Random, noise: float = 0.0) -> Remapped:
    """The weights that a whole network begins with, whose backbone is a child of the one that `weights` are of.

    The parent's names are canonical, as its weights' are; the child's are the parent's where it has its layers. What reads a
    tap in a decoder, neck or head takes over its channels as the next layer in a graph does, where it is plain by their
    numbers which tap that is. `noise` is a share of the range of all that is not the parent's as it was.
    """
    spelled = {new: old for old, new in canonical_names(child).items()}
    parts = {name: match.groups() for name in fresh if (match := NODE.fullmatch(name))}
    own = {name: f"{spelled[node]}.{tensor}" for name, (_, node, tensor) in parts.items()}
    old = {f"{match[2]}.{match[3]}": value for name, value in weights.items() if (match := NODE.fullmatch(name))}
    made, found = inherited(parent, old, child, {own[name]: fresh[name] for name in own}, rng)
    values = {**matching(weights, fresh), **_readers(weights, fresh, own, parent, child, found)}
    values |= {name: made[short] for name, short in own.items()}
    values = noisy(values, weights, noise, rng) if noise else values
    sources = {
        name: f"{parts[name][0]}{short}"
        for name, short in own.items()
        if short in old and len(old[short].shape) == len(fresh[name].shape)
    }
    return Remapped(values, sources)


def inherited(
    parent: Layers, weights: Mapping[str, Tensor], child: Layers, fresh: Mapping[str, Tensor], rng: Random
) -> tuple[dict[str, Tensor], dict[str, Channels]]:
    """The tensors that a child begins with ("name.weight"), and what its layers' channels are of the parent's.

    A layer with the name of one of the parent's is that one. New filters are copies of old ones, drawn from `rng`, and what
    reads them weighs them with zero, until it learns. New layers pass on what they read: an identity, in a depthwise
    convolution for every channel, a norm that changes nothing; of a new pair the first. What lies in the other term of a new
    sum keeps its `fresh` weights, and the last of it gives zero. Of fewer filters the first of each group stay.
    """
    made, found = dict(fresh), {IMAGE: [Channel(place, True) for place in range(3)]}
    before, after, passing = channels(parent), channels(child), _passing(parent, child)
    for name, layer in child.items():
        read, old = found[layer.sources[0]], parent.get(name)
        if old is not None and (old.kind, old.kernel) != (layer.kind, layer.kernel):
            old = None  # not this child's parent
        depthwise = is_depthwise(layer, after[layer.sources[0]])
        if layer.kind == "conv" and old is not None and not depthwise:
            found[name] = _filters(old, layer, rng)
            _take(made, weights, name, found[name], read if layer.groups == 1 else None)
        elif old is not None and layer.kind in ("conv", "norm"):
            found[name] = _each(read, after[name] // len(read))
            _take(made, weights, name, found[name], None)
        elif layer.kind == "concat":
            widths = [before[source] for source in old.sources] if old is not None else []
            found[name] = _side_by_side([found[source] for source in layer.sources], widths)
        elif name not in passing and old is None:
            found[name] = [NEW] * after[name]
        else:
            found[name] = _identity(made, name, layer, read, depthwise)
        if layer.kind == "add" and old is None and name in passing:
            for source in layer.sources[1:]:
                _silence(made, parent, child, source)
    return made, found


def _readers(
    weights: Weights, fresh: Weights, own: Collection[str], parent: Layers, child: Layers, found: Mapping[str, Channels]
) -> dict[str, Tensor]:
    """Tensors of decoders, necks and heads with another number of channels than before, which must be those of a tap."""
    before, known = channels(parent), dict[tuple[int, int], list[Channels]]()
    for name, layer in child.items():
        if layer.kind == "tap" and name in parent:
            several = known.setdefault((before[name], len(found[name])), [])
            kept = [one if one.same else NEW for one in found[name]]
            several += [kept] if kept not in several else []
    made: dict[str, Tensor] = {}
    for name in weights.keys() & fresh.keys() - set(own):
        sizes = list(zip(weights[name].shape, fresh[name].shape, strict=False))[:2]
        axes = [known.get(pair, []) if pair[0] != pair[1] else [None] for pair in sizes]
        if any(before != after for before, after in sizes) and all(len(options) == 1 for options in axes):
            made[name] = taken(weights[name], fresh[name], *[options[0] for options in axes], *[None] * (2 - len(axes)))
    return made


def taken(old: Tensor, fresh: Tensor, outputs: Channels | None, inputs: Channels | None) -> Tensor:
    """`old` in the shape of `fresh`, its first axis from these channels, copies included, its second without them.

    What comes from no channel stays fresh in the first axis, and is zero in the second.
    """
    made = old
    if inputs is not None and old.dim() > 1:
        places = [one.source if one.same else None for one in inputs]
        made = _gathered(made, made.new_zeros(()), places, 1)
    if outputs is not None and old.dim() > 0:
        rest = fresh if made.shape[1:] == fresh.shape[1:] else made.new_zeros(())
        made = _gathered(made, rest, [one.source for one in outputs], 0)
    return made if made.shape == fresh.shape else fresh


def noisy(made: Mapping[str, Tensor], weights: Mapping[str, Tensor], share: float, rng: Random) -> dict[str, Tensor]:
    """The tensors with uniform noise of `share` of their range, where they are not those of the parent as they were."""
    generator = torch.Generator().manual_seed(rng.getrandbits(63))
    found, theirs = dict(made), {id(value) for value in weights.values()}  # a layer may be called otherwise now
    for name, value in made.items():
        if name.endswith((".weight", ".bias")) and id(value) not in theirs and value.numel():
            noise = torch.rand(value.shape, generator=generator, dtype=value.dtype) - 0.5
            found[name] = value + share * (value.max() - value.min()) * noise
    return found


def _gathered(old: Tensor, rest: Tensor, places: Sequence[int | None], axis: int) -> Tensor:
    """The slices of `old` at these places of an axis, and those of `rest` where there is none."""
    there = [place is not None and place < old.shape[axis] for place in places]
    index = torch.tensor([place if ok else 0 for place, ok in zip(places, there, strict=True)], dtype=torch.long)
    if all(there) and index.tolist() == list(range(old.shape[axis])):
        return old
    shape = [1] * old.dim()
    shape[axis] = len(places)
    return torch.where(torch.tensor(there).view(shape), old.index_select(axis, index), rest)


def _passing(parent: Layers, child: Layers) -> set[str]:
    """The new layers that must pass on what they read: all but those in the other term of a new sum or pair."""
    needed: set[str] = set()
    for name, layer in reversed(list(child.items())):
        if name in parent:
            needed |= set(layer.sources)
        elif name in needed:
            needed |= set(layer.sources[:1] if layer.kind in JOINS else layer.sources)
    return needed - parent.keys()


def _filters(old: Layer, new: Layer, rng: Random) -> Channels:
    """The filters of a convolution, group by group: those that there were, then copies."""
    groups = new.groups if new.groups == old.groups else 1
    before, after = old.outputs // groups, new.outputs // groups
    return [
        Channel(group * before + (place if place < before else rng.randrange(before)), place < before)
        for group in range(groups)
        for place in range(after)
    ]


def _each(read: Channels, times: int) -> Channels:
    """What becomes of channels that a depthwise convolution makes so many of each of."""
    return [
        Channel(None if one.source is None else one.source * times + place, one.same)
        for one in read
        for place in range(times)
    ]


def _side_by_side(read: Sequence[Channels], widths: Sequence[int]) -> Channels:
    """The channels of maps that were so wide in the parent; of a new pair the first has the parent's."""
    if len(widths) != len(read):
        return [*read[0], *(NEW for rest in read[1:] for _ in rest)]
    starts = [sum(widths[:place]) for place in range(len(widths))]
    return [
        Channel(None if one.source is None else start + one.source, one.same)
        for start, part in zip(starts, read, strict=True)
        for one in part
    ]


def _identity(made: dict[str, Tensor], name: str, layer: Layer, read: Channels, depthwise: bool) -> Channels:
    """Let a layer pass on what it reads; what its channels are."""
    if layer.kind == "norm":
        _set(made, name, weight=1.0, bias=0.0, running_mean=0.0, running_var=1.0 - EPS)
    if layer.kind != "conv":
        return read
    same = [place for place, one in enumerate(read) if one.same]
    kept = list(range(len(read))) if depthwise else same[: layer.outputs]
    if f"{name}.weight" in made:  # a layer that no tap needs is not built
        weight, centre = made[f"{name}.weight"].clone(), layer.kernel // 2
        weight[: len(kept)] = 0.0
        weight[range(len(kept)), [0] * len(kept) if depthwise else kept, centre, centre] = 1.0
        made[f"{name}.weight"] = weight
    _set(made, name, bias=0.0)
    new = [NEW] * (layer.outputs - len(kept))
    return [read[place] for place in kept] + new


def _silence(made: dict[str, Tensor], parent: Layers, child: Layers, name: str) -> None:
    """Let a new layer give zero."""
    if name in parent or name == IMAGE:
        return
    if child[name].kind in ("conv", "norm"):
        _set(made, name, weight=0.0, bias=0.0)
    else:
        for source in child[name].sources:
            _silence(made, parent, child, source)


def _take(
    made: dict[str, Tensor], weights: Mapping[str, Tensor], name: str, outputs: Channels, inputs: Channels | None
) -> None:
    """Give a layer the parent's tensors."""
    for tensor in [tensor for tensor in made if tensor.rpartition(".")[0] == name]:
        if tensor in weights:
            made[tensor] = taken(weights[tensor], made[tensor], outputs, inputs)


def _set(made: dict[str, Tensor], name: str, **values: float) -> None:
    for tensor, value in values.items():
        if f"{name}.{tensor}" in made:
            made[f"{name}.{tensor}"] = torch.full_like(made[f"{name}.{tensor}"], value)
