"""What lies in a folder of somebody's own images, as the config of a data set with the splits train, val and test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core import build
from tasks.data import ALIASES, FLAT, SPLITS
from tasks.folders import Listing
from tasks.registry import DATA

MOST_VALUES = 40  # of label maps whose classes nobody has named


@dataclass(frozen=True)
class Found:
    """What lies in a folder: `data` of this `config`, with these `splits`, of which the first one is dealt out where some lack.

    Where no split is there, the images that lie without one are the split FLAT.
    """

    task: str
    config: dict[str, Any]
    data: Any
    splits: list[str]

    @property
    def dealt(self) -> dict[str, Any] | None:
        """The settings of what deals out missing splits, if any: val is taken from train, and without a test, val is it."""
        if self.splits == list(SPLITS):
            return None
        settings: dict[str, Any] = dict(type=f"Resplit{self.task.capitalize()}", pool=self.splits[0])
        if len(self.splits) > 1:
            settings["shares"] = {"train": 0.8, "val": 0.2}
        if "val" in self.splits:
            settings["others"] = {"test": "val"}
        return settings


def found(task: str, root: Path) -> Found:
    """What lies in a folder, in any of the layouts of docs/data.md or without splits.

    Raises ValueError where nothing is recognised, or there is nothing to learn from, OSError where there is no folder.
    """
    config = FINDERS[task](root)
    data = build(DATA, config)
    splits = [split for split in SPLITS if _has(data, split)]
    _check_none_lost(root, config, splits)
    if "train" not in splits:
        flat = data.list_split(FLAT) if _has(data, FLAT) else Listing()
        if not flat.items:
            nothing = f"{root} has no split 'train', and no images without a split: see docs/data.md for the layouts"
            raise ValueError(next(iter(flat.problems), nothing))
        splits = [FLAT]
    return Found(task, config, data, splits)


def _check_none_lost(root: Path, config: Mapping[str, Any], splits: Sequence[str]) -> None:
    """Raises ValueError where a folder is called as a split that is not found, or two as the same one."""
    parts = [".", "images", "masks", *(config[part] for part in ("depths", "degraded", "clean") if part in config)]
    for split in SPLITS:
        places = {name: place for name in ALIASES[split] for part in parts if (place := root / part / name).is_dir()}
        if len(places) > 1:
            raise ValueError(f"{' and '.join(map(str, places.values()))} are both split {split!r}: leave one of them")
        if places and split not in splits and split != "test":  # whose images often come without labels
            raise ValueError(
                f"{places.popitem()[1]} is there, but not all that makes it split {split!r} (docs/data.md): "
                "add it, or take the folder away"
            )


def data_of(task: str, root: Path) -> dict[str, Any]:
    """The config of the data in a folder, with the splits train, val and test: those that are missing are dealt out.

    Raises ValueError and OSError as `found` does.
    """
    there = found(task, root)
    return there.config if there.dealt is None else {**there.dealt, "data": there.config}


def _has(data: Any, split: str) -> bool:
    try:
        return bool(data.listing(split).items or data.listing(split).problems)
    except OSError:
        return False


def _segmentation(root: Path) -> dict[str, Any]:
    from tasks.segmentation.folders import AnyLabels, FolderSegmentation, recognise
    from tasks.segmentation.metrics import IGNORE

    try:
        data: FolderSegmentation = recognise(root)
    except ValueError:
        if not (root / "images").is_dir() or not (root / "masks").is_dir():
            raise
        named = (root / "classes.txt").is_file()
        data = FolderSegmentation(str(root), "folders") if named else AnyLabels(str(root), "folders")
    config: dict[str, Any] = dict(type="FolderSegmentation", root=str(root), layout=_name(data))
    if not isinstance(data, AnyLabels):
        return config
    splits = [split for split in SPLITS if _has(data, split)] or [FLAT]
    seen = np.flatnonzero(sum(data.counts(split) for split in splits)).tolist()
    # 255 does not count, but where it is the only other value: a mask of two
    values = seen if len(seen) == 2 else [value for value in seen if value != IGNORE]
    if len(values) > MOST_VALUES:
        raise ValueError(
            f"the label maps of {root} hold {len(values)} values, as soft edges leave them: save whole classes, or name "
            "these in classes.txt, one a line in the order of their values"
        )
    if not values:
        data.check(splits)  # says which one cannot be read
        raise ValueError(f"the label maps of {root} hold nothing but {IGNORE}, which does not count: label some pixels")
    return {
        **config,
        "classes": [str(value) for value in values],
        "label_map": {str(v): k for k, v in enumerate(values)},
    }


def _name(data: Any) -> str:
    from tasks.segmentation.folders import LAYOUTS

    return next(name for name, layout in LAYOUTS.items() if layout is data.layout)


def _depth(root: Path) -> dict[str, Any]:
    from tasks.depth.folders import recognise

    return dict(type="FolderDepth", root=str(root), depths=recognise(root).depths)


def _detection(root: Path) -> dict[str, Any]:
    from tasks.detection.folders import recognise
    from tasks.detection.voc import VocDetection

    try:
        return dict(type=type(recognise(root)).__name__, root=str(root))
    except ValueError:
        if splits := _alone(root):
            return dict(type="CocoDetection", root=str(root), splits=splits)
        with suppress(OSError):
            VocDetection.find(root, FLAT)
            return dict(type="VocDetection", root=str(root), splits={"train": FLAT})
        raise


def _alone(root: Path) -> dict[str, dict[str, str]]:
    """The one file of COCO's in a folder and its images, whatever they are called, as `splits`; else none."""
    folders = [folder for folder in (root, root / "annotations") if folder.is_dir()]
    files = [path for folder in folders for path in folder.glob("*.json") if path.name[0] != "."]
    if len(files) != 1:
        return {}
    images = next((name for name in ("images", "train", ".") if (root / name).is_dir()), ".")
    return {"train": {"annotations": files[0].relative_to(root).as_posix(), "images": images}}


