"""List the spaces, tasks, strategies and benchmarks, or describe one of them."""

from __future__ import annotations

from command_line import Parser, refuse, run

import inspect
import json
from typing import Any

from benchmarks.catalogue import benchmarks, groups, read_protocol
from benchmarks.description import REGISTRIES, benchmark_docstring, benchmark_summary, describe_space, summary
from core import build, did_you_mean
from search_spaces import SPACES, SearchSpace


def listing() -> str:
    lines = []
    for kind, registry in REGISTRIES.items():
        lines.append(kind)
        lines += [f"  {name:32}  {summary(registry, name)}" for name in registry.names()]
    lines.append("benchmarks")
    lines += [f"  {name:32}  {benchmark_summary(name)}" for name in benchmarks()]
    lines.append("names for several benchmarks")
    lines += [f"  {group:32}  {', '.join(names)}" for group, names in groups().items()]
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
        benchmark_docstring(name),
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
