"""Registries whose members are imported when they are asked for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

import mmengine.registry


class Registry(mmengine.registry.Registry):
    """MMEngine's registry, told by name where its members are defined; asking for one imports that module alone.

    A line in `members` (class: module) is the whole registration. A class from elsewhere may be registered by the decorator
    `register_module`, or named in a config by its path, `module.Class`. All derive from `kind`, a class by its path.
    """

    def __init__(
        self, name: str, members: Mapping[str, str], kind: str = "", parent: mmengine.registry.Registry | None = None
    ):
        super().__init__(name, parent=parent, scope="densebench")
        self.members, self.kind = dict(members), kind

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

    def member(self, path: str) -> str:
        """The name of the member that `path`, package.Class or module.Class, leads to; else the path itself."""
        module, _, name = path.rpartition(".")
        return name if module and f"{self.members.get(name)}.".startswith(f"{module}.") else path

    def classes(self) -> dict[str, Any]:
        """Every member by name; imports all of them."""
        return {name: self.get(name) for name in self.names()}


def did_you_mean(kind: str, name: object, options: Iterable[object]) -> str:
    """One sentence for a name that is not among `options`: what, which value, what to do."""
    known = [str(option) for option in options]
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(known)}" if known else "there is none"
    return f"unknown {kind} {str(name)!r}: {hint}"
