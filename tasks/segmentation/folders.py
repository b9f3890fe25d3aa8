"""Dataset folders in the common layouts: where images and label maps lie, and what the labels mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
from PIL import ImageFile

from tasks.data import POOLS, SPLITS
from tasks.files import (
    Refusal,
    all_files_in,
    by_stem,
    check_lossless,
    check_size,
    class_names,
    decode,
    existing,
    files_in,
    in_colour,
    inside,
    listed,
    upright,
)
from tasks.folders import FolderData, Listing, under_any_name
from tasks.segmentation.data import ALL_IGNORED, IGNORE, SegmentationData

Pair = tuple[Path, Path]
UNKNOWN = -1  # a value of label files that nobody has named


@dataclass(frozen=True)
class Layout:
    """`pairs(root, split)` lists (image, label map) files; it raises OSError where a folder or list is not there.

    `classes` are those of the data set that has given the layout its name (empty: it has no fixed ones). `label_map` leads
    from the values in the files to class indices (empty: they are the indices), `ignore` lists values that do not count.
    """

    pairs: Callable[[Path, str], list[Pair]]
    classes: tuple[str, ...] = ()
    ignore: tuple[int, ...] = ()
    label_map: Mapping[int, int] = field(default_factory=dict)


def _same_names(images: Path, masks: Path, names: Sequence[str] | None = None) -> list[Pair]:
    """Images with the label maps of the same stem, all or those named; where one is missing, a path that is not there."""
    listed_in = all_files_in if names is None else files_in
    image_of, mask_of = (by_stem(listed_in(existing(place))) for place in (images, masks))
    names = sorted(image_of.keys() | mask_of.keys()) if names is None else names
    keys = [(name, unicodedata.normalize("NFC", name)) for name in names]
    return [(image_of.get(k, images / f"{name}.png"), mask_of.get(k, masks / f"{name}.png")) for name, k in keys]


def _camvid(root: Path, split: str) -> list[Pair]:
    root = root / "CamVid" if (root / "CamVid").is_dir() else root
    return _same_names(root / split, root / f"{split}annot")


def _folders(root: Path, split: str) -> list[Pair]:
    return _same_names(root / "images" / split, root / "masks" / split)


def _voc(root: Path, split: str) -> list[Pair]:
    path = root / "ImageSets" / "Segmentation" / f"{split}.txt"
    images, masks, names = root / "JPEGImages", root / "SegmentationClass", list(listed(path))
    for name in names:
        inside(root, images, name, f"{path} has the name")
    return _same_names(images, masks, names)


def _cityscapes(root: Path, split: str) -> list[Pair]:
    labels = root / "gtFine" / split
    return [
        (image, labels / image.parent.name / image.name.replace("_leftImg8bit", "_gtFine_labelIds"))
        for city in sorted(existing(root / "leftImg8bit" / split).iterdir())
        for image in (files_in(city) if city.is_dir() else ())
        if image.name.endswith("_leftImg8bit.png")
    ]


CAMVID = tuple("Sky Building Pole Road Pavement Tree SignSymbol Fence Car Pedestrian Bicyclist".split())
VOC = tuple(
    "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tvmonitor".split()
)
CITYSCAPES = {
    7: "road", 8: "sidewalk", 11: "building", 12: "wall", 13: "fence", 17: "pole", 19: "traffic light",
    20: "traffic sign", 21: "vegetation", 22: "terrain", 23: "sky", 24: "person", 25: "rider", 26: "car", 27: "truck",
    28: "bus", 31: "train", 32: "motorcycle", 33: "bicycle",
}  # fmt: skip

LAYOUTS = {
    # <split>/x.png beside <split>annot/x.png, in the folder or its subfolder CamVid
    "camvid": Layout(_camvid, CAMVID, ignore=(11,)),
    # images/<split>/x.jpg with masks/<split>/x.png
    "folders": Layout(_folders),
    # JPEGImages and SegmentationClass, with the names in ImageSets/Segmentation/<split>.txt
    "voc": Layout(_voc, VOC),
    # leftImg8bit/<split>/<city> with gtFine/<split>/<city>/*_labelIds.png
    "cityscapes": Layout(
        _cityscapes,
        tuple(CITYSCAPES.values()),
        ignore=tuple(value for value in range(35) if value not in CITYSCAPES),
        label_map={value: index for index, value in enumerate(CITYSCAPES)},
    ),
}


class FolderSegmentation(FolderData, SegmentationData):
    """A dataset folder in one of the LAYOUTS.

    What is None is the layout's. `classes` are names in the order of their indices; where the caller has none, they are the
    lines of `classes.txt` in the root, where there is one. Label files hold these indices, or raw values that
    `label_map` translates to them; `ignore` lists the raw values that do not count. 255 is one of these, unless `label_map`
    names it. Classes that are not the layout's must have a pixel in each of the POOLS that is read.
    """

    def __init__(
        self,
        root: str,
        layout: str,
        classes: Sequence[str] | None = None,
        ignore: Sequence[int] | None = None,
        label_map: Mapping[int, int] | None = None,
    ):
        super().__init__(root)
        if layout not in LAYOUTS:
            raise ValueError(f"there is no dataset layout {layout!r}: use one of {', '.join(LAYOUTS)}")
        self.layout = LAYOUTS[layout]
        own = (self.root / "classes.txt").is_file()
        self.named = classes is not None or own or not self.layout.classes
        if classes is None:
            classes = self._listed_classes() if own or not self.layout.classes else self.layout.classes
        self.classes = class_names(classes, self.root, IGNORE)
        given = self._values(label_map or {})
        indices = given or self.layout.label_map or {index: index for index in range(len(self.classes))}
        both = given.keys() & set(ignore or ())
        if both:
            raise ValueError(f"the label {min(both)} is in both label_map and ignore: name it in one of them")
        ignored = self._values(dict.fromkeys(self.layout.ignore if ignore is None else ignore, IGNORE))
        self.table = np.full(256, UNKNOWN, dtype=np.int16)
        for raw, index in {**indices, **ignored, IGNORE: IGNORE, **given}.items():
            self.table[raw] = index
        self._counted: dict[str, np.ndarray] = {}

    def _values(self, meanings: Mapping[int, int]) -> dict[int, int]:
        """What label values mean. Raises ValueError for what is none, or none of the classes' indices."""
        found = {}
        for raw, index in meanings.items():
            value = int(raw) if str(raw).isdecimal() else raw  # options on a command line have texts for keys
            if type(value) is not int or not 0 <= value <= 255:
                raise ValueError(f"label_map and ignore have the label {raw!r}: labels are whole numbers from 0 to 255")
            if type(index) is not int or not (0 <= index < len(self.classes) or index == IGNORE):
                last = len(self.classes) - 1
                raise ValueError(
                    f"label_map gives {value} the class {index!r}: give 0 to {last}, or {IGNORE} (ignored)"
                )
            found[value] = index
        return found

    def _listed_classes(self) -> list[str]:
        path = self.root / "classes.txt"
        if not path.is_file():
            raise ValueError(f"{path} is missing: list the class names in it, one a line, or give `classes`")
        return list(listed(path))

    def list_split(self, split: str) -> Listing:
        listing = Listing()
        with listing.noting():
            listing.items += under_any_name(split, lambda name: self.layout.pairs(self.root, name))
        return listing

    def open(self, item: Pair) -> tuple[np.ndarray, np.ndarray]:
        image, labels = decode(item[0], in_colour), self._labels(item[1])
        check_size(item[1], labels.shape, "its image", image.shape[:2])
        return image, labels

    def _labels(self, path: Path) -> np.ndarray:
        raw = decode(path, _label_map)
        labels = self.table[raw]
        unknown = np.unique(raw[labels == UNKNOWN])
        if unknown.size:
            which = f"{path} holds the label {unknown[0]}, which is none of the {len(self.classes)} classes"
            raise ValueError(f"{which}: add it to label_map or ignore")
        return labels.astype(np.uint8)

    def identity(self) -> bytes:
        return self.table.tobytes() + "\n".join(self.classes).encode()

    def content(self, item: Pair) -> Iterator[Path]:
        yield from item

    def called(self, item: Pair) -> str:
        return str(item[0])

    def problems(self, split: str) -> Iterator[str]:
        sound = True
        for sentence in super().problems(split):
            sound = False
            yield sentence
        if sound and split in POOLS:
            yield from self._absent(split)

    def _absent(self, split: str) -> Iterator[str]:
        """What training labels lack to learn from them."""
        counts, hint = self.counts(split), ""
        seen = np.flatnonzero(counts[: len(self.classes)])
        if counts[IGNORE] and self.table[IGNORE] == IGNORE:
            share = counts[IGNORE] / counts.sum()
            hint = f" ({share:.1%} of the pixels are ignored; 255 always is: if it is a class, give label_map={{255: ...}})"
        absent = np.setdiff1d(np.arange(len(self.classes)), seen) if self.named else ()
        for label in absent:
            name = self.classes[label]
            yield f"class {name!r} has no pixel in split {split!r}{hint}: label some, or leave it out"
        if len(seen) < 2 and not len(absent):
            yield f"split {split!r} has labels of fewer than two classes{hint}: there is nothing to tell apart"

    def unscorable(self, split: str) -> Iterator[str]:
        if not self.counts(split)[: len(self.classes)].any():
            yield ALL_IGNORED.format(split)

    def truth(self, item: Pair) -> np.ndarray:
        return self._labels(item[1])

    def tally(self, truth: np.ndarray) -> list[tuple[int, int]]:
        return [(label, pixels) for label, pixels in enumerate(np.bincount(truth.ravel()).tolist()) if pixels]

    def counts(self, split: str) -> np.ndarray:
        """(256,): how many pixels have each label, of the files that can be read."""
        if split not in self._counted:
            counts = np.zeros(256, dtype=np.int64)
            for tally in self.tallies(split):
                for label, pixels in tally:
                    counts[label] += pixels
            self._counted[split] = counts
        return self._counted[split]

    def summary(self, split: str) -> str:
        counts = self.counts(split)
        total, seen = max(1, counts.sum()), np.flatnonzero(counts[: len(self.classes)])
        shown = ", ".join(f"{self.classes[k]} {counts[k] / total:.1%}" for k in seen)
        return f"{len(self.listing(split).items)} images; classes {shown}; ignored {counts[IGNORE] / total:.1%}"


