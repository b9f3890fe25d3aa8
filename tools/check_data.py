"""Check a dataset folder and say, file by file, what is wrong with it.

The layout is recognised (see docs/data.md). Classes are the layout's, or the lines of classes.txt, or, without either, every
value that the label files hold, or every name that the training split's boxes have. Images to restore are taken for pairs
where two folders have the usual names of pairs, else for clean images. Splits are compared: pictures of "test" that another one
has are wrong. With --config (a benchmark's id or config file) classes, layout and splits are the benchmark's.
"""

from __future__ import annotations

from command_line import Parser, refuse, run, waiting

from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any, get_type_hints

import tasks
from benchmarks.catalogue import read_protocol
from core import build
from tasks.data import SPLITS, in_both
from tasks.registry import DATA
from tasks.stage import View

PACKAGES = sorted(path.parent.name for path in Path(tasks.__path__[0]).glob("*/folders.py"))


def opened(task: str, root: Path, config: str | None) -> Any:
    """The folder in the layout that it has, or as a benchmark's task sees it: all of it where the task takes a subset."""
    recognise = import_module(f"tasks.{task}.folders").recognise
    if config is None:
        return recognise(root)
    data = read_protocol(config)["benchmark"].get("task", {}).get("data")
    if data is None:
        raise ValueError(f"the task of {config} has no data: give another benchmark or none")
    while "data" in data:
        data = data["data"]
    made = build(DATA, {**data, "root": str(root)}) if "root" in data else None
    kind = get_type_hints(recognise)["return"]
    if not isinstance(made, kind):
        raise ValueError(f"{config} is about {data.get('type')}, not a {kind.__name__}: give another benchmark or none")
    return made


def splits_of(config: str | None) -> list[str]:
    """The splits that a benchmark's stages name, that of the final score last; without a benchmark the usual ones."""
    benchmark = read_protocol(config)["benchmark"] if config is not None else {}
    if "final" not in benchmark:
        return list(SPLITS)
    views = [stage.get("view", {}) for stage in (*benchmark.get("stages", ()), benchmark["final"])]
    names = [name for view in views for name in (*view.get("train", View.train), view.get("eval", View.eval))]
    return [*dict.fromkeys(name for name in names if name != names[-1]), names[-1]]


def check(data: Any, splits: list[str]) -> tuple[int, list[str]]:
    """Say what each split holds; returns how many images are in good splits, and a sentence for each thing that is wrong."""
    images, found, good = 0, [], []
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
        print(f"{split}: {data.summary(split)}; wrong: {len(wrong)}")
        found += wrong
    for first, second in combinations(good, 2):
        with waiting(f"comparing {second} with {first}"):
            both = in_both(data.pictures(second), data.pictures(first))
        if both:
            sentence = f"{both} of split {second!r} are in {first!r}, too"
            if second == splits[-1]:
                found.append(f"{sentence}: scores on them say nothing, take them out of one of both")
            elif (first, second) == ("train", "val"):
                print(f"{sentence}: what is chosen by scores on them fits them too well")
    return images, found


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("task", choices=PACKAGES)
    parser.add_argument("dir", type=Path)
    parser.add_argument("--config", help="a benchmark whose classes and layout the folder should have")
    options = parser.parse_args()
    try:
        images, found = check(opened(options.task, options.dir, options.config), splits_of(options.config))
    except (ValueError, OSError) as error:
        refuse(error)
    for sentence in found:
        print(sentence)
    if found:
        refuse(f"{len(found)} {'thing is' if len(found) == 1 else 'things are'} wrong, see above")
    if not images:
        refuse(f"{options.dir} has no split {' or '.join(SPLITS)} in this layout")
    print(f"{images} images, all good")
    return 0


if __name__ == "__main__":
    run(main)
