"""scenes-v1: small scenes with real photographic texture, made on the spot.

Every scene is a crop of a photograph with objects of six shapes pasted on it, each filled with a piece of another
photograph. A class is a shape; a hue that goes with it, loosely, gives the hint that a few seconds of training can use.
The splits share no photograph. The photographs are those that scikit-image carries in its wheel.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import skimage.data
from skimage.color import gray2rgb, hsv2rgb
from skimage.draw import polygon
from skimage.transform import downscale_local_mean

SIZE = 128
CLASSES = ("background", "disc", "square", "triangle", "star", "ring", "cross")
REGULAR = {  # the corners and the radius of polygons
    "disc": [(48, 0.9)],
    "ring": [(48, 1.0), (48, 0.5)],
    "square": [(4, 1.0)],
    "triangle": [(3, 1.1)],
}
COUNTS = {"train": 256, "val": 64, "test": 96}
SOURCES = {
    "train": ("astronaut", "coffee", "stereo_left", "stereo_right", "brick", "grass", "coins", "hubble_deep_field"),
    "val": ("chelsea", "camera", "gravel", "immunohistochemistry"),
    "test": ("rocket", "retina", "moon", "page", "cell"),
}
MAX_SIDE = 384  # photographs are brought to about this size first, so that a crop shows more than a smooth patch


@dataclass(frozen=True)
class Scene:
    """`image` is what a network sees (SIZE, SIZE, 3), uint8, and clean; `mask` (SIZE, SIZE) holds class indices.

    `boxes` (n, 4) are x, y, width, height in pixels of the visible part of each object (COCO's format), `labels` (n,)
    their classes, 1 to 6.
    """

    image: np.ndarray
    mask: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray


def photograph(name: str) -> np.ndarray:
    """One of scikit-image's photographs as RGB, uint8, its longer side between MAX_SIDE / 2 and 2 * MAX_SIDE."""
    if name.startswith("stereo"):
        image = skimage.data.stereo_motorcycle()[0 if name.endswith("left") else 1]
    else:
        image = getattr(skimage.data, name)()
    image = image if image.ndim == 3 else gray2rgb(image)
    factor = max(1, round(max(image.shape[:2]) / MAX_SIDE))
    return np.floor(downscale_local_mean(image[..., :3].astype(np.float64), (factor, factor, 1)) + 0.5).astype(np.uint8)


def outline(label: int, angle: float) -> list[np.ndarray]:
    """The polygons of a shape of radius 1 around the origin, as (n, 2) points; a ring's second one is its hole."""

    def turn(angles: np.ndarray, radii: np.ndarray | float) -> np.ndarray:
        return np.stack([radii * np.sin(angles + angle), radii * np.cos(angles + angle)], 1)

    shape = CLASSES[label]
    if shape in REGULAR:
        return [turn(2 * np.pi * np.arange(corners) / corners, radius) for corners, radius in REGULAR[shape]]
    if shape == "star":
        return [turn(np.pi * np.arange(10) / 5, np.where(np.arange(10) % 2, 0.45, 1.1))]
    arm = np.arctan(1 / 3)  # a cross with arms a third of its size
    corners = np.array([(k * np.pi / 2 + side * arm, 1.0) for k in range(4) for side in (-1, 1)])
    inner = np.array([((k + 0.5) * np.pi / 2, np.sqrt(2) / np.sqrt(10)) for k in range(4)])
    points = np.concatenate([np.concatenate([corners[2 * k : 2 * k + 2], inner[k : k + 1]]) for k in range(4)])
    return [turn(points[:, 0], points[:, 1])]


def covered(label: int, angle: float, radius: float, row: float, column: float) -> np.ndarray:
    """Which pixels a shape covers, as a (SIZE, SIZE) array of booleans."""
    cover = np.zeros((SIZE, SIZE), dtype=bool)
    for part in outline(label, angle):
        rows, columns = polygon(row + radius * part[:, 0], column + radius * part[:, 1], cover.shape)
        cover[rows, columns] = ~cover[rows, columns]
    return cover


def crop(photo: np.ndarray, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """A random piece of a photograph, mirrored at its borders where it is too small."""
    pad = [(0, max(0, height - photo.shape[0])), (0, max(0, width - photo.shape[1])), (0, 0)]
    if any(after for _, after in pad):
        photo = np.pad(photo, pad, mode="symmetric")
    top, left = rng.integers(photo.shape[0] - height + 1), rng.integers(photo.shape[1] - width + 1)
    piece = photo[top : top + height, left : left + width]
    return piece[:, ::-1] if rng.random() < 0.5 else piece


def textured(label: int, photo: np.ndarray, rng: np.random.Generator, side: int = SIZE) -> np.ndarray:
    """A textured square for an object: a piece of a photograph, tinted, darker towards one side."""
    texture = crop(photo, side, side, rng) / 255.0
    hue = ((label - 1) / 6 + rng.normal(0.0, 0.08)) % 1.0
    tint = hsv2rgb(np.array([hue, rng.uniform(0.3, 0.8), 1.0]))
    ramp = np.linspace(1.1, 0.7, side)
    shade = ramp[:, None, None] if rng.random() < 0.5 else ramp[None, :, None]
    return np.clip((0.25 + 0.75 * texture) * tint * shade * rng.uniform(0.7, 1.2), 0, 1)


def backdrop(photos: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """A piece of one of the photographs, (SIZE, SIZE, 3) from 0 to 1, paler than what stands before it."""
    canvas = crop(photos[rng.integers(len(photos))], SIZE, SIZE, rng) / 255.0
    return 0.1 + 0.6 * (0.4 * canvas + 0.6 * canvas.mean(2, keepdims=True))


def compose(photos: list[np.ndarray], rng: np.random.Generator) -> Scene:
    """A scene: a background, then four to seven objects, later ones in front of earlier ones."""
    canvas = backdrop(photos, rng)
    owner = np.zeros((SIZE, SIZE), dtype=np.int64)  # 0: background, k: the k-th object
    labels, areas = [0], [0]
    for index in range(1, rng.integers(4, 8) + 1):
        label = int(rng.integers(1, len(CLASSES)))
        radius = rng.uniform(10.0, 28.0)
        row, column = rng.uniform(radius * 0.7, SIZE - radius * 0.7, 2)
        cover = covered(label, rng.uniform(0, 2 * np.pi), radius, row, column)
        surface = textured(label, photos[rng.integers(len(photos))], rng)
        canvas[cover] = surface[cover]
        owner[cover] = index
        labels.append(label)
        areas.append(int(cover.sum()))
    mask = np.array(labels, dtype=np.uint8)[owner]
    boxes, kept = [], []
    for index in range(1, len(labels)):
        rows, columns = np.nonzero(owner == index)
        if len(rows) < 0.4 * areas[index]:  # mostly hidden: in the mask, but not an object to be found
            continue
        top, left = rows.min(), columns.min()
        boxes.append((left, top, columns.max() - left + 1, rows.max() - top + 1))
        kept.append(labels[index])
    image = np.floor(canvas * 255 + 0.5).astype(np.uint8)
    return Scene(image, mask, np.array(boxes, dtype=np.int64).reshape(-1, 4), np.array(kept, dtype=np.int64))


@lru_cache
def scenes(split: str) -> tuple[Scene, ...]:
    """All scenes of a split. The same pixels on every machine; made once a process, in a few seconds."""
    photos = [photograph(name) for name in SOURCES[split]]
    seed = sorted(COUNTS).index(split)
    return tuple(compose(photos, np.random.default_rng([1, seed, index])) for index in range(COUNTS[split]))


@dataclass(frozen=True)
class Placed:
    """An object of a scene: the whole `image`, the middle (row, column) of its box in pixels, its class, 1 to 6."""

    image: np.ndarray
    centre: tuple[int, int]
    label: int


@lru_cache
def objects(split: str) -> tuple[Placed, ...]:
    """The objects of all scenes of a split that are not mostly hidden."""
    return tuple(
        Placed(scene.image, (int(box[1] + box[3] / 2), int(box[0] + box[2] / 2)), int(label))
        for scene in scenes(split)
        for box, label in zip(scene.boxes, scene.labels, strict=True)
    )


def fingerprint() -> str:
    """A hash over every pixel, mask and box of all splits."""
    digest = hashlib.sha256()
    for split in COUNTS:
        for scene in scenes(split):
            for array in (scene.image, scene.mask, scene.boxes, scene.labels):
                digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
