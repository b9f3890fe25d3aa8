"""Plain data that comes from outside, made into dataclasses."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from core.registry import did_you_mean

T = TypeVar("T")
hints_of = lru_cache(get_type_hints)
LARGEST = 2**53  # beyond it JSON keeps no whole number exactly
SHOWN = 200  # characters of a wrong value
NAMES = {int: "a whole number", float: "a finite number", str: "a text", bool: "True or False"}


def parse(cls: type[T], config: Any, what: str) -> T:
    """An instance of the dataclass `cls` from a mapping, and so are those of its fields that are dataclasses.

    Lists become tuples where the field is one, mappings sorted pairs. Raises ValueError, naming `what` and the entry, where
    one is unknown, missing, of the wrong type or refused by the dataclass.
    """
    if not isinstance(config, Mapping):
        raise ValueError(f"{what} must be a dict, not {shown(config)}")
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for name in config:
        if name not in fields:
            raise ValueError(did_you_mean(f"entry of {what}", name, fields))
    hints, values = hints_of(cls), {}
    for name, field in fields.items():
        if name in config:
            values[name] = typed(config[name], hints[name], f"{name} of {what}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{what} has no {name!r}: add it")
    try:
        return cls(**values)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None


def typed(value: Any, hint: Any, where: str) -> Any:
    """`value` as the type `hint` has it: a whole number for any other, a list for a tuple; never a bool for a number.

    Numbers are finite. Types that a config cannot spell are not looked at. Raises ValueError, naming `where` the value stands.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _one_of(value, arguments, where)
    if origin is Literal and value not in arguments:
        raise ValueError(f"{where} must be one of {', '.join(map(repr, arguments))}, not {shown(value)}")
    if origin in (tuple, list, Sequence):
        return _items(value, arguments, where)
    if origin in (dict, Mapping):
        if not isinstance(value, Mapping):
            raise ValueError(f"{where} must be a dict, not {shown(value)}")
        return {name: typed(item, arguments[1], f"{name!r} in {where}") for name, item in value.items()}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return parse(hint, value, f"the {where}")
    if hint not in NAMES:
        return value
    if type(value) is int and abs(value) > LARGEST:
        raise ValueError(f"{where} must be from -{LARGEST} to {LARGEST}, not {shown(value)}")
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint or (hint is float and not math.isfinite(value)):
        raise ValueError(f"{where} must be {NAMES[hint]}, not {shown(value)}")
    return value


def shown(value: Any) -> str:
    """A wrong value in a sentence, however long or deep it is."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # ValueError: a number of thousands of digits
        return f"a {type(value).__name__} that is too large to be shown"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _one_of(value: Any, hints: Sequence[Any], where: str) -> Any:
    """`value` as one of the types has it; where none does, the first says what is wrong."""
    if value is None and type(None) in hints:
        return None
    first, *others = (hint for hint in hints if hint is not type(None))
    for hint in others:
        try:
            return typed(value, hint, where)
        except ValueError:
            continue
    return typed(value, first, where)


def _items(value: Any, hints: Sequence[Any], where: str) -> tuple[Any, ...]:
    """The items of a list as their types have them; of a dict, pairs of name and value, by name."""
    pairs = get_origin(hints[0]) is tuple
    value = sorted(value.items()) if pairs and isinstance(value, Mapping) else value
    if not isinstance(value, list | tuple):
        raise ValueError(f"{where} must be a {'dict' if pairs else 'list'}, not {shown(value)}")
    if len(hints) == 1 or hints[1] is Ellipsis:
        hints = [hints[0]] * len(value)
    if len(value) != len(hints):
        raise ValueError(f"{where} must have {len(hints)} items, not {shown(value)}")
    return tuple(typed(item, hint, f"an item of {where}") for item, hint in zip(value, hints, strict=True))
