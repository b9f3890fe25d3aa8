"""Pictures with label maps: dataset folders in the common layouts, and the embedded scenes."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tasks import scenes
from tasks.registry import DATA
from tasks.segmentation.confusion import IGNORE

Pair = tuple[Path, Path]
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


class SegmentationData(ABC):
    """Named splits of (image, labels). Labels are class indices, or IGNORE where a pixel does not count."""

    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]

    @abstractmethod
    def size(self, split: str) -> int: ...

    @abstractmethod
    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) RGB and (H, W) labels, both uint8."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of what is read."""

    @abstractmethod
    def check(self, splits: Sequence[str]) -> None:
        """Raise ValueError, naming the file, for the first thing that cannot be read or does not fit."""


@DATA.register_module()
class ScenesSegmentation(SegmentationData):
    """The embedded scenes-v1, splits "train", "val" and "test"."""

    classes, palette = scenes.CLASSES, scenes.PALETTE

    def size(self, split: str) -> int:
        return scenes.COUNTS[split]

    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        scene = scenes.scenes(split)[index]
        return scene.image, scene.mask

    def fingerprint(self) -> str:
        return f"scenes-v1 {scenes.fingerprint()}"

    def check(self, splits: Sequence[str]) -> None:
        for split in splits:
            if split not in scenes.COUNTS:
                raise ValueError(f"scenes-v1 has no split {split!r}: use one of {', '.join(scenes.COUNTS)}")


def camvid(root: Path, split: str) -> list[Pair]:
    """`<split>/x.png` beside `<split>annot/x.png`, in the folder or its subfolder CamVid."""
    root = root / "CamVid" if (root / "CamVid").is_dir() else root
    return _same_names(root / split, root / f"{split}annot")


def folders(root: Path, split: str) -> list[Pair]:
    """`images/<split>/x.jpg` with `masks/<split>/x.png`."""
    return _same_names(root / "images" / split, root / "masks" / split)


def voc(root: Path, split: str) -> list[Pair]:
    """`JPEGImages/x.jpg` and `SegmentationClass/x.png` for the names in `ImageSets/Segmentation/<split>.txt`."""
    names = (root / "ImageSets" / "Segmentation" / f"{split}.txt").read_text().split()
    return [(root / "JPEGImages" / f"{name}.jpg", root / "SegmentationClass" / f"{name}.png") for name in names]


def cityscapes(root: Path, split: str) -> list[Pair]:
    """`leftImg8bit/<split>/<city>/x_leftImg8bit.png` with `gtFine/<split>/<city>/x_gtFine_labelIds.png`."""
    images = sorted(_folder(root / "leftImg8bit" / split).glob("*/*_leftImg8bit.png"))
    labels = root / "gtFine" / split
    return [
        (image, labels / image.parent.name / image.name.replace("_leftImg8bit", "_gtFine_labelIds"))
        for image in images
    ]


LAYOUTS: dict[str, Callable[[Path, str], list[Pair]]] = {
    layout.__name__: layout for layout in (camvid, folders, voc, cityscapes)
}


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise FileNotFoundError(f"there is no folder {path}: give the dataset's root as `root`")
    return path


def _same_names(images: Path, masks: Path) -> list[Pair]:
    by_stem = {path.stem: path for path in sorted(_folder(masks).iterdir()) if path.suffix.lower() in SUFFIXES}
    found = sorted(path for path in _folder(images).iterdir() if path.suffix.lower() in SUFFIXES)
    return [(image, by_stem.get(image.stem, masks / f"{image.stem}.png")) for image in found]


@DATA.register_module()
class FolderSegmentation(SegmentationData):
    """A dataset folder in one of the LAYOUTS.

    `classes` are names in the order of their indices. Label files hold these indices, or raw values that `label_map`
    translates to them; `ignore` lists the raw values that do not count, 255 always being one. `palette` (RGB, for
    pictures) is made up where it is not given.
    """

    def __init__(
        self,
        root: str,
        layout: str,
        classes: Sequence[str],
        ignore: Sequence[int] = (),
        label_map: Mapping[int, int] | None = None,
        palette: Sequence[Sequence[int]] | None = None,
    ):
        if layout not in LAYOUTS:
            raise ValueError(f"there is no dataset layout {layout!r}: use one of {', '.join(LAYOUTS)}")
        self.root, self.layout, self.classes = Path(root), LAYOUTS[layout], tuple(classes)
        colours = np.random.default_rng(0).integers(32, 256, (len(classes), 3)) if palette is None else palette
        self.palette = tuple((int(r), int(g), int(b)) for r, g, b in colours)
        named = dict(label_map) if label_map else {index: index for index in range(len(classes))}
        self.table = np.full(256, len(classes), dtype=np.uint8)  # len(classes): a value that nobody has named
        for raw, index in {**{int(k): v for k, v in named.items()}, **dict.fromkeys((*ignore, 255), IGNORE)}.items():
            self.table[raw] = index
        self._pairs: dict[str, list[Pair]] = {}

    def pairs(self, split: str) -> list[Pair]:
        """The (image, labels) files of a split, sorted. Raises OSError or ValueError where there are none."""
        if split not in self._pairs:
            _folder(self.root)
            found = self.layout(self.root, split)
            if not found:
                raise ValueError(f"split {split!r} of {self.root} is empty: {self.layout.__doc__}")
            self._pairs[split] = found
        return self._pairs[split]

    def size(self, split: str) -> int:
        return len(self.pairs(split))

    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        image_path, mask_path = self.pairs(split)[index]
        image = _decode(image_path, "RGB")
        raw = _decode(mask_path, None)
        if raw.ndim != 2 or raw.dtype != np.uint8:
            raise ValueError(f"{mask_path} is not an 8-bit label map (shape {raw.shape}): save class indices as gray PNG")
        if raw.shape != image.shape[:2]:
            height, width = image.shape[:2]
            sizes = f"{raw.shape[1]}x{raw.shape[0]}, its image {width}x{height}"
            raise ValueError(f"{mask_path} is {sizes}: make the label map as large as the image")
        labels = self.table[raw]
        unknown = np.unique(raw[labels == len(self.classes)])
        if unknown.size:
            raise ValueError(
                f"{mask_path} holds the label {unknown[0]}, but there are {len(self.classes)} classes: "
                "add it to label_map or ignore"
            )
        return image, labels

    def fingerprint(self) -> str:
        """A hash over the contents of all files of the layout's train, val and test splits that exist."""
        digest = hashlib.sha256(self.table.tobytes())
        for split in ("train", "val", "test"):
            try:
                pairs = self.pairs(split)
            except (OSError, ValueError):
                continue
            for path in (path for pair in pairs for path in pair):
                digest.update(path.name.encode())
                digest.update(path.read_bytes() if path.is_file() else b"missing")
        return digest.hexdigest()[:16]

    def check(self, splits: Sequence[str]) -> None:
        for split in splits:
            for index in range(self.size(split)):
                self.read(split, index)


def _decode(path: Path, mode: str | None) -> np.ndarray:
    """An image file as an array; `mode` converts, None keeps palette indices. Raises ValueError naming the file."""
    try:
        with Image.open(path) as image:
            return np.array(image.convert(mode) if mode else image)
    except FileNotFoundError:
        raise ValueError(f"{path} is missing: every image needs its label map, and the other way round") from None
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path} cannot be decoded ({error}): replace the file") from None
