"""Dataset folders with a depth map for every image, as NYU Depth v2 is usually unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import ImageFile

from tasks.data import SPLITS, SUFFIXES
from tasks.depth.data import DepthData, checked
from tasks.files import (
    PIXELS,
    Refusal,
    all_files_in,
    by_stem,
    check_lossless,
    check_regular,
    check_size,
    decode,
    existing,
    in_colour,
    upright,
)
from tasks.folders import FolderData, Listing, under_any_name

Pair = tuple[Path, Path]
LAYOUTS = (
    "depth",
    "annotations",
)  # what the folder of depths beside "images" is called; the second one by MMSegmentation
ARRAY = ".npy"


class FolderDepth(FolderData, DepthData):
    """`images/<split>/x.jpg` with `<depths>/<split>/x.png` or `x.npy`; without splits, as the split ".", without `<split>`.

    `depths` is one of LAYOUTS; None: the one that is there. A picture's values, of up to 16 bits, times `unit` are metres;
    arrays hold metres. What is not between the two `metres` does not count: 0, where nothing was measured, and what a sensor
    cannot see.
    """

    def __init__(
        self, root: str, depths: str | None = None, unit: float = 0.001, metres: tuple[float, float] = (0.1, 10.0)
    ):
        super().__init__(root)
        if depths is None:
            depths = next((name for name in LAYOUTS if (self.root / name).is_dir()), LAYOUTS[0])
        if depths not in LAYOUTS:
            raise ValueError(f"depths must be one of {', '.join(LAYOUTS)}, not {depths!r}")
        if not 0 < unit <= 1000:
            raise ValueError(f"unit must be a positive number of metres, at most 1000, not {unit}")
        self.depths, self.unit = depths, unit
        self.nearest, self.farthest = checked(metres)
        self._ranges: dict[str, tuple[float, float, float]] = {}

    def list_split(self, split: str) -> Listing:
        listing = Listing()
        with listing.noting():
            listing.items += under_any_name(split, self._pairs)
        return listing

    def _pairs(self, split: str) -> list[Pair]:
        """Images and depths of the same stem; where one is missing, a path that is not there."""
        images, depths = (existing(self.root / name / split) for name in ("images", self.depths))
        image_of, depth_of = by_stem(all_files_in(images)), by_stem(all_files_in(depths, (*SUFFIXES, ARRAY)))
        names = sorted(image_of.keys() | depth_of.keys())
        return [(image_of.get(k, images / f"{k}.png"), depth_of.get(k, depths / f"{k}.png")) for k in names]

    def open(self, item: Pair) -> tuple[np.ndarray, np.ndarray]:
        image, depth = decode(item[0], in_colour), self._depth(item[1])
        check_size(item[1], depth.shape, "its image", image.shape[:2])
        return image, depth

    def _depth(self, path: Path) -> np.ndarray:
        return array(path) if path.suffix.lower() == ARRAY else decode(path, whole_numbers) * np.float32(self.unit)

    def identity(self) -> bytes:
        return f"{self.unit} {self.nearest} {self.farthest}".encode()

    def content(self, item: Pair) -> Iterator[Path]:
        yield from item

    def called(self, item: Pair) -> str:
        return str(item[0])

    def problems(self, split: str) -> Iterator[str]:
        sound = True
        for sentence in super().problems(split):
            sound = False
            yield sentence
        if sound and not self.measured(split)[0]:
            span = f"from {self.nearest:g} to {self.farthest:g} m"
            yield f"split {split!r} has no depth {span}: are unit ({self.unit:g} m) and metres those of the files?"

    def truth(self, item: Pair) -> np.ndarray:
        return self._depth(item[1])

    def tally(self, truth: np.ndarray) -> tuple[int, int, float, float]:
        found = truth[self.counts(truth)]
        return found.size, truth.size, float(found.min(initial=np.inf)), float(found.max(initial=0.0))

    def measured(self, split: str) -> tuple[float, float, float]:
        """The share of the pixels that count, and the least and the largest depth of these, of the files that can be read."""
        if split not in self._ranges:
            counted, pixels, least, most = 0, 0, np.inf, 0.0
            for found, of, nearest, farthest in self.tallies(split):
                counted, pixels = counted + found, pixels + of
                least, most = min(least, nearest), max(most, farthest)
            self._ranges[split] = counted / max(1, pixels), least, most
        return self._ranges[split]

    def summary(self, split: str) -> str:
        share, least, most = self.measured(split)
        span = f" of {least:.2f} to {most:.2f} m" if share else ""
        return f"{len(self.listing(split).items)} images; {share:.1%} of the pixels have a depth{span}"


def whole_numbers(image: ImageFile.ImageFile) -> np.ndarray:
    """(H, W) float32 of a gray picture of up to 16 bits."""
    check_lossless(image)
    if image.mode not in ("L", "I", "I;16", "I;16B"):
        raise Refusal(f"is no depth map (mode {image.mode}): save depths as 16-bit gray PNG, or as .npy in metres")
    return np.array(upright(image)).astype(np.float32)


def array(path: Path) -> np.ndarray:
    """(H, W) metres of an .npy file, float32; what is not finite is 0. Raises ValueError."""
    try:
        check_regular(path)
        depth = np.lib.format.open_memmap(path, mode="r")  # which looks at the header alone, and is for .npy alone
    except FileNotFoundError:
        raise ValueError(f"{path} is missing: put it back, or take its image out of the split") from None
    except Refusal as refusal:
        raise ValueError(f"{path} {refusal}") from None
    except Exception as error:  # a damaged header is parsed as Python
        raise ValueError(f"{path} cannot be read as an array ({' '.join(str(error).split())}): save it again") from None
    if depth.ndim != 2 or depth.dtype.kind not in "fiu":
        raise ValueError(f"{path} is an array of {depth.dtype} {depth.shape}: save (height, width) numbers of metres")
    if depth.size > PIXELS:
        raise ValueError(f"{path} has more than {PIXELS / 1e6:.0f} megapixels: save it smaller")
    return np.nan_to_num(depth.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)


def recognise(root: Path) -> FolderDepth:
    """The data set in a folder. Raises ValueError where there is none."""
    data = FolderDepth(str(root))
    for split in (*SPLITS, "."):
        with suppress(FileNotFoundError):
            data.listing(split)
            return data
    raise ValueError(f"{root} has no images beside {' or '.join(LAYOUTS)}: see docs/data.md")
