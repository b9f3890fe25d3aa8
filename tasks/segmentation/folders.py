"""Dataset folders in the common layouts: where images and label maps lie, and what the labels mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image

from tasks.data import SPLITS
from tasks.folders import FolderData, Listing, Refusal, check_size, contents, decode, existing, images_in, in_colour
from tasks.segmentation.data import SegmentationData
from tasks.segmentation.metrics import IGNORE

Pair = tuple[Path, Path]


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


def _same_names(images: Path, masks: Path) -> list[Pair]:
    """Images with the label maps of the same stem; where one of the two is missing, a path that is not there."""
    image_of, mask_of = ({path.stem: path for path in images_in(existing(place))} for place in (images, masks))
    stems = sorted(image_of.keys() | mask_of.keys())
    return [(image_of.get(s, images / f"{s}.png"), mask_of.get(s, masks / f"{s}.png")) for s in stems]


def _camvid(root: Path, split: str) -> list[Pair]:
    root = root / "CamVid" if (root / "CamVid").is_dir() else root
    return _same_names(root / split, root / f"{split}annot")


def _folders(root: Path, split: str) -> list[Pair]:
    return _same_names(root / "images" / split, root / "masks" / split)


def _voc(root: Path, split: str) -> list[Pair]:
    names = (root / "ImageSets" / "Segmentation" / f"{split}.txt").read_text().split()
    return [(root / "JPEGImages" / f"{name}.jpg", root / "SegmentationClass" / f"{name}.png") for name in names]


def _cityscapes(root: Path, split: str) -> list[Pair]:
    labels = root / "gtFine" / split
    return [
        (image, labels / image.parent.name / image.name.replace("_leftImg8bit", "_gtFine_labelIds"))
        for image in sorted(existing(root / "leftImg8bit" / split).glob("*/*_leftImg8bit.png"))
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

    What is None is the layout's. `classes` are names in the order of their indices; where neither the layout nor the caller
    has any, they are the lines of `classes.txt` in the root. Label files hold these indices, or raw values that
    `label_map` translates to them; `ignore` lists the raw values that do not count, 255 always being one.
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
        self.classes = tuple(classes or self.layout.classes or self._listed_classes())
        count = len(self.classes)
        named = dict(label_map or self.layout.label_map) or {index: index for index in range(count)}
        self.table = np.full(256, count, dtype=np.uint8)  # count: a value that nobody has named
        for raw, index in named.items():
            self.table[int(raw)] = index
        self.table[[*(self.layout.ignore if ignore is None else ignore), IGNORE]] = IGNORE

    def _listed_classes(self) -> list[str]:
        path = self.root / "classes.txt"
        if not path.is_file():
            raise ValueError(f"{path} is missing: list the class names in it, one a line, or give `classes`")
        return path.read_text().splitlines()

    def list_split(self, split: str) -> Listing:
        return Listing(self.layout.pairs(self.root, split))

    def open(self, item: Pair) -> tuple[np.ndarray, np.ndarray]:
        image, raw = decode(item[0], in_colour), decode(item[1], _label_map)
        check_size(item[1], raw.shape, "its image", image.shape[:2])
        labels = self.table[raw]
        unknown = np.unique(raw[labels == len(self.classes)])
        if unknown.size:
            which = f"{item[1]} holds the label {unknown[0]}, which is none of the {len(self.classes)} classes"
            raise ValueError(f"{which}: add it to label_map or ignore")
        return image, labels

    def identity(self) -> bytes:
        return self.table.tobytes()

    def content(self, split: str, item: Pair) -> Iterator[bytes]:
        for path in item:
            yield path.name.encode()
            yield contents(path)

    def summary(self, split: str) -> str:
        counts = np.zeros(256, dtype=np.int64)
        for pair in self.listing(split).items:
            with suppress(ValueError):
                counts += np.bincount(self.open(pair)[1].ravel(), minlength=256)
        total, seen = max(1, counts.sum()), np.flatnonzero(counts[: len(self.classes)])
        shown = ", ".join(f"{self.classes[k]} {counts[k] / total:.1%}" for k in seen)
        return f"{len(self.listing(split).items)} images; classes {shown}; ignored {counts[IGNORE] / total:.1%}"


def _label_map(image: Image.Image) -> np.ndarray:
    """(H, W) raw values; palette indices are kept."""
    raw = np.array(image)
    if raw.ndim != 2 or raw.dtype != np.uint8:
        raise Refusal(f"is not an 8-bit label map (shape {raw.shape}): save class indices as gray PNG")
    return raw


def recognise(root: Path) -> FolderSegmentation:
    """The data set in a folder, in the first layout of which it has a split. Raises ValueError where it has none.

    Where nobody names the classes, they are all values that label files may hold.
    """
    existing(root)
    for (name, layout), split in product(LAYOUTS.items(), SPLITS):
        with suppress(OSError):
            if layout.pairs(root, split):
                named = layout.classes or (root / "classes.txt").is_file()
                return FolderSegmentation(str(root), name, None if named else [str(value) for value in range(255)])
    raise ValueError(f"{root} has none of the layouts {', '.join(LAYOUTS)}: see docs/data.md")
