"""What a config's entry may hold: known settings of the types that a constructor names, of a class of the registry's kind."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partialmethod
from pathlib import Path
from typing import Any, Literal

import pytest

from core import Registry, build, import_named, make, only_registered, parse


class Base:
    def __init__(self, size: tuple[int, int] = (1, 1), rate: float = 0.5):
        self.size, self.rate = size, rate


class Thing(Base):
    """Hands on to its base what it does not know itself."""

    def __init__(
        self, *, names: Sequence[str] = (), goal: Literal["max", "min"] = "max", more: Any = None, **rest: Any
    ):
        super().__init__(**rest)
        self.names = names


class Fixed(Base):
    __init__ = partialmethod(Base.__init__, rate=0.1)  # type: ignore[assignment]


class Table:
    def __init__(
        self, rows: Mapping[str, int], path: str | None = None, step: int | Sequence[int] = 1, on: bool = False
    ):
        self.rows = rows


class Mistaken:
    def __init__(self, width: int = 0):
        assert width != 7
        self.layers = {1: "narrow"}[100 // width]


THINGS = Registry("thing", {"Thing": __name__, "Fixed": __name__, "Table": __name__}, kind=f"{__name__}.Base")


@pytest.mark.parametrize(
    ("cls", "settings", "sentence"),
    [
        (Thing, dict(namez=[]), "unknown setting of a thing 'namez': did you mean 'names'"),
        (Thing, dict(rate="fast"), "rate of a thing must be a finite number, not 'fast'"),
        (Thing, dict(rate=float("nan")), "rate of a thing must be a finite number, not nan"),
        (Thing, dict(rate=True), "rate of a thing must be a finite number, not True"),
        (Thing, dict(size=3), "size of a thing must be a list, not 3"),
        (Thing, dict(size=[1]), r"size of a thing must have 2 items, not \[1\]"),
        (Thing, dict(size=[1, 2.5]), "an item of size of a thing must be a whole number, not 2.5"),
        (Thing, dict(names="one"), "names of a thing must be a list, not 'one'"),
        (Thing, dict(goal="up"), "goal of a thing must be one of 'max', 'min', not 'up'"),
        (Fixed, dict(rate=[]), r"rate of a thing must be a finite number, not \[\]"),
        (Table, {}, "a thing cannot be built: .*'rows'"),
        (Mistaken, {}, "a thing cannot be built: ZeroDivisionError: "),
        (Mistaken, dict(width=2), "a thing cannot be built: KeyError: 50"),
        (Mistaken, dict(width=7), "a thing cannot be built: AssertionError"),
        (Table, dict(rows=[]), r"rows of a thing must be a dict, not \[\]"),
        (Table, dict(rows=dict(a=1.5)), "'a' in rows of a thing must be a whole number, not 1.5"),
        (Table, dict(rows={}, path=3), "path of a thing must be a text, not 3"),
        (Table, dict(rows={}, step="x"), "step of a thing must be a whole number, not 'x'"),
        (Table, dict(rows={}, on=1), "on of a thing must be True or False, not 1"),
    ],
)
def test_settings_that_do_not_fit_are_named(cls: type, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make(cls, settings, "a thing")


def test_settings_that_fit_arrive_as_they_are() -> None:
    thing = build(THINGS, dict(type="Thing", size=[1, 2], rate=1), names=["a"])
    assert (thing.size, thing.rate, thing.names) == ([1, 2], 1, ["a"])
    assert build(THINGS, dict(type="Fixed")).rate == 0.1
    assert make(Table, dict(rows=dict(a=1), path=None, step=[1, 2]), "a table").rows == {"a": 1}


def test_only_what_is_of_the_kind_is_called(tmp_path: Path) -> None:
    trap = f"open({str(tmp_path / 'called')!r}, 'w')"
    for config in (
        dict(type="Table", rows={}),
        dict(type=f"{__name__}.Table", rows={}),
        dict(type="builtins.exec", source=trap),
        dict(type="subprocess.Popen", args=[sys.executable, "-c", trap]),
    ):
        with pytest.raises(ValueError, match="is no thing: give a class that derives from Base"):
            build(THINGS, config)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (3, "a thing is given by a dict with its type, not by 3"),
        ({}, "unknown thing 'None'"),
        (dict(type="Thin"), "unknown thing 'Thin': did you mean 'Thing'"),
        (dict(type="no.such.Thing"), "there is no thing 'no.such.Thing'"),
        (dict(type="core.NoThing"), "there is no thing 'core.NoThing'"),
    ],
)
def test_types_that_are_not_there_are_named(config: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        build(THINGS, config)


@dataclass(frozen=True)
class Inner:
    count: int = 1

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("count must be at least 1")


@dataclass(frozen=True)
class Outer:
    inner: Inner
    pairs: tuple[tuple[str, Any], ...] = ()


def test_plain_data_becomes_dataclasses() -> None:
    assert parse(Outer, dict(inner={}, pairs=dict(b=[2], a=1)), "it") == Outer(Inner(), (("a", 1), ("b", [2])))


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ([], "it must be a dict"),
        ({}, "it has no 'inner': add it"),
        (dict(inner=3), "the inner of it must be a dict, not 3"),
        (dict(inner=dict(count=0)), "the inner of it: count must be at least 1"),
        (dict(inner={}, pairs=3), "pairs of it must be a dict, not 3"),
        (dict(iner={}), "unknown entry of it 'iner': did you mean 'inner'"),
    ],
)
def test_plain_data_that_does_not_fit_is_named(config: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse(Outer, config, "it")


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that a module of the name `a_trap` writes when it is imported."""
    written = tmp_path / "executed"
    (tmp_path / "a_trap.py").write_text(f"open({str(written)!r}, 'w').close()\nclass Thing: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "a_trap", raising=False)
    return written


@pytest.mark.parametrize("name", ["a_trap.Thing", "os.system", f"{__name__}.Base", "a_trap", ".Thing", "..Thing", None])
def test_a_strangers_config_imports_nothing(trap: Path, name: str | None) -> None:
    with only_registered(), pytest.raises(ValueError, match="thing"):
        build(THINGS, dict(type=name))
    assert not trap.exists()
    with only_registered(), pytest.raises(ValueError, match="names the module a_trap, which is not imported"):
        import_named("a_trap")
    assert not trap.exists()
    import_named("a_trap")
    assert trap.exists()


def test_of_a_strangers_config_members_are_built_by_name_and_path() -> None:
    package = __name__.rpartition(".")[0]
    for path in ("Thing", "densebench.Thing", f"{__name__}.Thing", *([f"{package}.Thing"] if package else [])):
        with only_registered():
            assert type(build(THINGS, dict(type=path))) is Thing
