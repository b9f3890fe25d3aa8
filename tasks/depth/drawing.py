"""Depths as colours, and what a taken-home depth network is fed and read as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from tasks.depth.data import checked
from tasks.usage import AnyUsage


def coloured(depth: np.ndarray, nearest: float, farthest: float) -> np.ndarray:
    """Depths (H, W) as (H, W, 3) RGB uint8: red is near, blue far, on a logarithmic scale; gray does not count."""
    counts = (depth >= nearest) & (depth <= farthest)
    share = np.log(depth.clip(nearest, farthest) / nearest) / np.log(farthest / nearest)
    bgr = cv2.applyColorMap((255 * (1 - share)).astype(np.uint8), cv2.COLORMAP_TURBO)
    return np.where(counts[..., None], bgr[..., ::-1], np.uint8(128))


@dataclass(frozen=True, kw_only=True)
class Usage(AnyUsage):
    """And the nearest and the farthest depth in metres that it was trained for."""

    metres: tuple[float, float]

    def __post_init__(self) -> None:
        super().__post_init__()
        checked(self.metres)


def seen(image: np.ndarray, usage: Usage) -> np.ndarray:
    """An image as the network wants it, (H, W, 3) RGB."""
    return usage.fitted(image)


def read(outputs: Sequence[np.ndarray], image: np.ndarray, usage: Usage) -> np.ndarray:
    """The depths (H, W) of an image in metres, float32, by the network's (1, 1, h, w)."""
    return cv2.resize(outputs[0][0, 0], image.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def drawn(image: np.ndarray, depth: np.ndarray, usage: Usage) -> np.ndarray:
    """The image, and beside it its depths."""
    return np.concatenate([image, coloured(depth, *usage.metres)], 1)


def told(depth: np.ndarray, usage: Usage) -> Any:
    """The nearest, the middle and the farthest depth in metres."""
    return dict(zip(("nearest", "median", "farthest"), np.percentile(depth, (0, 50, 100)).tolist(), strict=True))


def said(depth: np.ndarray, usage: Usage) -> str:
    nearest, median, farthest = told(depth, usage).values()
    return f"{nearest:.2f} to {farthest:.2f} m, median {median:.2f} m"
