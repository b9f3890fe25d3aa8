"""A page for each protocol, made of its config and its docstring."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from benchmarks.catalogue import benchmarks, groups, read_protocol
from benchmarks.description import benchmark_docstring, benchmark_summary, describe_space
from core import build
from search_spaces import SPACES

COMMAND = re.compile(r"^\s*(?:([A-Z][\w ,]*): *)?((?:[A-Z_]+=\S+ )*python tools/.*)$")
TASKS = {  # in the order in which they are listed
    "SegmentationTask": "Segmentation",
    "DetectionTask": "Detection",
    "RestorationTask": "Restoration",
    "ClassificationTask": "Classification",
    "DepthTask": "Depth",
    "KeypointTask": "Keypoints",
    "TabularTask": "Tables of recorded trainings",
    "ToyTask": "In closed form",
}


@cache
def _read(name: str) -> Mapping[str, Any]:
    return read_protocol(name)


def protocol(name: str, kept: Mapping[str, str]) -> str:
    """The page of a benchmark; `kept` maps those that have committed results to the address of these."""
    plain = _read(name)
    benchmark = plain["benchmark"]
    what = benchmark_docstring(name).partition(": ")[2]
    results = f"[Results that are kept]({kept[name]})\n\n" if name in kept else ""
    return (
        f"# {name}\n\n{markdown(what[:1].upper() + what[1:])}\n\n{results}"
        f"## Protocol\n\n{_facts(benchmark)}\n"
        f"## Strategies\n\n{_strategies(plain['strategies'])}\n"
        f"## Search space\n\n```text\n{describe_space(build(SPACES, benchmark['space']))}\n```\n\n"
        f"`python tools/describe.py {name}` prints the whole config.\n"
    )


def by_task() -> dict[str, list[str]]:
    """The ids of all benchmarks, by the title of their task."""
    found: dict[str, list[str]] = {title: [] for title in TASKS.values()}
    for name in benchmarks():
        kind = short(_read(name)["benchmark"]["task"]["type"])
        found.setdefault(TASKS.get(kind, kind.removesuffix("Task")), []).append(name)
    return {title: names for title, names in found.items() if names}


def navigation() -> list[dict[str, Any]]:
    """A section a task, with its protocols' pages."""
    return [{title: [{name: f"benchmarks/{name}.md"} for name in names]} for title, names in by_task().items()]


def overview() -> str:
    """The page that lists all benchmarks, by task."""
    parts = ["# Benchmarks\n\nEvery page is made of a protocol's config; a command plays it.\n"]
    for title, names in by_task().items():
        rows = [f"| [{name}]({name}.md) | {cell(benchmark_summary(name))} |" for name in names]
        parts.append("\n".join([f"## {title}\n", "| id | what |", "|---|---|", *rows, ""]))
    rows = [f"| `{group}` | {', '.join(f'[{one}]({one}.md)' for one in names)} |" for group, names in groups().items()]
    parts.append("\n".join(["## Names for several\n", "| name | plays |", "|---|---|", *rows, ""]))
    return "\n".join(parts)


def markdown(docstring: str) -> str:
    """A docstring with its commands as blocks of code."""
    lines: list[str] = []
    open_block = False
    for line in docstring.splitlines():
        found = None if open_block else COMMAND.match(line)
        if found:
            lines += ["", *([f"{found[1]}:", ""] if found[1] and found[1] != "Command" else []), "```bash"]
            line, open_block = found[2], True
        lines.append(line.strip() if open_block else line)
        if open_block and not line.rstrip().endswith("\\"):
            lines += ["```", ""]
            open_block = False
    return "\n".join(line for line in lines if line != "Command:")


def _facts(benchmark: Mapping[str, Any]) -> str:
    budget = ", ".join(f"{value:,} {name}" for name, value in benchmark["budget"].items() if value)
    rows = {
        "task": setting(benchmark["task"]),
        "seen by the search": setting(benchmark.get("proxy")),
        "search space": setting(benchmark["space"]),
        "space of the final networks": setting(benchmark.get("final_space")),
        **{f"stage {stage['name']}": setting(stage, "name") for stage in benchmark["stages"]},
        "final training": setting(benchmark["final"], "name"),
        "reward": setting(benchmark["reward"]),
        "objectives": setting(benchmark.get("objectives")),
        "gate": setting(benchmark.get("gate")),
        "budget": f"{budget} for a search",
        "seeds": ", ".join(map(str, benchmark.get("seeds", [0]))),
    }
    return _table("what", "how", {name: text for name, text in rows.items() if text})


def _strategies(strategies: Mapping[str, Any]) -> str:
    return _table("row", "how", {f"`{name}`": setting(config) for name, config in strategies.items()})


def setting(config: Any, *without: str) -> str:
    """A part of a config as one cell of a table: its class, and its settings."""
    if not isinstance(config, Mapping):
        return cell(config) if config else ""
    kind = f"**{short(config['type'])}** " if "type" in config else ""
    return kind + ", ".join(f"{n}={_value(v)}" for n, v in config.items() if n not in ("type", *without))


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{name}={_value(one)}" for name, one in value.items() if name != "type")
        return f"{short(value['type'])}({inner})" if "type" in value else f"({inner})"
    return cell(json.dumps(value) if isinstance(value, list | tuple | bool) else value)


def short(kind: Any) -> str:
    return str(kind).rpartition(".")[2]


def cell(value: Any) -> str:
    """A text that a table of Markdown shows and does not read."""
    return re.sub(r"([\\|*_\[\]<>])", r"\\\1", " ".join(str(value).split()))


def _table(left: str, right: str, rows: Mapping[str, str]) -> str:
    return "\n".join(
        [f"| {left} | {right} |", "|---|---|", *(f"| {name} | {text} |" for name, text in rows.items()), ""]
    )
