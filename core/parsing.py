"""Plain data that comes from outside, made into dataclasses."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from core.registry import did_you_mean

T = TypeVar("T")
Reader = Callable[[Any], Any]  # a value as its type has it; raises MisfitError
hints_of = cache(get_type_hints)
LARGEST = 2**53  # beyond it JSON keeps no whole number exactly
SHOWN = 200  # characters of a wrong value
QUICK: dict[Any, set[type]] = {
    str: {str},
    float: {float},
    int | float | str: {int, float, str},
}  # that stay as they are
UNCHANGED = (str, bool, type(None))  # whose values are as their types have them
NAMES = {int: "a whole number", float: "a finite number", str: "a text", bool: "True or False"}


def in_a_line(error: object) -> str:
    """What others say of an error, for a sentence of ours."""
    line = " ".join(str(error).split())
    return line if line.isprintable() else ascii(line)[1:-1]


def recordable(text: str) -> str:
    """As a file in UTF-8 can hold it: names of files may be none, and errors tell them."""
    return text.encode(errors="backslashreplace").decode()


class MisfitError(ValueError):
    """A value is not of its type: `sentence` says so, once it is told where the value stands.

    Words are only put together where something is wrong: a million lines are read in which nothing is.
    """

    def __init__(self, sentence: Callable[[str], str]):
        self.sentence = sentence

    def within(self, words: Callable[[str], str]) -> MisfitError:
        """The same, where the value stands within another one: `words` say where, given where that one stands."""
        return MisfitError(lambda where: self.sentence(words(where)))


def parse(cls: type[T], config: Any, what: str) -> T:
    """An instance of the dataclass `cls` from a mapping, and so are those of its fields that are dataclasses.

    Lists become tuples where the field is one, mappings sorted pairs. Raises ValueError, naming `what` and the entry, where
    one is unknown, missing, of the wrong type or refused by the dataclass.
    """
    return _told(_fields(cls), config, what)


def typed(value: Any, hint: Any, where: str) -> Any:
    """`value` as the type `hint` has it: a whole number for any other, a list for a tuple; never a bool for a number.

    Numbers are finite. Types that a config cannot spell are not looked at. Raises ValueError, naming `where` the value stands.
    """
    return _told(_reader(hint), value, where)


def shown(value: Any) -> str:
    """A wrong value in a sentence, however long or deep it is."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # ValueError: a number of thousands of digits
        return f"a {type(value).__name__} that is too large to be shown"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _must(value: Any, be: str) -> MisfitError:
    return MisfitError(lambda where: f"{where} must be {be}, not {shown(value)}")


def _told(reader: Reader, value: Any, where: str) -> Any:
    try:
        return reader(value)
    except MisfitError as wrong:
        raise ValueError(wrong.sentence(where)) from None


def _reader(hint: Any) -> Reader:
    """The one of a type. Those of classes are kept; unions are equal in any order, and theirs counts."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _one_of(arguments)
    if origin is Literal:
        return _literal(arguments)
    if origin in (tuple, list, Sequence):
        return _items(arguments)
    if origin in (dict, Mapping):
        return _mapping(arguments[1])
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _nested(_fields(hint))
    return _plain(hint) if hint in NAMES else lambda value: value


def _plain(hint: type) -> Reader:
    def read(value: Any) -> Any:
        kind = type(value)
        if kind is int and abs(value) > LARGEST:
            raise _must(value, f"from -{LARGEST} to {LARGEST}")
        if hint is float and kind is int:
            return float(value)
        if kind is not hint or (hint is float and not math.isfinite(value)):
            raise _must(value, NAMES[hint])
        return value

    return read


def _literal(choices: Sequence[Any]) -> Reader:
    def read(value: Any) -> Any:
        if value not in choices:
            raise _must(value, f"one of {', '.join(map(repr, choices))}")
        return value

    return read


def _one_of(hints: Sequence[Any]) -> Reader:
    """As one of the types has it; where none does, the first says what is wrong."""
    optional, text = type(None) in hints, str in hints
    first, *others = (_reader(hint) for hint in hints if hint is not type(None))

    def read(value: Any) -> Any:
        if (value is None and optional) or (text and type(value) is str):
            return value
        for other in others:
            try:
                return other(value)
            except MisfitError:
                continue
        return first(value)

    return read


def _mapping(hint: Any) -> Reader:
    item, quick = _reader(hint), QUICK.get(hint, set())

    def read(value: Any) -> Any:
        if not isinstance(value, dict | Mapping):
            raise _must(value, "a dict")
        if quick.issuperset(map(type, value.values())) and all(
            type(one) is str or -LARGEST <= one <= LARGEST for one in value.values()
        ):
            return dict(value)
        result = {}
        for name, one in value.items():
            try:
                result[name] = item(one)
            except MisfitError as wrong:
                raise wrong.within(lambda where, name=name: f"{name!r} in {where}") from None
        return result

    return read


def _items(hints: Sequence[Any]) -> Reader:
    """The items of a list as their types have them; of a dict, pairs of name and value, by name."""
    pairs, alike = get_origin(hints[0]) is tuple, len(hints) == 1 or hints[1] is Ellipsis
    readers = [_reader(hint) for hint in (hints[:1] if alike else hints)]

    def read(value: Any) -> Any:
        value = sorted(value.items()) if pairs and isinstance(value, Mapping) else value
        if not isinstance(value, list | tuple):
            raise _must(value, f"a {'dict' if pairs else 'list'}")
        if not alike and len(value) != len(readers):
            raise MisfitError(lambda where: f"{where} must have {len(readers)} items, not {shown(value)}")
        several = readers * len(value) if alike else readers
        try:
            return tuple(reader(one) for reader, one in zip(several, value, strict=True))
        except MisfitError as wrong:
            raise wrong.within(lambda where: f"an item of {where}") from None

    return read


def _nested(fields: Reader) -> Reader:
    def read(value: Any) -> Any:
        try:
            return fields(value)
        except MisfitError as wrong:
            raise wrong.within(lambda where: f"the {where}") from None

    return read


def _unchanged(hint: Any) -> tuple[type, ...]:
    """The types whose values need not be looked at."""
    hints = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return tuple(one for one in UNCHANGED if one in hints)


@cache
def _fields(cls: type) -> Reader:
    """The one of a dataclass, from a mapping."""
    hints = hints_of(cls)
    fields = {
        field.name: (_reader(hints[field.name]), _unchanged(hints[field.name])) for field in dataclasses.fields(cls)
    }
    nothing = dataclasses.MISSING
    needed = [field.name for field in dataclasses.fields(cls) if field.default is field.default_factory is nothing]

    def read(config: Any) -> Any:
        if not isinstance(config, dict | Mapping):
            raise _must(config, "a dict")
        if not config.keys() <= fields.keys():
            name = next(name for name in config if name not in fields)
            raise MisfitError(lambda what: did_you_mean(f"entry of {what}", name, fields))
        values = {}
        for name, (reader, unchanged) in fields.items():
            if name in config:
                value = config[name]
                try:
                    values[name] = value if type(value) in unchanged else reader(value)
                except MisfitError as wrong:
                    raise wrong.within(lambda what, name=name: f"{name} of {what}") from None
            elif name in needed:
                raise MisfitError(lambda what, name=name: f"{what} has no {name!r}: add it")
        try:
            return cls(**values)
        except ValueError as error:
            refused = str(error)
        raise MisfitError(lambda what: f"{what}: {refused}")

    return read
