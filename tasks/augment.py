"""Training views: one affine warp, perhaps mirrored, with changed colours."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from tasks.stage import View

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def random_warp(shape: tuple[float, ...], view: View, rng: np.random.Generator) -> np.ndarray:
    """A random view of `view.size` of an image of `shape`: the (2, 3) matrix from output to input pixel coordinates.

    At scale 1 the image just covers the view; `view.scale` enlarges it by a factor drawn log-uniformly. Half of the views
    are mirrored, unless `view.mirror` is false.
    """
    height, width = view.size
    low, high = np.log(view.scale)
    factor = np.exp(rng.uniform(low, high)) * max(height / shape[0], width / shape[1])
    y = rng.uniform() * (shape[0] * factor - height)
    x = rng.uniform() * (shape[1] * factor - width)
    # Pixel centres: output (u, v) looks at input ((u + x + 0.5) / factor - 0.5, ...), from the right if mirrored.
    matrix = np.array([[1 / factor, 0, (x + 0.5) / factor - 0.5], [0, 1 / factor, (y + 0.5) / factor - 0.5]])
    if rng.random() < 0.5 and view.mirror:
        matrix[0] = [-1 / factor, 0, (x + width - 0.5) / factor - 0.5]
    return matrix


def warp(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The view of (height, width) that `matrix` describes; outside of the image it has the mean colour."""
    fill = tuple(round(255 * channel) for channel in MEAN)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, size[::-1], None, flags, cv2.BORDER_CONSTANT, fill)


def recolour(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Change contrast, brightness and the balance of the channels by up to `strength`, through a table of 256 values."""
    if not strength:
        return image
    gain = rng.uniform(1 - strength, 1 + strength)
    balance = rng.uniform(1 - strength / 2, 1 + strength / 2, 3)
    shift = rng.uniform(-strength, strength) * 64
    ramp = (np.arange(256)[:, None] - 128) * gain * balance + 128 + shift
    return cv2.LUT(image, np.clip(ramp, 0, 255).astype(np.uint8)[None])


def shift_hsv(image: np.ndarray, limits: tuple[float, float, float], rng: np.random.Generator) -> np.ndarray:
    """Shift the hue by up to so many degrees; scale, and shift, saturation and value by up to these shares of their range."""
    hue, shift, scale = limits
    turned = round(rng.uniform(-hue, hue) / 2)  # OpenCV counts in steps of two degrees
    gains, shifts = rng.uniform(1 - scale, 1 + scale, 2), rng.uniform(-shift, shift, 2)
    levels = np.arange(256)[:, None]
    tables = np.concatenate([(levels + turned) % 180, (levels * gains + 255 * shifts).clip(0, 255)], 1)
    changed = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), tables.astype(np.uint8)[None])
    return cv2.cvtColor(changed, cv2.COLOR_HSV2RGB)


def fit_size(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The whole image at (height, width), for scoring."""
    if image.shape[:2] == size:
        return image
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def normalise(images: Tensor, device: str) -> Tensor:
    """(B, H, W, 3) RGB uint8 images as the (B, 3, H, W) float tensor that encoders expect, channels last in memory."""
    batch = images.to(device, non_blocking=True).permute(0, 3, 1, 2)
    mean, std = (255 * torch.tensor(value, device=device).view(1, 3, 1, 1) for value in (MEAN, STD))
    return ((batch - mean) / std).contiguous(memory_format=torch.channels_last)
