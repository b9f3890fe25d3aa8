"""How anything is built from a config's entry."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar

from core.parsing import in_a_line, typed
from core.registry import Registry, did_you_mean

T = TypeVar("T")
_stranger = ContextVar("a config that is read is a stranger's", default=False)


@contextmanager
def only_registered() -> Iterator[None]:
    """Within it configs are a stranger's: no module is imported because one names it, only members of registries are built."""
    before = _stranger.set(True)
    try:
        yield
    finally:
        _stranger.reset(before)


def import_named(module: str) -> ModuleType:
    """Import a module that a config names. Raises ValueError within `only_registered`, and whatever the module raises."""
    if _stranger.get():
        raise ValueError(f"a stranger's config names the module {module}, which is not imported")
    return import_module(module)


def build(registry: Registry, config: Mapping[str, Any], **more: Any) -> Any:
    """The object that a config's entry describes: `type`, a registered name or `module.Class`, and its arguments.

    `more` are arguments that no config holds. Raises ValueError where there is no such type, or it does not take these
    settings.
    """
    if not isinstance(config, Mapping):
        raise ValueError(f"a {registry.name} is given by a dict with its type, not by {config!r}")
    settings = dict(config)
    name = str(settings.pop("type", None)).removeprefix("densebench.")
    return make(_found(registry, name), settings, f"{registry.name} {name!r}", **more)


def make(cls: type[T], settings: Mapping[str, Any], what: str, **more: Any) -> T:
    """A `cls` with these settings.

    Raises ValueError where one is unknown, missing, of another type than its annotation, or none that it can be made with.
    """
    known = parameters(cls)
    for name, value in settings.items():
        if name not in known:
            raise ValueError(did_you_mean(f"setting of {what}", name, known))
        typed(value, known[name], f"{name} of {what}")
    try:
        return cls(**{**settings, **more})
    except (ValueError, OSError, MemoryError, RecursionError):
        raise
    except (Exception, SystemExit) as error:
        raise ValueError(f"{what} cannot be built: {in_a_line(f'{type(error).__name__}: {error}')}") from error


def _found(registry: Registry, name: str) -> type:
    """The class of a name. Raises ValueError, before it is called, where it is none of the registry's kind."""
    name = registry.member(name)
    module, _, cls_name = name.rpartition(".")
    if not module and name not in registry.names():
        raise ValueError(did_you_mean(registry.name, name, registry.names()))
    try:
        cls = getattr(import_named(module), cls_name) if module else registry.get(name)
    except Exception as error:  # a module is a program: anything may come out of it
        raise ValueError(
            f"there is no {registry.name} {name!r} ({in_a_line(error)}): give a registered name or module.Class"
        ) from None
    kind = _located(registry.kind) if registry.kind else object
    if not isinstance(cls, type) or not issubclass(cls, kind):
        raise ValueError(f"{name!r} is no {registry.name}: give a class that derives from {kind.__name__}")
    return cls


def _located(path: str) -> Any:
    module, _, member = path.rpartition(".")
    return getattr(import_module(module), member)


def parameters(cls: type) -> dict[str, Any]:
    """What a constructor takes, and what it hands on to those of its bases, each with its type (Any: it names none)."""
    found: dict[str, Any] = {}
    for base in cls.__mro__[:-1]:
        if "__init__" not in base.__dict__:
            continue
        taken = list(_signature(base).parameters.values())[1:]
        named = {one.name: one.annotation for one in taken if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)}
        found = {name: Any if of is inspect.Parameter.empty else of for name, of in named.items()} | found
        if len(named) == len(taken):
            break
    return found


def _signature(cls: type) -> inspect.Signature:
    try:
        return inspect.signature(cls.__init__, eval_str=True)  # type: ignore[misc]
    except NameError:  # it names types that only a type checker imports
        return inspect.signature(cls.__init__)  # type: ignore[misc]
