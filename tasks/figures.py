"""figures-v1: articulated figures before pieces of photographs, made on the spot.

A figure faces the viewer, so its right is on the left of the image. Its limbs are tapered strips in random poses, some
of them foreshortened, filled with pieces of photographs as the objects of scenes-v1 are: the same part of both sides
alike, in a hue that goes with the part, loosely. Objects may stand behind a figure or hide some of it. The splits share no
photograph.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from skimage.draw import polygon

from tasks.keypoints.data import HEAD
from tasks.keypoints.skeletons import MPII
from tasks.scenes import CLASSES, SIZE, SOURCES, backdrop, covered, photograph, textured

COUNTS = {"train": 256, "val": 64, "test": 96}
AT = {name: index for index, name in enumerate(MPII.joints)}
SHOWN = [AT[f"{side}_{joint}"] for side in ("left", "right") for joint in ("shoulder", "hip")]  # on the torso
WIDTHS = {  # half of them, of each part at both ends, in figure's heights, and the class of scenes that it has the hue of
    "thigh": (0.055, 0.042, 1),
    "shin": (0.04, 0.026, 2),
    "torso": (0.105, 0.135, 3),
    "head": (0.05, 0.05, 4),
    "upper arm": (0.038, 0.03, 5),
    "forearm": (0.03, 0.021, 6),
}
TILE = 48  # pixels of the squares that parts are painted with
CHIN, CROWN = 0.2, 2 / 3  # from neck to top, where the round ends of the head have their middles


@dataclass(frozen=True)
class Figure:
    """An `image` (SIZE, SIZE, 3), uint8, and the one person in it.

    `joints` (16, 3) are x and y in pixels, 0 the middle of the first one, and 0 where the joint is outside of the image, 1
    where something hides it, 2 where it is seen. `mask` (SIZE, SIZE) is true where the figure is seen; `head` is the size
    of the head in pixels.
    """

    image: np.ndarray
    joints: np.ndarray
    mask: np.ndarray
    head: float


def posed(rng: np.random.Generator) -> np.ndarray:
    """(16, 2): x, y of the joints of a figure about 1 high, in a random pose; y falls."""
    places = np.zeros((len(MPII.joints), 2))
    tilt, nod = rng.normal(0, 0.35), rng.normal(0, 0.2)
    up, across = np.array([np.sin(tilt), -np.cos(tilt)]), np.array([np.cos(tilt), np.sin(tilt)])
    places[AT["thorax"]] = 0.26 * up
    places[AT["upper_neck"]] = 0.31 * up
    places[AT["head_top"]] = 0.31 * up + 0.15 * np.array([np.sin(tilt + nod), -np.cos(tilt + nod)])
    for side, outwards in (("right", -across), ("left", across)):
        shoulder, hip = 0.245 * up + 0.115 * outwards, 0.065 * outwards
        lift, fold = rng.uniform(-0.3, 2.9), rng.uniform(-1.2, 2.3)  # radians
        elbow = shoulder + _reach(0.17, lift, outwards, up, rng)
        wrist = elbow + _reach(0.16, lift + fold, outwards, up, rng)
        step, bend = rng.uniform(-0.3, 1.3), rng.uniform(-1.6, 0.3)
        knee = hip + _reach(0.24, step, outwards, up, rng)
        ankle = knee + _reach(0.24, step + bend, outwards, up, rng)
        limbs = dict(shoulder=shoulder, elbow=elbow, wrist=wrist, hip=hip, knee=knee, ankle=ankle)
        for joint, place in limbs.items():
            places[AT[f"{side}_{joint}"]] = place
    return places


def _reach(length: float, angle: float, outwards: np.ndarray, up: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """From one end to the other of what hangs down, turned outwards by an angle, and seen as short as half of it."""
    return rng.uniform(0.5, 1.0) * length * (np.sin(angle) * outwards - np.cos(angle) * up)


def _outline(part: str, start: np.ndarray, end: np.ndarray, height: float) -> np.ndarray:
    """The outline (16, 2) of a part between two joints: a strip with round ends."""
    if part == "head":
        start, end = start + CHIN * (end - start), start + CROWN * (end - start)
    radii = [height * width for width in WIDTHS[part][:2]]
    angle = np.arctan2(*(end - start)[::-1])
    around = np.linspace(0.5 * np.pi, 1.5 * np.pi, 8) + angle
    ends = [
        place + radius * np.stack([np.cos(turned), np.sin(turned)], 1)
        for place, radius, turned in ((start, radii[0], around), (end, radii[1], around + np.pi))
    ]
    return np.concatenate(ends)


def _parts(rng: np.random.Generator) -> list[tuple[str, str, str]]:
    """The name of each part with the joints at its ends, from back to front; which side is in front is random."""
    sides = ["left", "right"] if rng.random() < 0.5 else ["right", "left"]
    legs = [("hip", "knee", "thigh"), ("knee", "ankle", "shin")]
    arms = [("shoulder", "elbow", "upper arm"), ("elbow", "wrist", "forearm")]
    found = [(part, f"{side}_{one}", f"{side}_{other}") for side in sides for one, other, part in legs]
    found += [("torso", "pelvis", "thorax"), ("head", "upper_neck", "head_top")]
    behind = [(part, f"{side}_{one}", f"{side}_{other}") for side in sides for one, other, part in arms]
    return behind[:2] + found + behind[2:] if rng.random() < 0.3 else found + behind


def _cover(outline: np.ndarray) -> np.ndarray:
    cover = np.zeros((SIZE, SIZE), dtype=bool)
    cover[polygon(outline[:, 1], outline[:, 0], cover.shape)] = True
    return cover


def compose(photos: list[np.ndarray], rng: np.random.Generator) -> Figure:
    """A background with up to two objects, a figure, and perhaps a small object before it."""
    canvas = backdrop(photos, rng)
    for _ in range(rng.integers(0, 3)):
        _paste(canvas, photos, rng, (8.0, 18.0), rng.uniform(10, SIZE - 10, 2))
    height, places = rng.uniform(88, 132), posed(rng)
    places = height * (places - (places.min(0) + places.max(0)) / 2) + SIZE / 2 + rng.normal(0, 5.0, 2)
    mask, hidden = _draw(canvas, places, height, photos, rng)
    if rng.random() < 0.5:
        cover = _paste(canvas, photos, rng, (6.0, 12.0), places[rng.integers(len(places))][::-1] + rng.normal(0, 6, 2))
        hidden |= _inside(cover, places)
        mask &= ~cover
    seen = ((places >= -0.5) & (places < SIZE - 0.5)).all(1)
    joints = np.concatenate([places, np.where(seen, 2 - hidden, 0)[:, None]], 1)
    head = _outline("head", places[AT["upper_neck"]], places[AT["head_top"]], height)
    image = np.floor(canvas * 255 + 0.5).astype(np.uint8)
    return Figure(image, joints, mask, HEAD * float(np.hypot(*np.ptp(head, 0))))


def _draw(
    canvas: np.ndarray, places: np.ndarray, height: float, photos: list[np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Put a figure with joints at these places on a canvas: which pixels it covers, and which joints it hides itself."""
    mask, hidden = np.zeros((SIZE, SIZE), dtype=bool), np.zeros(len(places), dtype=bool)
    tiles = {part: textured(row[2], photos[rng.integers(len(photos))], rng, TILE) for part, row in WIDTHS.items()}
    for part, *ends in _parts(rng):
        own = [AT[name] for name in ends]
        cover = _cover(_outline(part, places[own[0]], places[own[1]], height))
        _fill(canvas, cover, tiles[part])
        mask |= cover
        over = _inside(cover, places)
        over[SHOWN if part == "torso" else own] = False
        hidden |= over
        hidden[own] = False
    return mask, hidden


