"""Names of classes on images, and what a taken-home classifier is fed and read as."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from tasks.usage import ClassUsage as Usage
from tasks.usage import check_count

SHOWN = 5  # classes of an image, the likeliest first
SIDE = 192  # pixels, which a smaller picture is enlarged to, so that a name can be read on it


def captioned(image: np.ndarray, lines: Sequence[str]) -> np.ndarray:
    """An image (H, W, 3) with lines of text below it, enlarged by a whole factor where it is small."""
    factor = -(-SIDE // max(image.shape[:2]))
    large = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
    size = max(large.shape[1], SIDE) / 480
    step = round(40 * size)
    strip = np.full((step * len(lines) + step // 4, large.shape[1], 3), 255, np.uint8)
    for row, line in enumerate(lines, start=1):
        text = line.encode("ascii", "replace").decode()  # OpenCV's letters
        cv2.putText(strip, text, (4, row * step - step // 4), cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([large, strip])


def probabilities(scores: np.ndarray) -> np.ndarray:
    """The softmax of scores (classes,)."""
    raised = np.exp(scores.astype(np.float64) - scores.max())
    return raised / raised.sum()


def likeliest(shares: np.ndarray, classes: Sequence[str]) -> list[tuple[str, float]]:
    """The best classes with their probabilities."""
    order = np.argsort(-shares, kind="stable")[:SHOWN]
    return [(classes[place], float(shares[place])) for place in map(int, order)]


def seen(image: np.ndarray, usage: Usage) -> np.ndarray:
    """An image as the network wants it, (H, W, 3) RGB."""
    return usage.fitted(image)


def read(outputs: Sequence[np.ndarray], image: np.ndarray, usage: Usage) -> np.ndarray:
    """The probabilities (classes,) of an image, by scores (1, classes)."""
    check_count(outputs[0].shape[1], usage.classes)
    return probabilities(outputs[0][0])


def drawn(image: np.ndarray, shares: np.ndarray, usage: Usage) -> np.ndarray:
    return captioned(image, _lines(shares, usage.classes))


def told(shares: np.ndarray, usage: Usage) -> Any:
    """The likeliest classes with their probabilities."""
    return [{"class": name, "probability": share} for name, share in likeliest(shares, usage.classes)]


def said(shares: np.ndarray, usage: Usage) -> str:
    return ", ".join(_lines(shares, usage.classes))


def _lines(shares: np.ndarray, classes: Sequence[str]) -> list[str]:
    return [f"{share:.1%} {name}" for name, share in likeliest(shares, classes)]
