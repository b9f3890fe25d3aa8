"""Check a dataset folder and say, file by file, what is wrong with it.

The layout is recognised (see docs/data.md). Classes are the layout's, or the lines of classes.txt, or, without either, every
value that the label files hold, or every name that the training split's boxes have. Images to restore are taken for pairs
where two folders have the usual names of pairs, else for clean images. With --config (a benchmark's id or config file)
classes and layout are the benchmark's.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

from command_line import Parser, refuse, run

import tasks
from benchmarks.catalogue import read_protocol
from core import build
from tasks.registry import DATA

SPLITS = ("train", "val", "test")
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


def check(data: Any) -> tuple[int, list[str]]:
    """Say what each split holds; returns how many images are in good splits, and a sentence for each thing that is wrong."""
    images, found = 0, []
    for split in SPLITS:
        try:
            wrong = list(data.problems(split))
            print(f"{split}: {data.summary(split)}; wrong: {len(wrong)}")
            images += 0 if wrong else data.size(split)
            found += wrong
        except OSError as error:
            print(f"{split}: not there ({error})")
    return images, found


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("task", choices=PACKAGES)
    parser.add_argument("dir", type=Path)
    parser.add_argument("--config", help="a benchmark whose classes and layout the folder should have")
    options = parser.parse_args()
    try:
        images, found = check(opened(options.task, options.dir, options.config))
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
