"""What spoils a clean image: noise, rain, too few pixels. Data of clean images need one, pairs have theirs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch.nn import functional as F

Range = tuple[float, float]  # the lowest and the highest value


class Degradation(ABC):
    @abstractmethod
    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The degraded (H, W, C) image. Both are float32, black 0 and white 1; the result may leave that range."""


class Noise(Degradation):
    """White Gaussian noise of standard deviation `sigma`, on the scale 0 to 255; of a list, one is drawn for each image."""

    def __init__(self, sigma: float | Sequence[float]):
        self.sigmas = [sigma] if isinstance(sigma, int | float) else list(sigma)
        if not self.sigmas or not all(isinstance(value, int | float) and 0 < value <= 255 for value in self.sigmas):
            raise ValueError(f"sigma must be above 0 and at most 255, not {sigma!r}: the scale is that of 8-bit images")

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        sigma = self.sigmas[rng.integers(len(self.sigmas))] / 255
        return image + np.float32(sigma) * rng.standard_normal(image.shape, dtype=np.float32)


class RainStreaks(Degradation):
    """Bright streaks added to the image, all in about one direction, and clipped at white.

    Ranges that a value is drawn from: `angle` from the vertical in degrees and `density` in streaks per 1000 pixels for each
    image; `length` and `thickness` in pixels and `brightness` (1: white) for each streak.
    """

    WOBBLE = 2.0  # degrees by which single streaks differ from their image's angle
    SOFTNESS = 0.6  # pixels, sigma of the blur of all streaks

    def __init__(
        self,
        length: Range = (12, 40),
        angle: Range = (-25, 25),
        density: Range = (1, 5),
        thickness: Range = (1, 2),
        brightness: Range = (0.2, 0.6),
    ):
        self.length, self.angle, self.density = length, angle, density
        self.thickness, self.brightness = thickness, brightness
        limits = dict(length=(1, 500), angle=(-90, 90), density=(0, 100), thickness=(1, 10), brightness=(0, 1))
        for name, (lowest, highest) in limits.items():
            low, high = getattr(self, name)
            if not lowest <= low <= high <= highest:
                raise ValueError(f"{name} of RainStreaks must rise within {lowest} to {highest}, not {low} to {high}")

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.minimum(image + self._streaks(image.shape[0], image.shape[1], rng)[..., None], 1)

    def _streaks(self, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
        """(height, width), 0 where there is no rain."""
        margin = self.length[1]  # streaks come in from outside, so that the borders have as many
        count = round(rng.uniform(*self.density) * (height + 2 * margin) * (width + 2 * margin) / 1000)
        angles = np.deg2rad(rng.uniform(*self.angle) + rng.normal(0, self.WOBBLE, count))
        middles = rng.uniform(-margin, (width + margin, height + margin), (count, 2))
        lengths = rng.uniform(*self.length, count)
        halves = np.stack([np.sin(angles), np.cos(angles)], 1) * lengths[:, None] / 2
        ends = np.rint(16 * np.stack([middles - halves, middles + halves], 1)).astype(int).tolist()
        greys = np.rint(255 * rng.uniform(*self.brightness, count)).tolist()
        widths = np.rint(rng.uniform(*self.thickness, count)).astype(int).tolist()
        layer = np.zeros((height, width), dtype=np.uint8)
        for (first, last), grey, thick in zip(ends, greys, widths, strict=True):
            cv2.line(layer, first, last, grey, thick, cv2.LINE_AA, 4)  # positions in sixteenths of a pixel
        return cv2.GaussianBlur(layer.astype(np.float32) / 255, (0, 0), self.SOFTNESS)


class Downscale(Degradation):
    """The image made `factor` times smaller and stored in 8 bits, then enlarged to its old size again.

    Bicubic both ways (Keys' kernel with a = -0.5, as wide as needed against aliasing), so that a network for
    super-resolution is one like any other: its input is as large as its output.
    """

    def __init__(self, factor: int):
        if factor not in (2, 3, 4):
            raise ValueError(f"the factor of Downscale must be 2, 3 or 4, not {factor}")
        self.factor = factor

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        height, width = image.shape[:2]
        full = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
        small = _resize(full, max(1, round(height / self.factor)), max(1, round(width / self.factor)))
        small = (small.clamp(0, 1) * 255).round() / 255
        return _resize(small, height, width)[0].permute(1, 2, 0).contiguous().numpy()


def _resize(image: torch.Tensor, height: int, width: int) -> torch.Tensor:
    return F.interpolate(image, (height, width), mode="bicubic", antialias=True)  # without antialias, a would be -0.75
