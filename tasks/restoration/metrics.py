"""How close restored images come to the clean ones: PSNR and SSIM."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

RADIUS = 5  # the Gaussian of SSIM covers 11 pixels
SIGMA = 1.5


def psnr(a: Tensor, b: Tensor, where: Tensor | None = None) -> Tensor:
    """Peak signal-to-noise ratio in dB of each of (N, C, H, W) images, black 0 and white 1; infinite where they are equal.

    `where` (N, 1, H, W), 0 or 1, says which pixels count, if not all. The result is (N,) float64, as is that of `ssim`.
    """
    a, b = _comparable(a, b)
    squares = (a - b).square()
    if where is not None:
        squares = squares * where / where.mean((1, 2, 3), True, dtype=torch.float64)
    return 10 * torch.log10(1 / squares.mean((1, 2, 3)))


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Structural similarity of each of (N, C, H, W) images; 1 where they are equal.

    Gaussian window of 11 pixels and sigma 1.5, population covariance, mean over the windows inside the image and over the
    channels (Wang et al. 2004, section III). Raises ValueError for images without a window.
    """
    a, b = _comparable(a, b)
    count, channels, height, width = a.shape
    if min(height, width) <= 2 * RADIUS:
        raise ValueError(f"SSIM needs images of at least 11x11 pixels, not {width}x{height}: use larger ones")
    moments = _smooth(torch.cat([a, b, a * a, b * b, a * b]).reshape(5 * count * channels, 1, height, width))
    mean_a, mean_b, aa, bb, ab = moments.reshape(5, count, -1)
    mean_product, mean_squares = mean_a * mean_b, mean_a.square() + mean_b.square()
    low, high = 0.01**2, 0.03**2
    likeness = (2 * mean_product + low) * (2 * (ab - mean_product) + high)
    return (likeness / ((mean_squares + low) * (aa + bb - mean_squares + high))).mean(1)


def _comparable(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    if a.shape != b.shape:
        raise ValueError(f"images of {tuple(a.shape)} and {tuple(b.shape)} cannot be compared: make them equal")
    return a.double(), b.double()


def _smooth(images: Tensor) -> Tensor:
    """The Gaussian means of (N, 1, H, W) images, where the window lies inside: rows first, then columns."""
    distance = torch.arange(-RADIUS, RADIUS + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-0.5 * (distance / SIGMA) ** 2)
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    return F.conv2d(F.conv2d(images, kernel), kernel.transpose(2, 3))
