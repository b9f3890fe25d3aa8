"""What spoils a clean image: noise, rain, haze, holes, too few pixels. Data of clean images need one, pairs have theirs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import torch
from torch.nn import functional as F

Range = tuple[float, float]  # the lowest and the highest value


class Degradation(ABC):
    """What becomes of clean images: (H, W, C) float32, black 0 and white 1.

    The result may leave that range. It is `scale` times smaller than the image, whose sides are multiples of that. Where it
    `marks` what is lost, it has a further channel, 1 at lost pixels and 0 elsewhere.
    """

    scale: int = 1
    marks: bool = False

    @abstractmethod
    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The degraded image."""

    def levels(self) -> Mapping[str, Degradation]:
        """What scored images are degraded by, each in turn, by what is put behind the names of its metrics."""
        return {"": self}


def _check_ranges(degradation: Degradation, **limits: Range) -> None:
    """Raise ValueError for the first range, an attribute, that does not rise within its limits."""
    for name, (lowest, highest) in limits.items():
        low, high = getattr(degradation, name)
        if not lowest <= low <= high <= highest:
            kind = type(degradation).__name__
            raise ValueError(f"{name} of {kind} must rise within {lowest} to {highest}, not {low} to {high}")


class Noise(Degradation):
    """White Gaussian noise of standard deviation `sigma`, on the scale 0 to 255; of a list, one is drawn for each image."""

    def __init__(self, sigma: float | Sequence[float]):
        self.sigmas = [sigma] if isinstance(sigma, int | float) else list(sigma)
        if not self.sigmas or not all(isinstance(value, int | float) and 0 < value <= 255 for value in self.sigmas):
            raise ValueError(f"sigma must be above 0 and at most 255, not {sigma!r}: the scale is that of 8-bit images")

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        sigma = self.sigmas[rng.integers(len(self.sigmas))] / 255
        return image + np.float32(sigma) * rng.standard_normal(image.shape, dtype=np.float32)


class NoiseLevels(Noise):
    """`Noise` of one of `sigmas`, drawn for each crop; images are scored with every one (as PSNR30 and SSIM30, say)."""

    def __init__(self, sigmas: Sequence[float]):
        super().__init__(sigmas)

    def levels(self) -> Mapping[str, Degradation]:
        return {f"{sigma:g}": Noise(sigma) for sigma in self.sigmas}


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
        _check_ranges(self, **limits)

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


class Haze(Degradation):
    """Haze by the model of scattering, I = J t + A (1 - t) with t = exp(-beta d) (Narasimhan and Nayar, IJCV 2002).

    For each image are drawn `beta`, the light A of the haze (`airlight`), and the two depths d between which, in a random
    direction, the image becomes deeper. Defaults of `beta` and `airlight` are those of RESIDE (Li et al., TIP 2019).
    """

    def __init__(self, beta: Range = (0.6, 1.8), airlight: Range = (0.7, 1.0), depth: Range = (0.2, 1.2)):
        self.beta, self.airlight, self.depth = beta, airlight, depth
        _check_ranges(self, beta=(0, 10), airlight=(0, 1), depth=(0, 10))

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        beta, light, angle = rng.uniform(*self.beta), rng.uniform(*self.airlight), rng.uniform(0, 2 * np.pi)
        near, far = rng.uniform(*self.depth, 2)
        rows, columns = (np.linspace(-1, 1, side) for side in image.shape[:2])
        across = np.cos(angle) * rows[:, None] + np.sin(angle) * columns
        place = 0.5 + 0.5 * across / (abs(np.cos(angle)) + abs(np.sin(angle)))  # from 0 in one corner to 1 in another
        through = np.exp(-beta * (near + (far - near) * place))[..., None]
        return (image * through + light * (1 - through)).astype(np.float32)


class Holes(Degradation):
    """Pixels lost under brush strokes, as many as a share of the image drawn from `share`: black, and marked.

    Of each stroke are drawn its `length` and `thickness` in pixels; its middle and direction are random.
    """

    marks = True

    def __init__(self, share: Range = (0.1, 0.3), length: Range = (8, 40), thickness: Range = (2, 6)):
        self.share, self.length, self.thickness = share, length, thickness
        _check_ranges(self, share=(0.01, 0.9), length=(0, 500), thickness=(1, 50))

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        height, width = image.shape[:2]
        lost, share = np.zeros((height, width), dtype=np.uint8), rng.uniform(*self.share)
        while lost.mean() < share:
            middle, angle = rng.uniform(0, (width, height)), rng.uniform(0, np.pi)
            half = np.array([np.cos(angle), np.sin(angle)]) * rng.uniform(*self.length) / 2
            first, last = np.rint([middle - half, middle + half]).astype(int).tolist()
            cv2.line(lost, first, last, 1, round(rng.uniform(*self.thickness)))
        mark = lost[..., None].astype(np.float32)
        return np.concatenate([image * (1 - mark), mark], 2)


class LowResolution(Degradation):
    """The image made `scale` times smaller by bicubic interpolation (as in `Downscale`) and stored in 8 bits.

    The network's output is as large as the image: `scale` times its input.
    """

    def __init__(self, scale: int):
        if scale not in (2, 3, 4):
            raise ValueError(f"the scale of LowResolution must be 2, 3 or 4, not {scale}")
        self.scale = scale

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        height, width = image.shape[:2]
        return _image(_stored(image, height // self.scale, width // self.scale))


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
        small = _stored(image, max(1, round(height / self.factor)), max(1, round(width / self.factor)))
        return _image(resize(small, height, width))


def _stored(image: np.ndarray, height: int, width: int) -> torch.Tensor:
    """An (H, W, C) image at another size, in the steps of 8 bits: (1, C, height, width)."""
    full = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
    return (resize(full, height, width).clamp(0, 1) * 255).round() / 255


def _image(tensor: torch.Tensor) -> np.ndarray:
    return tensor[0].permute(1, 2, 0).contiguous().numpy()


def resize(images: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """(N, C, H, W) images at another size, bicubic."""
    return F.interpolate(images, (height, width), mode="bicubic", antialias=True)  # without antialias, a would be -0.75
