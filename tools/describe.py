"""List the spaces, tasks, strategies and benchmarks, or describe one of them."""

from __future__ import annotations

from command_line import Parser, refuse, run

import ast
import inspect
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.catalogue import benchmarks, config_files, groups, read_protocol
from core import Registry, build, did_you_mean
from search_spaces import SPACES, FiniteSpace, SearchSpace
from strategies import STRATEGIES
from tasks import TASKS

REGISTRIES: dict[str, Registry] = {"spaces": SPACES, "tasks": TASKS, "strategies": STRATEGIES}


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text())) or ""


def first_line(text: str | None) -> str:
    return (text or "").split("\n")[0]


def summary(registry: Registry, name: str) -> str:
    """The first line of a class's docstring, from its module's source: to import all of them takes seconds."""
    if name not in registry.module_dict:
        spec = find_spec(registry.members[name])
        for node in ast.parse(Path(spec.origin).read_text()).body if spec and spec.origin else ():
            if isinstance(node, ast.ClassDef) and node.name == name and (text := ast.get_docstring(node)):
                return first_line(text)
    return first_line(inspect.getdoc(registry.get(name)))  # it is there, or has another class's


def listing() -> str:
    lines = []
    for kind, registry in REGISTRIES.items():
        lines.append(kind)
        lines += [f"  {name:32}{summary(registry, name)}" for name in registry.names()]
    lines.append("benchmarks")
    lines += [f"  {name:32}{first_line(docstring(config_files(name)[0])).partition(': ')[2]}" for name in benchmarks()]
    lines.append("names for several benchmarks")
    lines += [f"  {group:32}{', '.join(names)}" for group, names in groups().items()]
    return "\n".join(lines)


def describe_space(space: SearchSpace) -> str:
    if not isinstance(space, FiniteSpace):
        return "an open space: it samples and mutates, and has no list of decisions"
    lines = [f"{space.size:.3g} architectures, {len(space.decisions)} decisions:"]
    lines += [f"  {name:32}{', '.join(map(str, choices))}" for name, choices in space.decisions.items()]
    return "\n".join(lines)


def describe_class(name: str, cls: Any) -> str:
    text = f"{name}{inspect.signature(cls)}\n\n{inspect.getdoc(cls)}"
    if not issubclass(cls, SearchSpace):
        return text
    try:
        return f"{text}\n\n{describe_space(build(SPACES, dict(type=name)))}"
    except ValueError:  # it has settings without a default
        return text


def describe_benchmark(name: str) -> str:
    plain = read_protocol(name)
    parts = [
        docstring(config_files(name)[0]),
        f"strategies: {', '.join(plain['strategies'])}",
        json.dumps({entry: plain[entry] for entry in ("benchmark", "strategies")}, indent=2),
        describe_space(build(SPACES, plain["benchmark"]["space"])),
    ]
    return "\n\n".join(parts)


def described(name: str) -> str:
    """Raises ValueError for an unknown name."""
    for registry in REGISTRIES.values():
        if name in registry.names():
            return describe_class(name, registry.get(name))
    named = [*benchmarks(), *groups()]
    if name in named:
        return describe_benchmark(name)
    members = [member for registry in REGISTRIES.values() for member in registry.names()]
    raise ValueError(did_you_mean("name", name, [*members, *named]))


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("name", nargs="?", help="a space, task, strategy or benchmark")
    name = parser.parse_args().name
    try:
        print(listing() if name is None else described(name))
    except (ValueError, OSError) as error:
        refuse(error)
    return 0


if __name__ == "__main__":
    run(main)
