"""Parameter remapping (FNA: Fang et al., ICLR 2020): weights of one network of inverted residuals for another one.

The networks are MobileNetV2, `MBConvNet`, and whatever names its tensors as they do: `layer<stage>.<layer>.conv.<place>`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from core import Remapped, Weights, matching

Order = Literal["first", "norm", "l1"]
Rest = Literal["zero", "fresh"]

ROLES = ("project", "depthwise", "expand")  # from the end: a layer may have no expansion
LAYER = re.compile(r"((?:.*\.)?)layer(\d+)\.(\d+)\.conv\.(\d+)\.(.+)")
END = re.compile(r"((?:.*\.)?)conv([12])\.(?:conv|bn)\.\w+")


@dataclass(frozen=True)
class Place:
    """Where in a network of inverted residuals a tensor is; `role` is the part of its layer."""

    prefix: str
    stage: int
    layer: int
    role: str
    tensor: str


def places(names: Collection[str]) -> dict[str, Place]:
    """The places of all tensors that belong to inverted residuals."""
    found = {name: match.groups() for name in names if (match := LAYER.fullmatch(name))}
    parts: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for prefix, stage, layer, place, tensor in found.values():
        if not _excites(tensor):
            parts[prefix, stage, layer].add(int(place))
    roles = {layer: dict(zip(sorted(numbers, reverse=True), ROLES, strict=False)) for layer, numbers in parts.items()}
    return {
        name: Place(prefix, int(stage), int(layer), role, tensor)
        for name, (prefix, stage, layer, place, tensor) in found.items()
        if (role := "excite" if _excites(tensor) else roles[prefix, stage, layer].get(int(place)))
    }


def sources(weights: Collection[str], fresh: Collection[str]) -> dict[str, str]:
    """For each tensor of a network the one of another, by their names, that it takes after.

    Layer i of a stage takes after layer min(i, last) of that stage; what is in no layer after what has its name.
    """
    old, new = places(weights), places(fresh)
    named = {place: name for name, place in old.items()}
    last: dict[tuple[str, int], int] = defaultdict(int)
    for place in named:
        last[place.prefix, place.stage] = max(last[place.prefix, place.stage], place.layer)
    found = {name: name for name in fresh if name in weights and name not in new}
    for name, place in new.items():
        seed = replace(place, layer=min(place.layer, last[place.prefix, place.stage]))
        if seed in named:
            found[name] = named[seed]
    return found


def resized(
    old: Tensor,
    fresh: Tensor,
    outputs: Sequence[int] | None = None,
    inputs: Sequence[int] | None = None,
    rest: Rest = "zero",
) -> Tensor:
    """`old` in the shape of `fresh`: (outputs, inputs, *kernel) of a convolution, or a vector of channels.

    Of the old channels `outputs` and `inputs` are kept, by default the first. A kernel stands in the middle of a larger one,
    with zeros around, and is cut to the middle of a smaller one. Further inputs are zero; further outputs of a convolution are
    zero too, or, where `rest` is "fresh", those of `fresh`; further entries of a vector are always those of `fresh`.

    Raises ValueError where the kernel cannot stand in the middle.
    """
    if outputs is not None and old.dim() > 0:
        old = old[list(outputs)]
    if inputs is not None and old.dim() > 1:
        old = old[:, list(inputs)]
    if old.shape == fresh.shape:
        return old
    if old.dim() != fresh.dim():
        raise ValueError(f"a tensor of shape {tuple(old.shape)} cannot become one of shape {tuple(fresh.shape)}")
    outs = min(len(old), len(fresh))
    made = fresh.clone() if fresh.dim() == 1 or rest == "fresh" else torch.zeros_like(fresh)
    made[:outs] = 0
    pairs = [(slice(0, min(sizes)),) * 2 for sizes in zip(old.shape[:2], fresh.shape[:2], strict=True)]
    pairs += [_middles(*sizes) for sizes in zip(old.shape[2:], fresh.shape[2:], strict=True)]
    made[tuple(new for _, new in pairs)] = old[tuple(then for then, _ in pairs)]
    return made


def remapped(weights: Weights, fresh: Weights, order: Order = "first", rest: Rest = "zero") -> Remapped:
    """The weights that a network of inverted residuals starts with, from those of another one: see `sources` and `resized`.

    Where channels become fewer, `order` says which are kept, the same in all tensors that they go through: the first ones, or
    those with the largest scale in their batch norms, or with the largest weights by L1 norm in the convolutions that make
    them, summed over the layers that share them. Decoders, necks and heads take over what matches by name and shape, and
    convolutions of fewer inputs where it is plain which layers' channels these are.
    """
    found = sources(weights, fresh)
    axes = channels(weights)
    worth = _worth(weights, axes, order)
    made = dict(matching(weights, fresh))
    for name in [name for name in channels(fresh) if name in found]:
        sizes = zip(axes[found[name]], fresh[name].shape, strict=False)
        kept = [_kept(worth.get(group), size) for group, size in sizes]
        try:
            made[name] = resized(weights[found[name]], fresh[name], *kept, rest=rest)
        except ValueError as error:
            raise ValueError(f"{name} cannot take after {found[name]}: {error}") from None
    for name, kept in _readers(weights, made, axes, worth).items():
        made[name] = resized(weights[name], fresh[name], None, kept)
    return Remapped(made, found)


def channels(names: Collection[str]) -> dict[str, tuple[str, str]]:
    """What the channels of a tensor are that come out of it and, of a convolution, go into it; "" where they are its own.

    Channels of one name are the same: those inside a layer, or those between the layers of a stage.
    """
    found: dict[str, tuple[str, str]] = {}
    last: dict[str, int] = {}
    known = places(names)
    expanded = {(place.prefix, place.stage, place.layer) for place in known.values() if place.role == "expand"}
    for name, place in known.items():
        last[place.prefix] = max(place.stage, last.get(place.prefix, 0))
        layer = f"{place.prefix}layer{place.stage}.{place.layer}"
        inputs = _between(place.prefix, place.stage if place.layer else place.stage - 1)
        inside = f"{layer} inside" if (place.prefix, place.stage, place.layer) in expanded else inputs
        found[name] = {
            "expand": (inside, inputs),
            "depthwise": (inside, ""),
            "project": (_between(place.prefix, place.stage), inside),
            "excite": (f"{layer} few", inside) if place.tensor.startswith("conv1.") else (inside, f"{layer} few"),
        }[place.role]
    for name in names:
        if (match := END.fullmatch(name)) and match[1] in last:
            prefix, end = match.groups()
            found[name] = (_between(prefix, 0), "") if end == "1" else ("", _between(prefix, last[prefix]))
    return found


def _excites(tensor: str) -> bool:
    return tensor.startswith(("conv1.", "conv2."))


def _between(prefix: str, stage: int) -> str:
    return f"{prefix}layer{stage} outside"


def _middles(old: int, new: int) -> tuple[slice, slice]:
    """Where a kernel of `old` taps and one of `new` lie on each other when their middles do."""
    if (old - new) % 2:
        raise ValueError(f"a kernel of {old} has no middle in one of {new}: take two odd or two even sizes")
    start, size = abs(old - new) // 2, min(old, new)
    inner, whole = slice(start, start + size), slice(0, size)
    return (inner, whole) if old > new else (whole, inner)


def _worth(weights: Weights, axes: Mapping[str, tuple[str, str]], order: Order) -> dict[str, Tensor]:
    """How much each of the channels of a name matters."""
    found: dict[str, Tensor] = defaultdict(lambda: torch.zeros(1))
    for name, (outputs, _) in axes.items():
        if outputs and order == "l1" and weights[name].dim() > 1:
            found[outputs] = found[outputs] + weights[name].abs().flatten(1).sum(1)
        elif outputs and order == "norm" and name.endswith(".bn.weight"):
            found[outputs] = found[outputs] + weights[name].abs()
    return dict(found)


def _readers(
    weights: Weights, fresh: Weights, axes: Mapping[str, tuple[str, str]], worth: Mapping[str, Tensor]
) -> dict[str, list[int]]:
    """The convolutions of decoders, necks and heads that read fewer channels of a layer than before, and which of them."""
    narrowed: dict[tuple[int, int], set[str]] = defaultdict(set)
    for name, (outputs, _) in axes.items():
        if outputs and name in fresh and (before := weights[name].shape[:1]) > (after := fresh[name].shape[:1]):
            narrowed[before[0], after[0]].add(outputs)
    found: dict[str, list[int]] = {}
    for name in weights.keys() & fresh.keys() - axes.keys():
        old, new = tuple(weights[name].shape), tuple(fresh[name].shape)
        groups = narrowed.get((old[1], new[1]), set()) if len(old) == len(new) > 1 else set()
        if old[:1] + old[2:] == new[:1] + new[2:] and old != new and len(groups) == 1:
            found[name] = _kept(worth.get(next(iter(groups))), new[1]) or list(range(new[1]))
    return found


def _kept(worth: Tensor | None, size: int) -> list[int] | None:
    """The `size` channels that matter most, in the order in which they are; None: the first."""
    if worth is None or size >= len(worth):
        return None
    return sorted(worth.argsort(descending=True, stable=True)[:size].tolist())
