"""Boxes in images, and what a taken-home detector is fed and read as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from tasks.usage import ClassUsage, check_count

MOST = 300  # boxes of an image
GOLDEN = 137.508  # degrees: hues that are so far apart stay distinct however many there are


def chosen(boxes: np.ndarray, scores: np.ndarray, overlap: float, least: float) -> np.ndarray:
    """The rows (M, 6) x1, y1, x2, y2, score, label that are left of (P, 4) boxes with (P, classes) scores, best first.

    Those below `least` are dropped, and of two of one class that overlap by more than `overlap` the worse one.
    """
    places, labels = np.nonzero(scores >= least)
    rows = np.concatenate([boxes[places], scores[places, labels][:, None], labels[:, None]], 1)
    if not len(rows):
        return rows
    sides = np.concatenate([rows[:, :2], rows[:, 2:4] - rows[:, :2]], 1)
    kept = cv2.dnn.NMSBoxesBatched(sides.tolist(), rows[:, 4].tolist(), labels.tolist(), least, overlap)
    rows = rows[np.array(kept, dtype=int)]
    return rows[np.argsort(-rows[:, 4], kind="stable")][:MOST]


def boxed(image: np.ndarray, rows: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """An image (H, W, 3) with boxes: rows of corners and a label, perhaps with a score between them."""
    made, line = image.copy(), max(1, round(max(image.shape) / 400))
    for x1, y1, x2, y2, *score, label in rows.tolist():
        hue = np.array([[[(60 + label * GOLDEN) % 360 / 2, 220, 255]]], np.uint8)
        colour = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0].tolist()
        cv2.rectangle(made, (round(x1), round(y1)), (round(x2), round(y2)), colour, line)
        if score and len(classes) > 1:
            text, at = f"{classes[int(label)]} {score[0]:.2f}", (round(x1), max(10, round(y1) - 2))
            cv2.putText(made, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.3 * line + 0.1, colour, 1, cv2.LINE_AA)
    return made


@dataclass(frozen=True, kw_only=True)
class Usage(ClassUsage):
    """Of two boxes of a class that overlap by more than `overlap` the worse one is dropped, and what scores below `least`."""

    overlap: float
    least: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 <= self.overlap <= 1 and 0 <= self.least <= 1):
            raise ValueError(f"overlap and least must be from 0 to 1, not {self.overlap} and {self.least}")


def seen(image: np.ndarray, usage: Usage) -> np.ndarray:
    """An image as the network wants it, (H, W, 3) RGB."""
    return usage.fitted(image)


def read(outputs: Sequence[np.ndarray], image: np.ndarray, usage: Usage) -> np.ndarray:
    """The boxes of an image as in `chosen`, in its pixels."""
    boxes, scores = (output[0] for output in outputs)
    check_count(scores.shape[1], usage.classes)
    height, width = usage.size or image.shape[:2]
    factors = np.array([image.shape[1] / width, image.shape[0] / height] * 2)
    return chosen(boxes * factors, scores, usage.overlap, usage.least)


def drawn(image: np.ndarray, rows: np.ndarray, usage: Usage) -> np.ndarray:
    return boxed(image, rows, usage.classes)


def told(rows: np.ndarray, usage: Usage) -> Any:
    """The boxes with the names of their classes."""
    return [
        {"class": usage.classes[int(label)], "score": score, "box": [x1, y1, x2, y2]}
        for x1, y1, x2, y2, score, label in rows.tolist()
    ]


def said(rows: np.ndarray, usage: Usage) -> str:
    counts = Counter(one["class"] for one in told(rows, usage))
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "nothing"
