"""Which benchmarks there are, and the configs of the runs that a name stands for."""

from __future__ import annotations

import ast
import copy
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from traceback import extract_tb
from typing import Any

from mmengine.config import Config
from mmengine.config.lazy import LazyAttr, LazyObject

from benchmarks.files import check_name
from core import did_you_mean
from core.parsing import in_a_line, shown

CONFIGS = Path(__file__).parent / "configs"
PROTOCOL = "protocol.py"
VIS_BACKENDS = (
    "vis_backends"  # where a run's curves go, beside its benchmark: no rule, and so not in the protocol's hash
)
DELETE = "_delete_"  # MMEngine's: of the entry that it stands in, nothing stays but what stands beside it

DEFAULT_OF = re.compile(
    r"^default_of = (\[.*\])$", re.MULTILINE
)  # without reading all configs, which takes half a second

Plain = dict[str, Any]
Options = Mapping[str, Any]


def benchmarks() -> list[str]:
    """The ids of all benchmarks that come with this checkout."""
    return sorted(path.parent.name for path in CONFIGS.glob(f"*/{PROTOCOL}"))


def groups() -> dict[str, list[str]]:
    """What stands for several benchmarks (a task's name, "embedded"), and the ids of those that say so by `default_of`."""
    found: dict[str, list[str]] = {}
    for name in benchmarks():
        text = (CONFIGS / name / PROTOCOL).read_text()
        for group in ast.literal_eval(said[1]) if (said := DEFAULT_OF.search(text)) else ():
            found.setdefault(group, []).append(name)
    return found


def config_files(name: str) -> list[Path]:
    """The config files that a path, a folder with a `protocol.py`, a benchmark's id or a group's name stands for."""
    path = Path(name)
    if path.suffix in (".py", ".json"):
        if not path.is_file():
            raise ValueError(f"there is no config {name}: give a file, a benchmark's id or a task")
        return [path]
    for folder in (path, CONFIGS / name):
        if (folder / PROTOCOL).is_file():
            return [folder / PROTOCOL]
    several = groups()
    if name not in several:
        raise ValueError(did_you_mean("benchmark", name, [*several, *benchmarks()]))
    return [CONFIGS / one / PROTOCOL for one in several[name]]


def read_protocol(name: str, options: Options | None = None) -> Plain:
    """The config of a name as plain data, with `options` (`benchmark.a.b=c`) merged in.

    Its entries are `benchmark`, `strategies` and perhaps `default_of`; a dumped run's are `benchmark`, `strategy`, `name` and
    `seed`. Raises ValueError where the name stands for several, the file cannot be read or has no benchmark, or an option would
    change nothing.
    """
    for option in options or ():
        if not option.startswith("benchmark."):
            raise ValueError(f"the option {option!r} changes nothing: write benchmark.{in_a_line(option)}")
    return _merged(_read(_config_file(name)), options or {}, name)


def strategies_of(name: str) -> Mapping[str, Any]:
    """The strategies of the config of a name, which may be a file with one of its own. Raises ValueError."""
    path = _config_file(name)
    return _strategies(_read(path), path)


def _config_file(name: str) -> Path:
    path, *more = config_files(name)
    if more:
        known = ", ".join(one.parent.name for one in (path, *more))
        raise ValueError(f"{name} stands for {1 + len(more)} benchmarks: give one of {known}")
    return path


def run_configs(
    name: str, strategies: Sequence[str] | None = None, options: Options | None = None
) -> Iterator[tuple[str, Plain]]:
    """The name and config of each run that is asked for: `benchmark`, `strategy`; `seed`, `threads`, `vis_backends` if any.

    A benchmark plays all of its strategies where none is named, and those of a group the named ones that they have. A file
    with a `strategy` of its own is one run. Options that begin with `strategy` go to every strategy that is played, those
    with `strategies.NAME` to the one of that name. Raises ValueError.
    """
    options = dict(options or {})
    offers = [(plain, _strategies(plain, path)) for path in config_files(name) for plain in (_read(path),)]
    known = list(dict.fromkeys(one for _, offer in offers for one in offer))
    for wanted in strategies or ():
        if wanted not in known:
            raise ValueError(did_you_mean(f"strategy of {name}", wanted, known))
    for option in options:
        _check_option(option, known)
    for plain, offer in offers:
        entries = {entry: plain[entry] for entry in ("benchmark", "seed", "threads", VIS_BACKENDS) if entry in plain}
        for wanted in dict.fromkeys(strategies or offer):
            if wanted in offer:
                yield wanted, _merged({**entries, "strategy": offer[wanted]}, _for(wanted, options), name)


def _strategies(plain: Plain, path: Path) -> Mapping[str, Any]:
    """The strategies of a config by name; a file's own one is called as its run is, or as the file."""
    if "strategy" in plain:
        name = plain.get("name", path.stem)
        check_name(name, f"the name in {path}")
        return {name: plain["strategy"]}
    if not plain.get("strategies"):
        raise ValueError(f"{path} has no strategy: give it an entry strategies=dict(random_search=dict(...))")
    if not isinstance(plain["strategies"], Mapping):
        raise ValueError(f"strategies of {path} must be a dict of dicts, not {plain['strategies']!r}")
    return plain["strategies"]