def _paste(
    canvas: np.ndarray, photos: list[np.ndarray], rng: np.random.Generator, radii: tuple[float, float], at: np.ndarray
) -> np.ndarray:
    """Put an object of scenes-v1 at (row, column) on a canvas; which pixels it covers."""
    label = int(rng.integers(1, len(CLASSES)))
    cover = covered(label, rng.uniform(0, 2 * np.pi), rng.uniform(*radii), *at)
    _fill(canvas, cover, textured(label, photos[rng.integers(len(photos))], rng, TILE))
    return cover


def _fill(canvas: np.ndarray, cover: np.ndarray, tile: np.ndarray) -> None:
    """Paint the pixels that are covered with a tile, which begins again where it ends."""
    rows, columns = np.nonzero(cover)
    if len(rows):
        canvas[rows, columns] = tile[(rows - rows.min()) % TILE, (columns - columns.min()) % TILE]


def _inside(cover: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Which of the places (n, 2) x, y are covered."""
    columns, rows = np.rint(places).astype(int).clip(0, SIZE - 1).T
    return cover[rows, columns]


@lru_cache
def figures(split: str) -> tuple[Figure, ...]:
    """All figures of a split. The same pixels on every machine; made once a process, in a second or two."""
    photos = [photograph(name) for name in SOURCES[split]]
    seed = sorted(COUNTS).index(split)
    return tuple(compose(photos, np.random.default_rng([2, seed, index])) for index in range(COUNTS[split]))


def fingerprint() -> str:
    """A hash over every pixel and joint of all splits."""
    digest = hashlib.sha256()
    for split in COUNTS:
        for figure in figures(split):
            for array in (figure.image, figure.mask, np.round(figure.joints, 6), np.round(figure.head, 6)):
                digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
