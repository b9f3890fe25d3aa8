"""Dataset folders in the common layouts: where images and label maps lie, and what the labels mean."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image

from tasks.segmentation.data import SegmentationData
from tasks.segmentation.metrics import IGNORE

SPLITS = ("train", "val", "test")
Pair = tuple[Path, Path]
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


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
    palette: tuple[tuple[int, int, int], ...] = ()


def folder(path: Path) -> Path:
    if not path.is_dir():
        raise FileNotFoundError(f"there is no folder {path}: check the root and the layout of the dataset")
    return path


def _images(path: Path) -> list[Path]:
    return sorted(file for file in folder(path).iterdir() if file.suffix.lower() in SUFFIXES)


def _same_names(images: Path, masks: Path) -> list[Pair]:
    """Images with the label maps of the same stem; where one of the two is missing, a path that is not there."""
    image_of = {path.stem: path for path in _images(images)}
    mask_of = {path.stem: path for path in _images(masks)}
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
        for image in sorted(folder(root / "leftImg8bit" / split).glob("*/*_leftImg8bit.png"))
    ]


CAMVID = tuple("Sky Building Pole Road Pavement Tree SignSymbol Fence Car Pedestrian Bicyclist".split())
CAMVID_COLOURS = (
    (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0), (192, 128, 128),
    (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192),
)  # fmt: skip
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
    "camvid": Layout(_camvid, CAMVID, ignore=(11,), palette=CAMVID_COLOURS),
    # images/<split>/x.jpg with masks/<split>/x.png
    "folders": Layout(_folders),
    # JPEGImages and SegmentationClass, with the names in ImageSets/Segmentation/<split>.txt
    "voc": Layout(_voc, VOC, ignore=(255,)),
    # leftImg8bit/<split>/<city> with gtFine/<split>/<city>/*_labelIds.png
    "cityscapes": Layout(
        _cityscapes,
        tuple(CITYSCAPES.values()),
        ignore=tuple(value for value in range(35) if value not in CITYSCAPES),
        label_map={value: index for index, value in enumerate(CITYSCAPES)},
    ),
}


class FolderSegmentation(SegmentationData):
    """A dataset folder in one of the LAYOUTS.

    What is None is the layout's. `classes` are names in the order of their indices; where neither the layout nor the caller
    has any, they are the lines of `classes.txt` in the root. Label files hold these indices, or raw values that
    `label_map` translates to them; `ignore` lists the raw values that do not count, 255 always being one. `palette`
    (RGB, for pictures) is made up where there is none.
    """

    def __init__(
        self,
        root: str,
        layout: str,
        classes: Sequence[str] | None = None,
        ignore: Sequence[int] | None = None,
        label_map: Mapping[int, int] | None = None,
        palette: Sequence[Sequence[int]] | None = None,
    ):
        if layout not in LAYOUTS:
            raise ValueError(f"there is no dataset layout {layout!r}: use one of {', '.join(LAYOUTS)}")
        self.root, self.layout = Path(root), LAYOUTS[layout]
        self.classes = tuple(classes or self.layout.classes or self._listed_classes())
        count = len(self.classes)
        colours = palette or self.layout.palette or np.random.default_rng(0).integers(32, 256, (count, 3))
        self.palette = tuple((int(r), int(g), int(b)) for r, g, b in colours)
        named = dict(label_map or self.layout.label_map) or {index: index for index in range(count)}
        self.table = np.full(256, count, dtype=np.uint8)  # count: a value that nobody has named
        for raw, index in named.items():
            self.table[int(raw)] = index
        self.table[[*(self.layout.ignore if ignore is None else ignore), IGNORE]] = IGNORE
        self._pairs: dict[str, list[Pair]] = {}
        self._counts: dict[str, np.ndarray] = {}  # how often each label was read, by split

    def _listed_classes(self) -> list[str]:
        path = folder(self.root) / "classes.txt"
        if not path.is_file():
            raise ValueError(f"{path} is missing: list the class names in it, one a line, or give `classes`")
        return path.read_text().splitlines()

    def pairs(self, split: str) -> list[Pair]:
        """The (image, labels) files of a split, sorted. Raises OSError where there are none."""
        if split not in self._pairs:
            found = self.layout.pairs(folder(self.root), split)
            if not found:
                raise FileNotFoundError(
                    f"split {split!r} of {self.root} holds no images: see docs/data.md for the layouts"
                )
            self._pairs[split] = found
        return self._pairs[split]

    def size(self, split: str) -> int:
        return len(self.pairs(split))

    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        image_path, mask_path = self.pairs(split)[index]
        image = _decode(image_path, "RGB")
        raw = _decode(mask_path, None)
        if raw.ndim != 2 or raw.dtype != np.uint8:
            raise ValueError(
                f"{mask_path} is not an 8-bit label map (shape {raw.shape}): save class indices as gray PNG"
            )
        if raw.shape != image.shape[:2]:
            height, width = image.shape[:2]
            sizes = f"{raw.shape[1]}x{raw.shape[0]}, its image {width}x{height}"
            raise ValueError(f"{mask_path} is {sizes}: make the label map as large as the image")
        labels = self.table[raw]
        unknown = np.unique(raw[labels == len(self.classes)])
        if unknown.size:
            raise ValueError(
                f"{mask_path} holds the label {unknown[0]}, which is none of the {len(self.classes)} classes: "
                "add it to label_map or ignore"
            )
        return image, labels

    def fingerprint(self) -> str:
        """A hash over the contents of all files of the layout's train, val and test splits that exist."""
        digest = hashlib.sha256(self.table.tobytes())
        for split in SPLITS:
            try:
                pairs = self.pairs(split)
            except OSError:
                continue
            for path in (path for pair in pairs for path in pair):
                digest.update(path.name.encode())
                digest.update(path.read_bytes() if path.is_file() else b"missing")
        return digest.hexdigest()[:16]

    def problems(self, split: str) -> Iterator[str]:
        counts = np.zeros(256, dtype=np.int64)
        for index in range(self.size(split)):
            try:
                counts += np.bincount(self.read(split, index)[1].ravel(), minlength=256)
            except ValueError as error:
                yield str(error)
        self._counts[split] = counts

    def summary(self, split: str) -> str:
        if split not in self._counts:
            list(self.problems(split))
        counts = self._counts[split]
        total, seen = max(1, counts.sum()), np.flatnonzero(counts[: len(self.classes)])
        shown = ", ".join(f"{self.classes[k]} {counts[k] / total:.1%}" for k in seen)
        return f"{self.size(split)} images; classes {shown}; ignored {counts[IGNORE] / total:.1%}"


def _decode(path: Path, mode: str | None) -> np.ndarray:
    """An image file as an array; `mode` converts, None keeps palette indices. Raises ValueError naming the file."""
    try:
        with Image.open(path) as image:
            return np.array(image.convert(mode) if mode else image)
    except FileNotFoundError:
        raise ValueError(f"{path} is missing: every image needs its label map, and the other way round") from None
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path} cannot be decoded ({error}): replace the file") from None


def recognise(root: Path) -> FolderSegmentation:
    """The data set in a folder, in the first layout of which it has a split. Raises ValueError where it has none.

    Where nobody names the classes, they are all values that label files may hold.
    """
    if not root.is_dir():
        raise ValueError(f"there is no folder {root}: give the dataset's root")
    for (name, layout), split in product(LAYOUTS.items(), SPLITS):
        with suppress(OSError):
            if layout.pairs(root, split):
                named = layout.classes or (root / "classes.txt").is_file()
                return FolderSegmentation(str(root), name, None if named else [str(value) for value in range(255)])
    raise ValueError(f"{root} has none of the layouts {', '.join(LAYOUTS)}: see docs/data.md")