def _check_option(option: str, known: Sequence[str]) -> None:
    """Raise ValueError for an option that would change nothing."""
    head, _, rest = option.partition(".")
    if head == "strategies":
        wanted = rest.split(".")[0]
        if wanted not in known:
            raise ValueError(did_you_mean("strategy in an option", wanted, known))
    elif head not in ("benchmark", "strategy", VIS_BACKENDS):
        name = in_a_line(option)
        raise ValueError(f"the option {option!r} changes nothing: write benchmark.{name} or strategy.{name}")


def _for(strategy: str, options: Options) -> Plain:
    """The options for a run of this strategy."""
    own = f"strategies.{strategy}"
    names = [name for name in options if name == own or name.startswith(f"{own}.")]
    mine = {name.replace(own, "strategy", 1): options[name] for name in names}
    return {name: value for name, value in options.items() if not name.startswith("strategies.")} | mine


def _read(path: Path) -> Plain:
    """A config file as plain data. Raises ValueError.

    It may import modules beside it, also in worker processes. `custom_imports`, MMEngine's entry for modules that register
    classes, becomes the benchmark's `imports`.
    """
    beside = str(path.parent.resolve())
    if CONFIGS not in path.resolve().parents and beside not in sys.path:
        sys.path.append(beside)  # a worker has its parent's
    try:
        plain = (
            json.loads(path.read_text()) if path.suffix == ".json" else _plain(Config.fromfile(path)._to_lazy_dict())
        )
    except (Exception, SystemExit) as error:  # a config is a program: anything may come out of it
        raise ValueError(f"{path} cannot be read as a config: {_why(error)}") from error
    if not isinstance(plain, dict) or not isinstance(plain.get("benchmark"), dict):
        raise ValueError(f"{path} has no 'benchmark', a dict: start from a {PROTOCOL} in benchmarks/configs")
    if "like" in plain:
        plain = _alike(plain, path)
    custom, benchmark = plain.pop("custom_imports", None), plain["benchmark"]
    if custom is not None:
        named = custom.get("imports") if isinstance(custom, dict) else custom
        benchmark["imports"] = [named] if isinstance(named, str) else named
    return plain


def _plain(value: Any, name: object = None) -> Any:
    """A config's value as plain data: of what it imports, a `type`, a class or a function is named, all else is taken.

    Raises ValueError where that is no plain data.
    """
    if isinstance(value, Mapping):
        return {key: _plain(item, key) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    if not isinstance(value, LazyObject | LazyAttr):
        return value
    named = f"{value.module}.{value}"
    if name == "type" or callable(made := value.build()):
        return named
    try:
        return json.loads(json.dumps(made))
    except (TypeError, ValueError):
        raise ValueError(
            f"{named}, a {type(made).__name__}, is no plain data: give numbers, texts, lists, dicts"
        ) from None


def _why(error: BaseException) -> str:
    """In one line. What MMEngine has made of an import raises an error without a word where it is called."""
    before, last = [None, None, *extract_tb(error.__traceback__)][-2:]
    if before and last and (type(error), last.name) == (RuntimeError, "__call__"):
        return f"line {before.lineno} calls what it imports, which a config can name, but not call"
    return in_a_line(f"{type(error).__name__}: {error}")


def _alike(plain: Plain, path: Path) -> Plain:
    """A config whose `benchmark` are changes (`{"space.aux": "conv"}`) of the benchmark that its `like` names by id."""
    like, changes = plain.pop("like"), {f"benchmark.{name}": value for name, value in plain["benchmark"].items()}
    if like not in benchmarks():
        raise ValueError(did_you_mean(f"benchmark that {path} is like", str(like), benchmarks()))
    if "benchmark.id" not in changes:
        raise ValueError(f"{path} changes {like}, which makes it another benchmark: give it an id of its own")
    base = _read(CONFIGS / like / PROTOCOL)
    merged = _merged({"benchmark": base["benchmark"]}, changes, str(path))
    return {"strategies": base["strategies"], **plain, **merged}


def _merged(plain: Plain, options: Options, what: str) -> Plain:
    """A config with options merged in, one after the other, as MMEngine does. Raises ValueError where one does not fit."""
    merged = copy.deepcopy(plain)
    for name in sorted(options, key=lambda name: not name.endswith(f".{DELETE}")):  # before what comes in its place
        change = copy.deepcopy(options[name])
        for part in reversed(name.split(".")):
            change = {part: change}
        try:
            merged = _into(merged, change)
        except ValueError as error:
            given = in_a_line(f"{name}={options[name]}")
            raise ValueError(f"the option {given} does not fit the config of {what}: {error}") from None
    return merged


def _into(base: Any, change: Any) -> Any:
    """Plain data with a change: a dict is merged, into a list by its places; anything else takes the place of what is there."""
    if not isinstance(change, dict):
        return change
    if change.pop(DELETE, False) or base is None:
        base = {}
    elif not isinstance(base, dict | list | tuple):
        raise ValueError(f"{shown(base)} has no entries: give {DELETE}=True as well to replace it")
    elif not change:
        raise ValueError("{} changes nothing: give None, or what it shall be")
    if isinstance(base, dict):
        return base | {name: _into(base.get(name), value) for name, value in change.items()}
    items = list(base)
    for place, value in change.items():
        if place not in map(str, range(len(items))):
            raise ValueError(f"{shown(place)} is no place in a list of {len(items)}")
        items[int(place)] = _into(items[int(place)], value)
    return items
