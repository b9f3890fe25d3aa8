"""The registry of spaces, and how anything is built from a config's entry."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from mmengine.registry import Registry

FILES = ("toy", "decoder_cells", "fpn_cells", "fcos_head", "fcos_decoder", "mbconv", "restoration_cells")
SPACES = Registry("space", scope="densebench", locations=[f"search_spaces.{name}" for name in FILES])


def did_you_mean(kind: str, name: object, options: Iterable[object]) -> str:
    """One sentence for a name that is not among `options`: what, which value, what to do."""
    known = [str(option) for option in options]
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(known)}"
    return f"unknown {kind} {str(name)!r}: {hint}"


def build(registry: Registry, config: Mapping[str, Any]) -> Any:
    """The object that a config's entry describes: `type`, a registered name or `module.Class`, and its arguments.

    Raises ValueError where there is no such type, or it does not take these arguments. A `module.Class` is imported alone,
    without the rest of the registry.
    """
    arguments = dict(config)
    name = str(arguments.pop("type", None))
    module, _, member = name.rpartition(".")
    try:
        cls = getattr(import_module(module), member) if module else registry.get(name)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"there is no {registry.name} {name!r} ({error}): give a registered name or module.Class"
        ) from None
    if cls is None:
        raise ValueError(did_you_mean(registry.name, name, registry.module_dict))
    try:
        return cls(**arguments)
    except TypeError as error:
        raise ValueError(f"{registry.name} {name!r} cannot be built: {error}") from error
