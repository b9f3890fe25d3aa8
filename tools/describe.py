"""List the spaces, tasks, strategies and benchmarks, or describe one of them."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

from command_line import Parser, refuse, run
from mmengine.registry import Registry

from benchmarks.benchmark import CONFIGS, DEFAULTS, read_config, strategy_files
from search_spaces import SPACES, SearchSpace, build, did_you_mean
from strategies import STRATEGIES
from tasks import TASKS

REGISTRIES: dict[str, Registry] = {"space": SPACES, "task": TASKS, "strategy": STRATEGIES}


def members() -> dict[str, tuple[str, type]]:
    """Every registered class by name, with its kind."""
    for registry in REGISTRIES.values():
        registry.import_from_location()
    return {name: (kind, cls) for kind, registry in REGISTRIES.items() for name, cls in registry.module_dict.items()}


def benchmark_ids() -> list[str]:
    return sorted(path.parent.name for path in CONFIGS.glob("*/protocol.py"))


def first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").split("\n")[0]


def listing() -> str:
    lines = []
    for kind in REGISTRIES:
        plural = kind[:-1] + "ies" if kind.endswith("y") else f"{kind}s"
        lines.append(plural)
        lines += [f"  {name:28}{first_line(cls)}" for name, (k, cls) in members().items() if k == kind]
    defaults = {name: task for task, names in DEFAULTS.items() for name in names}
    lines.append("benchmarks")
    for name in benchmark_ids():
        title = (CONFIGS / name / "protocol.py").read_text().split("\n")[0].strip('" ').partition(": ")[2]
        lines.append(f"  {name:28}{title}" + (f" (default of {defaults[name]})" if name in defaults else ""))
    return "\n".join(lines)


def describe_space(space: SearchSpace) -> str:
    lines = [f"{space.size:.3g} architectures, {len(space.decisions)} decisions:"]
    lines += [f"  {name:28}{', '.join(map(str, choices))}" for name, choices in space.decisions.items()]
    return "\n".join(lines)


def describe_class(name: str, kind: str, cls: type) -> str:
    text = f"{kind} {name}{inspect.signature(cls)}\n\n{inspect.getdoc(cls)}"
    return f"{text}\n\n{describe_space(cls())}" if kind == "space" else text


def describe_benchmark(name: str) -> str:
    files = list(strategy_files(name))
    config = read_config(files[0]).to_dict()["benchmark"]
    space = build(SPACES, config["space"])
    text = inspect.cleandoc((Path(files[0]).parent / "protocol.py").read_text().split('"""')[1])
    names = ", ".join(file.stem for file in files)
    return f"{text}\n\nstrategies: {names}\n\n{json.dumps(config, indent=2)}\n\n{describe_space(space)}"


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("name", nargs="?", help="a space, task, strategy or benchmark")
    name = parser.parse_args().name
    if name is None:
        print(listing())
        return 0
    known = members()
    try:
        if name in known:
            print(describe_class(name, *known[name]))
        elif name in (*benchmark_ids(), *DEFAULTS):
            print(describe_benchmark(name))
        else:
            raise ValueError(did_you_mean("name", name, [*known, *benchmark_ids(), *DEFAULTS]))
    except (ValueError, OSError) as error:
        refuse(error)
    return 0


if __name__ == "__main__":
    run(main)
