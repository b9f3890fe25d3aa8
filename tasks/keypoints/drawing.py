"""Joints and limbs on images, and what a taken-home network for joints is fed and read as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from tasks.augment import warp
from tasks.keypoints.heatmaps import decoded
from tasks.keypoints.samples import to_image, whole_view
from tasks.keypoints.skeletons import sided
from tasks.usage import AnyUsage, check_count

LEAST = 0.2  # height of a peak: a joint below it is not drawn (Xiao et al., ECCV 2018, do not count it)
SIDE = 192  # pixels, which a smaller picture is enlarged to
COLOURS = {"left": (60, 160, 255), "right": (255, 130, 40), "": (110, 230, 110)}
INK = (20, 20, 20)


def enlarged(image: np.ndarray) -> np.ndarray:
    """An image by a whole factor, where it is small, so that joints can be told apart on it."""
    factor = -(-SIDE // max(image.shape[:2]))
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)


def figure_on(
    image: np.ndarray, joints: np.ndarray, names: Sequence[str], limbs: Sequence[Sequence[int]], least: float = LEAST
) -> np.ndarray:
    """An image (H, W, 3), `enlarged`, with limbs and joints (K, 3): x, y and a score. Those below `least` are left out.

    What is left is blue, what is right orange, the middle green.
    """
    made = enlarged(image)
    factor, line = made.shape[0] // image.shape[0], max(1, round(max(made.shape) / 160))
    places = [tuple(map(int, np.rint(16 * ((place + 0.5) * factor - 0.5)))) for place in joints[:, :2]]
    shown, colours = joints[:, 2] >= least, [_colour(name) for name in names]
    for ink, width in ((INK, line + 2), (None, line)):  # dark edges, so that limbs are seen on any ground
        for one, other in limbs:
            if shown[one] and shown[other]:
                side = max(names[one], names[other], key=lambda name: bool(sided(name)[1]))
                cv2.line(made, places[one], places[other], ink or _colour(side), width, cv2.LINE_AA, 4)
    for place, colour, there in zip(places, colours, shown, strict=True):
        if there:
            cv2.circle(made, place, 16 * (line + 1), INK, -1, cv2.LINE_AA, 4)
            cv2.circle(made, place, 16 * line, colour, -1, cv2.LINE_AA, 4)
    return made


def _colour(name: str) -> tuple[int, int, int]:
    return COLOURS[sided(name)[1]]


@dataclass(frozen=True, kw_only=True)
class Usage(AnyUsage):
    """And the names of the joints, the limbs between two of them, and the height of a peak that is drawn."""

    size: tuple[int, int]
    joints: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    least: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.least <= 1:
            raise ValueError(f"least must be from 0 to 1, not {self.least}")
        if not all(0 <= end < len(self.joints) for limb in self.limbs for end in limb):
            raise ValueError(f"limbs must be pairs of 0 to {len(self.joints) - 1}, not {self.limbs}")


def _view(image: np.ndarray, usage: Usage) -> np.ndarray:
    """Where a picture, which is taken for the surroundings of one person, is seen."""
    height, width = image.shape[:2]
    return whole_view((0, 0, width, height), usage.size, padding=1.0)


def seen(image: np.ndarray, usage: Usage) -> np.ndarray:
    """An image as the network wants it, (H, W, 3) RGB, all of it, in its own aspect."""
    return warp(image, _view(image, usage), usage.size)


def read(outputs: Sequence[np.ndarray], image: np.ndarray, usage: Usage) -> np.ndarray:
    """The joints (K, 3) of an image, x and y in its pixels and a score, by heat maps (1, K, h, w)."""
    check_count(outputs[0].shape[1], usage.joints)
    return to_image(decoded(outputs[0])[0], _view(image, usage))


def drawn(image: np.ndarray, joints: np.ndarray, usage: Usage) -> np.ndarray:
    return figure_on(image, joints, usage.joints, usage.limbs, usage.least)


def told(joints: np.ndarray, usage: Usage) -> Any:
    """The joints with their names."""
    return [
        {"joint": name, "x": x, "y": y, "score": score}
        for name, (x, y, score) in zip(usage.joints, joints.tolist(), strict=True)
    ]


def said(joints: np.ndarray, usage: Usage) -> str:
    count = int((joints[:, 2] >= usage.least).sum())
    return f"{count} of {len(joints)} joints"