def _restoration(root: Path) -> dict[str, Any]:
    from tasks.restoration.folders import USUAL, FolderPairs, recognise

    for names in USUAL.split():
        degraded, clean = names.split("/")
        if (
            (root / degraded).is_dir()
            and (root / clean).is_dir()
            and _has(FolderPairs(str(root), degraded, clean), FLAT)
        ):
            return dict(type="FolderPairs", root=str(root), degraded=degraded, clean=clean)
    data = recognise(root)
    if isinstance(data, FolderPairs):
        return dict(type="FolderPairs", root=str(root), degraded=data.degraded, clean=data.clean)
    # Three equal channels would each get noise of their own, and a network that takes their mean much of it away.
    return dict(type="FolderImages", root=str(root), gray=_gray(data))


def _gray(data: Any) -> bool:
    """Are all pictures gray, whatever channels they have? One that cannot be read is refused later."""
    for split in (*SPLITS, FLAT):
        for place in range(len(data.listing(split).items) if _has(data, split) else 0):
            with suppress(ValueError, OSError):
                image = data.read(split, place)[0]
                if (image != image[..., :1]).any():
                    return False
    return True


def _classification(root: Path) -> dict[str, Any]:
    from tasks.classification.folders import recognise

    return dict(type=type(recognise(root)).__name__, root=str(root))


def _keypoints(root: Path) -> dict[str, Any]:
    from tasks.keypoints.folders import recognise

    try:
        return dict(type=type(recognise(root)).__name__, root=str(root))
    except ValueError:
        if splits := _alone(root):
            return dict(type="CocoKeypoints", root=str(root), splits=splits)
        raise


FINDERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "segmentation": _segmentation,
    "depth": _depth,
    "detection": _detection,
    "restoration": _restoration,
    "classification": _classification,
    "keypoints": _keypoints,
}
