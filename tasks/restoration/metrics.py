"""How close restored images come to the clean ones: PSNR and SSIM."""

from __future__ import annotations

from functools import partial
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

RADIUS = 5  # the Gaussian of SSIM covers 11 pixels
SIGMA = 1.5
LOW, HIGH = 0.01**2, 0.03**2
ROWS, DOWN, ACROSS = 64, 16, 48  # how many are smoothed at once: what a processor's caches and products like


def psnr(a: Tensor, b: Tensor, where: Tensor | None = None) -> Tensor:
    """Peak signal-to-noise ratio in dB of each of (N, C, H, W) images, black 0 and white 1; infinite where they are equal.

    `where` (N, 1, H, W), 0 or 1, says which pixels count, if not all. The result is (N,) float64, as is that of `ssim`.
    """
    _check_sizes(a, b)
    squares = (a.double() - b.double()).square()
    if where is not None:
        squares = squares * where / where.mean((1, 2, 3), True, dtype=torch.float64)
    return 10 * torch.log10(1 / squares.mean((1, 2, 3)))


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Structural similarity of each of (N, C, H, W) images; 1 where they are equal.

    Gaussian window of 11 pixels and sigma 1.5, population covariance, mean over the windows inside the image and over the
    channels (Wang et al. 2004, section III). Raises ValueError for images without a window.
    """
    _check_sizes(a, b)
    count, channels, height, width = a.shape
    if min(height, width) <= 2 * RADIUS:
        raise ValueError(f"SSIM needs images of at least 11x11 pixels, not {width}x{height}: use larger ones")
    if not (torch.is_grad_enabled() and (a.requires_grad or b.requires_grad)):
        return _in_blocks(a.flatten(0, 1), b.flatten(0, 1)).view(count, channels).mean(1)
    a, b = a.double(), b.double()
    moments = _smooth(torch.cat([a, b, a * a, b * b, a * b]).reshape(5 * count * channels, 1, height, width))
    mean_a, mean_b, aa, bb, ab = moments.reshape(5, count, -1)
    mean_product, mean_squares = mean_a * mean_b, mean_a.square() + mean_b.square()
    likeness = (2 * mean_product + LOW) * (2 * (ab - mean_product) + HIGH)
    return (likeness / ((mean_squares + LOW) * (aa + bb - mean_squares + HIGH))).mean(1)


def _check_sizes(a: Tensor, b: Tensor) -> None:
    if a.shape != b.shape:
        raise ValueError(f"images of {tuple(a.shape)} and {tuple(b.shape)} cannot be compared: make them equal")


def _kernel(like: Tensor) -> Tensor:
    """The Gaussian window, (11,)."""
    distance = torch.arange(-RADIUS, RADIUS + 1, dtype=like.dtype, device=like.device)
    kernel = torch.exp(-0.5 * (distance / SIGMA) ** 2)
    return kernel / kernel.sum()


def _smooth(images: Tensor) -> Tensor:
    """The Gaussian means of (N, 1, H, W) images, where the window lies inside: rows first, then columns."""
    kernel = _kernel(images).view(1, 1, 1, -1)
    return F.conv2d(F.conv2d(images, kernel), kernel.transpose(2, 3))


def _in_blocks(a: Tensor, b: Tensor) -> Tensor:
    """SSIM of each of (P, H, W) planes, of which no gradient is asked: much faster than torch's convolutions of doubles.

    A block of rows stays in the processor's cache. There the window is a product with a matrix that has it in every row, a
    few pixels at a time; the constants are added to what is smoothed, as its weights sum to 1.
    """
    (planes, height, width), window = a.shape, 2 * RADIUS
    rows, columns = height - window, width - window
    size, new = min(ROWS, rows), partial(torch.empty, dtype=torch.float64, device=a.device)
    seen, down = new(size + window, 4, width), new(size, 4, width)
    means, parts, total = new(size, 4, columns), new(2, size, columns), new(planes).zero_()
    kernel = _kernel(seen)
    matrix = torch.stack([F.pad(kernel, (at, ACROSS - 1 - at)) for at in range(ACROSS)])
    low, middle, high = (total.new_tensor(value) for value in (LOW / 2, (LOW + HIGH) / 2, LOW + HIGH))
    for plane, top in product(range(planes), range(0, rows, size)):
        count = min(size, rows - top)
        one, other, products, squares = seen[: count + window].unbind(1)
        one.copy_(a[plane, top : top + count + window])
        other.copy_(b[plane, top : top + count + window])
        torch.addcmul(middle, one, other, out=products)
        torch.addcmul(high, one, one, out=squares).addcmul_(other, other)
        source, target = seen.view(-1, 4 * width), down.view(-1, 4 * width)
        for at in range(0, count, DOWN):
            end = min(at + DOWN, count)
            torch.mm(matrix[: end - at, : end - at + window], source[at : end + window], out=target[at:end])
        source, target = down[:count].view(-1, width), means[:count].view(-1, columns)
        for at in range(0, columns, ACROSS):
            end = min(at + ACROSS, columns)
            torch.mm(source[:, at : end + window], matrix[: end - at, : end - at + window].T, out=target[:, at:end])
        mean_a, mean_b, covariance, variances = means[:count].unbind(1)
        mean_product, mean_squares = parts[:, :count]
        torch.addcmul(low, mean_a, mean_b, out=mean_product)
        torch.addcmul(2 * low, mean_a, mean_a, out=mean_squares).addcmul_(mean_b, mean_b)
        likeness = covariance.sub_(mean_product).mul_(mean_product)
        total[plane] += likeness.div_(variances.sub_(mean_squares).mul_(mean_squares)).sum()
    return 4 * total / (rows * columns)
