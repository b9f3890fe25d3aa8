"""Dataset folders in the common layouts: where images and label maps lie, and what the labels mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

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


def _pictures(path: Path) -> list[Path]:
    return sorted(file for file in folder(path).iterdir() if file.suffix.lower() in SUFFIXES)


def _same_names(images: Path, masks: Path) -> list[Pair]:
    """Images with the label maps of the same stem; where one of the two is missing, a path that is not there."""
    image_of = {path.stem: path for path in _pictures(images)}
    mask_of = {path.stem: path for path in _pictures(masks)}
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


def recognise(root: Path) -> str:
    """The name of the layout in which `root` has a non-empty split. Raises ValueError where there is none."""
    for name, layout in LAYOUTS.items():
        for split in ("train", "val", "test"):
            try:
                if layout.pairs(folder(root), split):
                    return name
            except NotADirectoryError:
                raise ValueError(f"{root} is not a folder: give the dataset's root") from None
            except OSError:
                continue
    if not root.is_dir():
        raise ValueError(f"there is no folder {root}: give the dataset's root")
    raise ValueError(f"{root} has none of the layouts {', '.join(LAYOUTS)}: see docs/data.md")
