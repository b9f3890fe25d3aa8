"""What members and benchmarks say of themselves, without importing what they are made of where that can be helped."""

from __future__ import annotations

import ast
import inspect
from importlib.util import find_spec
from pathlib import Path

from benchmarks.catalogue import config_files
from core import Registry
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


def benchmark_docstring(name: str) -> str:
    """What a benchmark that comes with this checkout says of itself."""
    return docstring(config_files(name)[0])


def benchmark_summary(name: str) -> str:
    """The first line of it, without the benchmark's id."""
    return first_line(benchmark_docstring(name)).partition(": ")[2]


def describe_space(space: SearchSpace) -> str:
    if not isinstance(space, FiniteSpace):
        return "an open space: it samples and mutates, and has no list of decisions"
    lines = [f"{space.size:.3g} architectures, {len(space.decisions)} decisions:"]
    lines += [f"  {name:32}{', '.join(map(str, choices))}" for name, choices in space.decisions.items()]
    return "\n".join(lines)
