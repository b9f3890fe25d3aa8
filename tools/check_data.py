"""Check a dataset folder and say, file by file, what is wrong with it.

The layout is recognised, and splits that are missing are dealt out, as tools/search.py does it (see docs/data.md). Classes are
the layout's, or the lines of classes.txt, or, without either, every value that the label files hold, or every name that the
training split's boxes have. Images to restore are taken for pairs where two folders have the usual names of pairs, else for
clean images. Splits are compared: pictures of "test" that another one has are wrong. With --config (a benchmark's id or config
file) classes, layout and splits are the benchmark's.
"""

from __future__ import annotations

from command_line import Parser, refuse, run, waiting

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any, get_type_hints

from benchmarks.catalogue import read_protocol
from benchmarks.own.folder import FINDERS, Found, found
from core import build, parse
from core.parsing import typed
from tasks.data import FLAT, SPLITS, in_both
from tasks.registry import DATA
from tasks.stage import Stage


@dataclass(frozen=True)
class Seen:
    """What says which images a benchmark sees."""

    task: Mapping[str, Any] = field(default_factory=dict)
    stages: tuple[Mapping[str, Any], ...] = ()
    final: Mapping[str, Any] | None = None


def of_benchmark(task: str, root: Path, config: str) -> tuple[Any, list[str]]:
    """The folder as a benchmark's task sees it, all of it where the task takes a subset, and the splits of its stages."""
    plain = read_protocol(config)["benchmark"]
    benchmark = parse(
        Seen, {name: plain[name] for name in ("task", "stages", "final") if name in plain}, f"the benchmark of {config}"
    )
    data = benchmark.task
    while "data" in data:
        data = typed(data["data"], Mapping[str, Any], f"the data of {config}")
    if data is benchmark.task:
        raise ValueError(f"the task of {config} has no data: give another benchmark or none")
    made = build(DATA, {**data, "root": str(root)}) if "root" in data else None
    kind = get_type_hints(import_module(f"tasks.{task}.folders").recognise)["return"]
    if not isinstance(made, kind):
        raise ValueError(f"{config} is about {data.get('type')}, not a {kind.__name__}: give another benchmark or none")
    return made, splits_of(benchmark)


def splits_of(benchmark: Seen) -> list[str]:
    """The splits that a benchmark's stages name, that of the final score last."""
    if benchmark.final is None:
        return list(SPLITS)
    views = [Stage.of(stage).view for stage in (*benchmark.stages, benchmark.final)]
    names = [name for view in views for name in (*view.train, view.eval)]
    return [*dict.fromkeys(name for name in names if name != names[-1]), names[-1]]


def check(data: Any, splits: list[str]) -> tuple[int, list[str]]:
    """Say what each split holds; returns how many images are in good splits, and a sentence for each thing that is wrong."""
    images, told, good = 0, [], []
    for split in splits:
        try:
            with waiting(f"reading {split}"):
                wrong = list(data.problems(split))
                if not wrong and split != "train":
                    wrong = list(data.unscorable(split))
        except FileNotFoundError as error:
            print(f"{split}: not there ({error})")
            continue
        if not wrong:
            images, good = images + data.size(split), [*good, split]
        print(f"{'without splits' if split == FLAT else split}: {data.summary(split)}; wrong: {len(wrong)}")
        told += wrong
    for first, second in combinations(good, 2):
        with waiting(f"comparing {second} with {first}"):
            both = in_both(data.pictures(second), data.pictures(first))
        if both:
            sentence = f"{both} of split {second!r} are in {first!r}, too"
            if second == splits[-1]:
                told.append(f"{sentence}: scores on them say nothing, take them out of one of both")
            elif (first, second) == ("train", "val"):
                print(f"{sentence}: what is chosen by scores on them fits them too well")
    return images, told


def deal(there: Found) -> None:
    """Say what the splits that are missing get. Raises ValueError where there is too little for them."""
    if there.dealt is not None:
        data: Any = build(DATA, there.dealt, data=there.data)
        data.check(SPLITS, SPLITS[1:])
        print(f"dealt out: {', '.join(f'{split} {data.size(split)}' for split in SPLITS)}")


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("task", choices=FINDERS)
    parser.add_argument("dir", type=Path)
    parser.add_argument("--config", help="a benchmark whose classes and layout the folder should have")
    options = parser.parse_args()
    there = None
    try:
        if options.config is None:
            there = found(options.task, options.dir)
            data, splits = there.data, there.splits
        else:
            data, splits = of_benchmark(options.task, options.dir, options.config)
        images, wrong = check(data, splits)
        for sentence in wrong:
            print(sentence)
        if wrong:
            refuse(f"{len(wrong)} {'thing is' if len(wrong) == 1 else 'things are'} wrong, see above")
        if there is not None:
            deal(there)
    except (ValueError, OSError) as error:
        refuse(error)
    if not images:
        refuse(f"{options.dir} has no split {' or '.join(splits)} in this layout")
    print(f"{images} images, all good")
    return 0


if __name__ == "__main__":
    run(main)
