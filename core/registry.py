"""Registries whose members are imported when they are asked for, and how anything is built from a config's entry."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

import mmengine.registry


class Registry(mmengine.registry.Registry):
    """MMEngine's registry, told by name where its members are defined; asking for one imports that module alone.

    A line in `members` (class: module) is the whole registration. A class from elsewhere may be registered by the decorator
    `register_module`, or named in a config by its path, `module.Class`.
    """

    def __init__(self, name: str, members: Mapping[str, str], parent: mmengine.registry.Registry | None = None):
        super().__init__(name, parent=parent, scope="densebench")
        self.members = dict(members)

    def get(self, key: str) -> Any:
        name = key.removeprefix("densebench.")
        if name in self.members and name not in self.module_dict:
            cls = getattr(import_module(self.members[name]), name)
            if name not in self.module_dict:  # its module may have registered it by decorator
                self.register_module(module=cls)
        return self.module_dict[name] if name in self.module_dict else super().get(key)

    def names(self) -> list[str]:
        """Every member, imported or not."""
        return list(dict.fromkeys([*self.members, *self.module_dict]))

    def classes(self) -> dict[str, Any]:
        """Every member by name; imports all of them."""
        return {name: self.get(name) for name in self.names()}


def did_you_mean(kind: str, name: object, options: Iterable[object]) -> str:
    """One sentence for a name that is not among `options`: what, which value, what to do."""
    known = [str(option) for option in options]
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(known)}" if known else "there is none"
    return f"unknown {kind} {str(name)!r}: {hint}"


def build(registry: Registry, config: Mapping[str, Any], **more: Any) -> Any:
    """The object that a config's entry describes: `type`, a registered name or `module.Class`, and its arguments.

    `more` are arguments that no config holds. Raises ValueError where there is no such type, or it does not take these
    arguments.
    """
    if not isinstance(config, Mapping):
        raise ValueError(f"a {registry.name} is given by a dict with its type, not by {config!r}")
    arguments = {**config, **more}
    name = str(arguments.pop("type", None)).removeprefix("densebench.")
    module, _, member = name.rpartition(".")
    try:
        if not module and name not in registry.names():
            raise ValueError(did_you_mean(registry.name, name, registry.names()))
        cls = getattr(import_module(module), member) if module else registry.get(name)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"there is no {registry.name} {name!r} ({error}): give a registered name or module.Class"
        ) from None
    try:
        return cls(**arguments)
    except TypeError as error:
        raise ValueError(f"{registry.name} {name!r} cannot be built: {error}") from error
