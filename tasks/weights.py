"""Weights on disk, and how a network takes over those of another."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import Inherit, Remapped, Weights, matching
from tasks.cost import Inherited
from tasks.task import Start

if TYPE_CHECKING:
    from torch import Tensor, nn


def save(state: Mapping[str, Any], path: str | Path) -> None:
    """Write a file of tensors whole or not at all."""
    import torch

    part = Path(f"{path}.{os.getpid()}.part")
    try:
        torch.save(dict(state), part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def load(path: str | Path) -> dict[str, Any]:
    """What `save` wrote, in main memory; never code."""
    import torch

    return torch.load(path, map_location="cpu", weights_only=True)


def load_checked(path: str | Path) -> dict[str, Any]:
    """The same, of a file that may be damaged, or hide something else: torch does not look at its checksums.

    Raises ValueError.
    """
    try:
        with zipfile.ZipFile(path) as parts:
            damaged = parts.testzip()
        state = load(path) if damaged is None else None
    except (OSError, MemoryError):
        raise
    except Exception as error:  # damaged bytes make both raise anything
        said = str(error).splitlines()[:1]
        raise ValueError(f"it is cut off, damaged, or holds more than tensors: {''.join(said)}") from None
    if damaged is not None:
        raise ValueError(f"its part {damaged} is damaged")
    if not isinstance(state, dict):
        raise ValueError("it holds no tensors by their names")
    return state


def own(network: nn.Module, frozen: nn.Module | None, brought: Collection[str] = ()) -> dict[str, Tensor]:
    """A network's tensors by name; of a `frozen` part, which others share, only those that `brought` names."""
    state = network.state_dict()
    prefix = next((f"{name}." for name, module in network.named_modules() if module is frozen), None)
    return {
        name: value for name, value in state.items() if prefix is None or not name.startswith(prefix) or name in brought
    }


def take_over(network: nn.Module, weights: Weights, start: Start, frozen: nn.Module | None = None) -> Inherited:
    """Begin with `weights`, those of `start`'s file. Raises ValueError, naming it, where none of them is taken over."""
    fresh = own(network, frozen, weights)
    taken, report = inherit(weights, fresh, start.inherit or matching, start.path)
    network.load_state_dict({**network.state_dict(), **taken})
    return report


def inherit(weights: Weights, fresh: Weights, rule: Inherit, source: str) -> tuple[Weights, Inherited]:
    """What `rule` makes of `weights`, and a report. Raises ValueError, naming `source`, where it takes none of them."""
    made = rule(weights, fresh)
    taken = {**fresh, **made}
    kinds = Counter(changes(weights, fresh, made).values())
    if kinds["new"] == len(taken):
        raise ValueError(
            f"{source} does not fit: the network takes over none of its {len(weights)} tensors, "
            f"which begin with {_first(weights)}, those of the network with {_first(fresh)}"
        )
    changed = kinds["changed"] + kinds["padded"] + kinds["cropped"]
    return taken, Inherited(kinds["copied"], changed, kinds["new"], kinds["padded"], kinds["cropped"])


def changes(weights: Weights, fresh: Weights, made: Weights) -> dict[str, str]:
    """What became of each tensor of a network whose `fresh` ones were to be replaced by those `made` from `weights`.

    It is "new" where it is the fresh one, "copied" where it is an old one, "cropped" or "padded" where a rule says from which
    old one it was made (`Remapped`), and "changed" otherwise.
    """
    sources = made.sources if isinstance(made, Remapped) else {}
    found: dict[str, str] = {}
    for name, value in fresh.items():
        taken, old = made.get(name, value), weights.get(sources.get(name, name))
        sizes = list(zip(old.shape, taken.shape, strict=True)) if name in sources and old is not None else []
        if taken is value or taken is old:
            found[name] = "new" if taken is value else "copied"
        elif any(before > after for before, after in sizes):
            found[name] = "cropped"
        else:
            found[name] = "padded" if any(before < after for before, after in sizes) else "changed"
    return found


def _first(weights: Weights) -> str:
    return next((f"{name} {tuple(value.shape)}" for name, value in weights.items()), "nothing")