class AnyLabels(FolderSegmentation):
    """A folder of which nobody names the classes: they are all values that label files may hold, whether or not they do."""

    def __init__(self, root: str, layout: str):
        super().__init__(root, layout, [str(value) for value in range(IGNORE)])
        self.named = False

    def _absent(self, split: str) -> Iterator[str]:
        return iter(())


def _label_map(image: ImageFile.ImageFile) -> np.ndarray:
    """(H, W) raw values; palette indices are kept."""
    check_lossless(image)
    if image.mode == "L" and any(re.match("L;[24]", str(part[3])) for part in image.tile):
        raise Refusal("has fewer than 8 bits a pixel, which readers stretch: save class indices as 8-bit gray PNG")
    raw = np.array(upright(image))
    if raw.ndim != 2 or raw.dtype != np.uint8:
        raise Refusal(f"is not an 8-bit label map (mode {image.mode}): save class indices as gray PNG")
    return raw


def _has(layout: Layout, root: Path, split: str) -> bool:
    try:
        return bool(under_any_name(split, lambda name: layout.pairs(root, name)))
    except OSError:
        return False
    except ValueError:  # it is there, and something is wrong with it
        return True


def recognise(root: Path) -> FolderSegmentation:
    """The data set in a folder, in the first layout of which it has a split. Raises ValueError where it has none."""
    existing(root)
    for (name, layout), split in product(LAYOUTS.items(), SPLITS):
        if _has(layout, root, split):
            named = layout.classes or (root / "classes.txt").is_file()
            return FolderSegmentation(str(root), name) if named else AnyLabels(str(root), name)
    raise ValueError(f"{root} has none of the layouts {', '.join(LAYOUTS)}: see docs/data.md")
