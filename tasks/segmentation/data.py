"""Pictures with label maps: dataset folders in the common layouts, and the embedded scenes."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tasks import scenes
from tasks.data import Data, ScenesData
from tasks.registry import DATA
from tasks.segmentation.confusion import IGNORE
from tasks.segmentation.layouts import LAYOUTS, Pair, folder


class SegmentationData(Data):
    """Splits of (image, labels). Labels are class indices, or IGNORE where a pixel does not count."""

    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]

    @abstractmethod
    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) RGB and (H, W) labels, both uint8."""


@DATA.register_module()
class ScenesSegmentation(ScenesData, SegmentationData):
    """The embedded scenes-v1, splits "train", "val" and "test"."""

    classes, palette = scenes.CLASSES, scenes.PALETTE

    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        scene = scenes.scenes(split)[index]
        return scene.image, scene.mask


@DATA.register_module()
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

    def _listed_classes(self) -> list[str]:
        path = folder(self.root) / "classes.txt"
        if not path.is_file():
            raise ValueError(f"{path} is missing: list the class names in it, one a line, or give `classes`")
        return path.read_text().splitlines()

    def pairs(self, split: str) -> list[Pair]:
        """The (image, labels) files of a split, sorted. Raises OSError or ValueError where there are none."""
        if split not in self._pairs:
            found = self.layout.pairs(folder(self.root), split)
            if not found:
                raise ValueError(f"split {split!r} of {self.root} holds no images: see docs/data.md for the layouts")
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
        for split in ("train", "val", "test"):
            try:
                pairs = self.pairs(split)
            except (OSError, ValueError):
                continue
            for path in (path for pair in pairs for path in pair):
                digest.update(path.name.encode())
                digest.update(path.read_bytes() if path.is_file() else b"missing")
        return digest.hexdigest()[:16]

    def problems(self, split: str, counts: np.ndarray | None = None) -> Iterator[str]:
        """As any data's. How often each label was read is added to `counts` (256,)."""
        for index in range(self.size(split)):
            try:
                labels = self.read(split, index)[1]
            except ValueError as error:
                yield str(error)
            else:
                if counts is not None:
                    counts += np.bincount(labels.ravel(), minlength=256)


def _decode(path: Path, mode: str | None) -> np.ndarray:
    """An image file as an array; `mode` converts, None keeps palette indices. Raises ValueError naming the file."""
    try:
        with Image.open(path) as image:
            return np.array(image.convert(mode) if mode else image)
    except FileNotFoundError:
        raise ValueError(f"{path} is missing: every image needs its label map, and the other way round") from None
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path} cannot be decoded ({error}): replace the file") from None
