"""Check a dataset folder and say, file by file, what is wrong with it.

The layout is recognised (see docs/data.md). Classes are the layout's, or the lines of classes.txt, or, without either, every
value that the label files hold, or every name that the training split's boxes have. Images to restore are taken for pairs
where two folders have the usual names of pairs, else for clean images. With --config (a benchmark's id or config file)
classes and layout are the benchmark's.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import numpy as np
from command_line import Parser, refuse, run

from benchmarks.benchmark import read_config, strategy_files
from search_spaces import build
from tasks.detection import coco, voc
from tasks.detection.folder import FolderDetection
from tasks.registry import DATA
from tasks.restoration.folders import FolderImages, FolderPairs, FolderRestoration
from tasks.segmentation.data import FolderSegmentation
from tasks.segmentation.layouts import LAYOUTS, recognise

SPLITS = ("train", "val", "test")
PAIRS = (  # what the folders of degraded and of clean images are usually called
    ("degraded", "clean"),
    ("noisy", "clean"),
    ("rain", "norain"),
    ("rainy", "clean"),
    ("haze", "clear"),
    ("hazy", "clear"),
    ("hazy", "GT"),
    ("input", "target"),
    ("LQ", "GT"),
)
Data = TypeVar("Data")
Found = tuple[int, list[str]]  # how many images, and a sentence for each thing that is wrong


def of_benchmark(config: str, root: Path, kind: type[Data]) -> Data:
    """The folder as a benchmark's task sees it, all of it where the task takes a subset."""
    data = read_config(next(strategy_files(config))).to_dict()["benchmark"]["task"]["data"]
    while "data" in data:
        data = data["data"]
    made = build(DATA, {**data, "root": str(root)}) if "root" in data else None
    if not isinstance(made, kind):
        raise ValueError(f"{config} is about {data['type']}, not a {kind.__name__}: give another benchmark or none")
    return made


def opened(root: Path) -> FolderSegmentation:
    """The folder in the layout that it has; with all label values where nobody names the classes."""
    layout = recognise(root)
    named = LAYOUTS[layout].classes or (root / "classes.txt").is_file()
    return FolderSegmentation(str(root), layout, None if named else [str(value) for value in range(255)])


def check_segmentation(root: Path, config: str | None) -> Found:
    data = of_benchmark(config, root, FolderSegmentation) if config else opened(root)
    found, images = [], 0
    for split in SPLITS:
        counts = np.zeros(256, dtype=np.int64)
        try:
            images += data.size(split)
        except (ValueError, OSError) as error:
            print(f"{split}: not there ({error})")
            continue
        wrong = list(data.problems(split, counts))
        found += wrong
        share = {
            data.classes[k]: f"{counts[k] / counts.sum():.1%}" for k in np.flatnonzero(counts[: len(data.classes)])
        }
        shown = ", ".join(f"{name} {part}" for name, part in share.items())
        ignored = counts[255] / max(1, counts.sum())
        print(f"{split}: {data.size(split)} images, {len(wrong)} wrong; classes {shown}; ignored {ignored:.1%}")
    return images, found


def has_a_split(find: Callable[[Path, str], object], root: Path) -> bool:
    for split in SPLITS:
        with suppress(OSError):
            find(root, split)
            return True
    return False


def opened_boxes(root: Path) -> FolderDetection:
    """The folder in the layout that it has."""
    if not root.is_dir():
        raise ValueError(f"there is no folder {root}: give the dataset's root")
    for find, kind in ((coco.files, coco.CocoDetection), (voc.place, voc.VocDetection)):
        if has_a_split(find, root):
            return kind(str(root))
    raise ValueError(f"{root} has annotations neither of COCO nor of Pascal VOC: see docs/data.md")


def check_splits(data: FolderDetection | FolderRestoration, held: Callable[[str], tuple[int, str]]) -> Found:
    """Every split of data that find out themselves what is wrong; `held` tells how many images a split has, and a summary."""
    found, images = [], 0
    for split in SPLITS:
        try:
            wrong = list(data.problems(split))
        except OSError as error:
            print(f"{split}: not there ({error})")
            continue
        count, summary = held(split)
        images += count
        found += wrong
        print(f"{split}: {summary}; wrong: {len(wrong)}")
    return images, found


def check_detection(root: Path, config: str | None) -> Found:
    data = of_benchmark(config, root, FolderDetection) if config else opened_boxes(root)
    return check_splits(data, lambda split: (len(data.parsed(split).pictures), data.summary(split)))


def opened_images(root: Path) -> FolderRestoration:
    """The folder as pairs, where it has any, else as clean images."""
    for names in PAIRS:
        pairs = FolderPairs(str(root), *names)
        if has_a_split(lambda _, split, pairs=pairs: pairs.files(split), root):
            return pairs
    return FolderImages(str(root), gray=False)


def check_restoration(root: Path, config: str | None) -> Found:
    data = of_benchmark(config, root, FolderRestoration) if config else opened_images(root)
    kind = "pairs" if data.paired else "images"

    def held(split: str) -> tuple[int, str]:
        count = len(data.files(split)[0])
        return count, f"{count} {kind}"

    return check_splits(data, held)


CHECKS = {"segmentation": check_segmentation, "detection": check_detection, "restoration": check_restoration}


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("task", choices=CHECKS)
    parser.add_argument("dir", type=Path)
    parser.add_argument("--config", help="a benchmark whose classes and layout the folder should have")
    options = parser.parse_args()
    segmentation = options.task == "segmentation"
    try:
        images, found = CHECKS[options.task](options.dir, options.config)
    except (ValueError, OSError) as error:
        refuse(error)
    for sentence in found:
        print(sentence)
    if found and segmentation:
        refuse(f"{len(found)} of {images} pairs are wrong, see above")
    if found:
        refuse(f"{len(found)} {'thing is' if len(found) == 1 else 'things are'} wrong, see above")
    if not images:
        refuse(f"{options.dir} has no split {' or '.join(SPLITS)} in this layout")
    print(f"{images} {'pairs' if segmentation else 'images'}, all good")
    return 0


if __name__ == "__main__":
    run(main)
