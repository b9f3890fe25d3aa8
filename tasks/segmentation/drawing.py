"""Labels as colours, and what a taken-home segmentation network is fed and read as."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from tasks.segmentation.metrics import IGNORE
from tasks.usage import ClassUsage as Usage
from tasks.usage import check_count

GOLDEN = 137.508  # degrees: hues that are so far apart stay distinct however many there are


def palette(classes: int) -> np.ndarray:
    """(classes, 3) RGB uint8."""
    hues = np.arange(classes) * GOLDEN % 360 / 2
    hsv = np.stack([hues, np.full(classes, 200), np.full(classes, 255)], 1).astype(np.uint8)
    return cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0]


def painted(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """An image (H, W, 3) under the colours of its labels (H, W): what does not count is gray, the first class as it is."""
    colours = np.full((IGNORE + 1, 3), 128, np.uint8)
    colours[1:IGNORE] = palette(IGNORE - 1)
    mixed = cv2.addWeighted(image, 0.45, colours[labels], 0.55, 0)
    return np.where((labels == 0)[..., None], image, mixed)


def seen(image: np.ndarray, usage: Usage) -> np.ndarray:
    """An image as the network wants it, (H, W, 3) RGB."""
    return usage.fitted(image)


def read(outputs: Sequence[np.ndarray], image: np.ndarray, usage: Usage) -> np.ndarray:
    """The labels (H, W) of an image, uint8, by scores (1, classes, h, w)."""
    check_count(outputs[0].shape[1], usage.classes)
    labels = outputs[0][0].argmax(0).astype(np.uint8)
    return cv2.resize(labels, image.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)


def drawn(image: np.ndarray, labels: np.ndarray, usage: Usage) -> np.ndarray:
    return painted(image, labels)


def told(labels: np.ndarray, usage: Usage) -> Any:
    """Which share of the pixels each class has."""
    counts = np.bincount(labels.ravel(), minlength=len(usage.classes))
    return {name: count / labels.size for name, count in zip(usage.classes, counts.tolist(), strict=True)}


def said(labels: np.ndarray, usage: Usage) -> str:
    shares = sorted(told(labels, usage).items(), key=lambda one: -one[1])
    return ", ".join(f"{share:.1%} {name}" for name, share in shares if share)
