"""Plain data that comes from outside, made into dataclasses."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from core.registry import did_you_mean

T = TypeVar("T")


def parse(cls: type[T], config: Any, what: str) -> T:
    """An instance of the dataclass `cls` from a mapping, and so are those of its fields that are dataclasses.

    Lists become tuples where the field is one, mappings sorted pairs. Raises ValueError, naming `what` and the entry, where
    one is unknown, missing, of the wrong type or refused by the dataclass.
    """
    if not isinstance(config, Mapping):
        raise ValueError(f"{what} must be a dict, not {config!r}")
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for name in config:
        if name not in fields:
            raise ValueError(did_you_mean(f"entry of {what}", name, fields))
    hints, values = get_type_hints(cls), {}
    for name, field in fields.items():
        if name in config:
            values[name] = _typed(config[name], hints[name], f"{name} of {what}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{what} has no {name!r}: add it")
    try:
        return cls(**values)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None


def _typed(value: Any, hint: Any, where: str) -> Any:
    """`value` as the type `hint` has it: int for bool is refused, int for float is taken, a list for a tuple, too."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        kinds = [kind for kind in arguments if kind is not type(None)]
        for kind in kinds[:-1]:
            try:
                return _typed(value, kind, where)
            except ValueError:
                continue
        return _typed(value, kinds[-1], where)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return parse(hint, value, f"the {where}")
    if origin is tuple:
        value = sorted(value.items()) if isinstance(value, Mapping) else value
        if not isinstance(value, list | tuple):
            raise ValueError(f"{where} must be a list, not {value!r}")
        if arguments[-1] is Ellipsis:
            return tuple(_typed(item, arguments[0], f"an item of {where}") for item in value)
        if len(value) != len(arguments):
            raise ValueError(f"{where} must have {len(arguments)} items, not {value!r}")
        return tuple(_typed(item, kind, f"an item of {where}") for item, kind in zip(value, arguments, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise ValueError(f"{where} must be a dict, not {value!r}")
        return dict(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ValueError(f"{where} must be {_named(hint)}, not {value!r}")
    return value


def _named(hint: Any) -> str:
    names = {int: "a whole number", float: "a number", str: "a text", bool: "True or False"}
    return names.get(hint, f"a {getattr(hint, '__name__', hint)}")
