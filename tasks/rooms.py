"""rooms-v1: photographs of rooms that are made on the spot, and how far away everything in them is.

A pinhole camera looks along a floor to a wall; shapes of scenes-v1, of about one size, stand upright on the floor. All are
covered with pieces of photographs. So what is farther away is smaller, stands nearer to the horizon, has a finer texture and
is paler (haze), and what is nearer hides it. The splits share no photograph, as those of scenes-v1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from skimage.draw import polygon

from tasks.scenes import CLASSES, COUNTS, SIZE, SOURCES, outline, photograph

FOCAL = 128.0  # pixels
HEIGHT = 1.2  # metres that the camera is above the floor
HAZE = 9.0  # metres in which a colour loses 63 % of what it differs from the haze's
PALE = np.array([0.80, 0.83, 0.88])
FINEST = 64.0  # pixels of a photograph for a metre of a surface
NEAREST, FARTHEST = 1.0, 12.0  # metres: nothing is nearer or farther


@dataclass(frozen=True)
class Room:
    """`image` (SIZE, SIZE, 3), uint8, and `depth` (SIZE, SIZE), float32: metres along the camera's axis."""

    image: np.ndarray
    depth: np.ndarray


def texture(photo: np.ndarray, across: np.ndarray, along: np.ndarray) -> np.ndarray:
    """The colours (n, 3), 0 to 1, of a surface that a photograph covers, at n places in metres; mirrored beyond its borders."""
    places = []
    for place, side in ((along, photo.shape[0]), (across, photo.shape[1])):
        wrapped = np.floor(place * FINEST).astype(np.int64) % (2 * side)
        places.append(np.minimum(wrapped, 2 * side - 1 - wrapped))
    return photo[tuple(places)] / 255.0


def hazy(colours: np.ndarray, depth: np.ndarray) -> np.ndarray:
    share = np.exp(-depth / HAZE)[..., None]
    return share * colours + (1 - share) * PALE


def standing(label: int, angle: float, radius: float, x: float, z: float, horizon: float) -> np.ndarray:
    """Which pixels a shape of this radius (metres) covers that stands on the floor at x (to the right) and z (ahead)."""
    parts = [radius * points for points in outline(label, angle)]
    lowest = max(points[:, 0].max() for points in parts)
    cover = np.zeros((SIZE, SIZE), dtype=bool)
    for points in parts:
        rows = horizon + FOCAL * (HEIGHT - lowest + points[:, 0]) / z
        columns = SIZE / 2 + FOCAL * (x + points[:, 1]) / z
        inside = polygon(rows, columns, cover.shape)
        cover[inside] = ~cover[inside]
    return cover


def compose(photos: list[np.ndarray], rng: np.random.Generator) -> Room:
    """A room: floor and wall, then four to seven shapes, the farthest first."""
    horizon, wall = rng.uniform(24.0, 76.0), rng.uniform(5.0, 10.0)
    rows, columns = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    with np.errstate(divide="ignore"):
        floor = FOCAL * HEIGHT / (rows + 0.5 - horizon)
    on_floor = (rows + 0.5 > horizon) & (floor < wall)
    depth = np.where(on_floor, floor, wall)
    across = (columns + 0.5 - SIZE / 2) * depth / FOCAL
    up = (rows + 0.5 - horizon) * depth / FOCAL
    colours = np.empty((SIZE, SIZE, 3))
    for seen, *places in ((on_floor, across, depth), (~on_floor, across, up)):
        photo = photos[rng.integers(len(photos))]
        colours[seen] = texture(photo, *(plane[seen] + rng.uniform(0, 9) for plane in places))
    canvas = hazy(0.15 + 0.6 * colours, depth)
    shapes = rng.integers(4, 8)
    for z in -np.sort(-rng.uniform(1.8, wall - 0.3, shapes)):
        label, radius, angle = int(rng.integers(1, len(CLASSES))), rng.uniform(0.28, 0.42), rng.uniform(0, 2 * np.pi)
        x = rng.uniform(-0.45, 0.45) * SIZE / FOCAL * z
        cover = standing(label, angle, radius, x, z, horizon)
        photo, tint = photos[rng.integers(len(photos))], rng.uniform(0.4, 1.0, 3)
        covered = texture(photo, *(plane[cover] * z / depth[cover] for plane in (across, up)))
        canvas[cover] = hazy(covered * tint / tint.max(), np.full(len(covered), z))
        depth[cover] = z
    return Room(np.floor(canvas.clip(0, 1) * 255 + 0.5).astype(np.uint8), depth.astype(np.float32))


@lru_cache
def rooms(split: str) -> tuple[Room, ...]:
    """All rooms of a split. Made once a process, in a few seconds."""
    photos = [photograph(name) for name in SOURCES[split]]
    seed = sorted(COUNTS).index(split)
    return tuple(compose(photos, np.random.default_rng([2, seed, index])) for index in range(COUNTS[split]))


def fingerprint() -> str:
    """A hash over every pixel and depth of all splits."""
    digest = hashlib.sha256()
    for split in COUNTS:
        for room in rooms(split):
            digest.update(room.image.tobytes() + room.depth.tobytes())
    return digest.hexdigest()[:16]
