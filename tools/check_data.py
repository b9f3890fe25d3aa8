"""Check a dataset folder and say, file by file, what is wrong with it.

The layout is recognised (see docs/data.md). Classes are the layout's, or the lines of classes.txt, or, without either, every
value that the label files hold. With --config (a benchmark's id or config file) classes and layout are the benchmark's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from command_line import Parser, refuse, run

from benchmarks.benchmark import read_config, strategy_files
from tasks.segmentation.data import FolderSegmentation
from tasks.segmentation.layouts import LAYOUTS, recognise

SPLITS = ("train", "val", "test")


def opened(root: Path, config: str | None) -> FolderSegmentation:
    """The folder as a benchmark sees it, or in its own layout; with all label values where nobody names the classes."""
    if config:
        data = read_config(next(strategy_files(config, None))).to_dict()["benchmark"]["task"]["data"]
        data.pop("type")
        return FolderSegmentation(**{**data, "root": str(root)})
    layout = recognise(root)
    named = LAYOUTS[layout].classes or (root / "classes.txt").is_file()
    return FolderSegmentation(str(root), layout, None if named else [str(value) for value in range(255)])


def problems(data: FolderSegmentation, split: str, counts: np.ndarray) -> Iterator[str]:
    """What is wrong with each pair of files of a split; label counts are added to `counts`."""
    for index in range(data.size(split)):
        try:
            counts += np.bincount(data.read(split, index)[1].ravel(), minlength=256)
        except ValueError as error:
            yield str(error)


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("task", choices=("segmentation",))
    parser.add_argument("dir", type=Path)
    parser.add_argument("--config", help="a benchmark whose classes and layout the folder should have")
    options = parser.parse_args()
    try:
        data = opened(options.dir, options.config)
    except (ValueError, OSError) as error:
        refuse(error)
    found, images = [], 0
    for split in SPLITS:
        counts = np.zeros(256, dtype=np.int64)
        try:
            images += data.size(split)
        except (ValueError, OSError) as error:
            print(f"{split}: not there ({error})")
            continue
        wrong = list(problems(data, split, counts))
        found += wrong
        share = {
            data.classes[k]: f"{counts[k] / counts.sum():.1%}" for k in np.flatnonzero(counts[: len(data.classes)])
        }
        shown = ", ".join(f"{name} {part}" for name, part in share.items())
        ignored = counts[255] / max(1, counts.sum())
        print(f"{split}: {data.size(split)} images, {len(wrong)} wrong; classes {shown}; ignored {ignored:.1%}")
    for sentence in found:
        print(sentence)
    if not images:
        refuse(f"{options.dir} has no split {' or '.join(SPLITS)} in this layout")
    if found:
        refuse(f"{len(found)} of {images} pairs are wrong, see above")
    print(f"{images} pairs, all good")
    return 0


if __name__ == "__main__":
    run(main)
