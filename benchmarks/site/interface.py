"""The reference of the programming interface: a page a package, of the docstrings of what others build on."""

from __future__ import annotations

from importlib import import_module

from benchmarks.description import REGISTRIES, first_line

CONTRACTS = {  # the modules whose classes others derive from, build or call
    "search_spaces": ["space", "architecture", "supernet", "graph", "subset", "remap"],
    "tasks": [
        "task",
        "trainable",
        "data",
        "stage",
        "rewards",
        "cost",
        "templates",
        "deployment",
        "complexity",
        "latency",
    ],
    "strategies": ["strategy", "trial", "supernet.search"],
    "benchmarks": [
        "catalogue",
        "benchmark",
        "run",
        "study",
        "gates",
        "executors",
        "records.record",
        "leaderboard",
        "report.statistics",
    ],
    "core": ["registry", "building", "parsing", "table"],
}
MEMBERS = {"search_spaces": "spaces", "tasks": "tasks", "strategies": "strategies"}  # what a package's registry holds
TITLES = {
    "search_spaces": "Search spaces",
    "tasks": "Tasks",
    "strategies": "Strategies",
    "benchmarks": "Benchmarks and studies",
    "core": "Core",
}


def interface(package: str) -> str:
    """The page of a package, which mkdocstrings fills with docstrings."""
    module = import_module(package)
    parts = [f"# {TITLES[package]}\n\n{first_line(module.__doc__)}\n"]
    parts += [f"::: {package}.{name}\n" for name in CONTRACTS[package]]
    if package in MEMBERS:
        registry = REGISTRIES[MEMBERS[package]]
        parts.append("## What there is\n\nBy the names that a config's `type` takes.\n")
        parts += [f"::: {registry.members[name]}.{name}\n" for name in registry.names() if name in registry.members]
    return "\n".join(parts)
