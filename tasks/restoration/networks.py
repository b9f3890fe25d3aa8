"""Networks that nobody searched, to compare with: DnCNN, methods that learn nothing, and nothing at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.registry import MODELS
from skimage.restoration import denoise_nl_means
from torch import Tensor, nn
from torch.nn import functional as F

from tasks.restoration.degradations import resize


@MODELS.register_module()
class DnCNN(nn.Module):
    """Zhang et al., "Beyond a Gaussian Denoiser" (TIP 2017), section III.

    `depth` convolutions of 3x3 with a ReLU between them predict what is to be taken away from (N, `channels`, H, W) images. All
    but the first and the last have a BN, if `norm`; without, these are merged into the convolutions, and the file of published
    weights (keys model.0, model.2, ...) fits as it is. A training starts with random weights after He et al. and a last
    layer of zeros, which changes nothing.

    With `fold` 2 the convolutions see blocks of 2x2 pixels as channels, at half the resolution (FFDNet, Zhang et al., TIP
    2018); an image is continued by its border to fill them.
    """

    def __init__(self, channels: int = 1, width: int = 64, depth: int = 17, fold: int = 1, norm: bool = False):
        super().__init__()
        if depth < 2:
            raise ValueError(f"DnCNN needs at least 2 convolutions, not {depth}")
        self.fold = fold
        widths = [channels * fold**2, *[width] * (depth - 1), channels * fold**2]
        layers: list[nn.Module] = []
        for place, (before, after) in enumerate(pairwise(widths)):
            inner = 0 < place < depth - 1
            layers.append(nn.Conv2d(before, after, 3, padding=1, bias=not (norm and inner)))
            layers += [nn.BatchNorm2d(after)] if norm and inner else []
            layers += [nn.ReLU(inplace=True)] if place < depth - 1 else []
        self.model = nn.Sequential(*layers)
        for module in layers:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        last = list(self.model.parameters())[-2]
        nn.init.zeros_(last)

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        whole = F.pad(images, (0, -width % self.fold, 0, -height % self.fold), "replicate")
        residual = F.pixel_shuffle(self.model(F.pixel_unshuffle(whole, self.fold)), self.fold)
        return images - residual[..., :height, :width]


@MODELS.register_module()
class VDSR(DnCNN):
    """A `DnCNN` on images that were enlarged, `scale` times, by bicubic interpolation (Kim et al., VDSR, CVPR 2016)."""

    def __init__(self, scale: int, **settings: Any):
        super().__init__(**settings)
        self.enlarge = Bicubic(scale)

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(self.enlarge(images))


@MODELS.register_module()
class Unchanged(nn.Module):
    """The degraded image itself, or its first `channels`: what a network must beat. It has no weights."""

    def __init__(self, channels: int | None = None):
        super().__init__()
        self.channels = channels

    def forward(self, images: Tensor) -> Tensor:
        return images[:, : self.channels]


@MODELS.register_module()
class Bicubic(nn.Module):
    """Images enlarged `scale` times by bicubic interpolation. It has no weights."""

    def __init__(self, scale: int):
        super().__init__()
        self.scale = scale

    def forward(self, images: Tensor) -> Tensor:
        return resize(images, *(self.scale * side for side in images.shape[-2:]))


class Classic(nn.Module, ABC):
    """A method that learns nothing, on (H, W, C) images one by one; the last channel may be the marks of lost pixels."""

    marks = False

    @abstractmethod
    def restored(self, image: np.ndarray) -> np.ndarray: ...

    def forward(self, images: Tensor) -> Tensor:
        if images.is_meta:  # when it is counted
            return images[:, :-1] if self.marks else images
        each = [self.restored(image) for image in images.detach().permute(0, 2, 3, 1).cpu().numpy()]
        return torch.from_numpy(np.stack(each)).permute(0, 3, 1, 2).to(images)


@MODELS.register_module()
class NonLocalMeans(Classic):
    """Non-local means (Buades et al. 2005) of scikit-image, for noise of `sigma` on the scale 0 to 255. It has no weights.

    Patches of 5x5 in a neighbourhood of 13x13, filter strength 0.8 sigma.
    """

    def __init__(self, sigma: float):
        super().__init__()
        if not 0 < sigma <= 255:
            raise ValueError(f"sigma must be above 0 and at most 255, not {sigma}: the scale is that of 8-bit images")
        self.sigma = sigma / 255

    def restored(self, image: np.ndarray) -> np.ndarray:
        means = denoise_nl_means(image, 5, 6, 0.8 * self.sigma, sigma=self.sigma, channel_axis=-1)
        return means.reshape(image.shape)


@MODELS.register_module()
class Telea(Classic):
    """Inpainting by fast marching (Telea 2004) of OpenCV, on 8 bits, from a neighbourhood of 3 pixels. It has no weights."""

    marks = True

    def restored(self, image: np.ndarray) -> np.ndarray:
        seen, lost = image[..., :-1], image[..., -1].astype(np.uint8)
        filled = cv2.inpaint(np.rint(seen * 255).astype(np.uint8), lost, 3, cv2.INPAINT_TELEA)
        return filled.reshape(seen.shape).astype(np.float32) / 255


@MODELS.register_module()
class DarkChannel(Classic):
    """Haze taken away by the dark channel prior (He et al., CVPR 2009), without matting. It has no weights.

    Patches of 15x15, 0.95 of the haze, at least 0.1 of the light seen through it; what is brightest of the darkest channel,
    one pixel in a thousand, tells the haze's own light.
    """

    def restored(self, image: np.ndarray) -> np.ndarray:
        patch = np.ones((15, 15), dtype=np.uint8)
        dark = cv2.erode(image.min(2), patch)
        haziest = np.argsort(dark, axis=None)[-max(1, dark.size // 1000) :]
        light = image.reshape(-1, image.shape[2])[haziest].max(0).clip(1e-3)
        through = 1 - 0.95 * cv2.erode((image / light).min(2), patch)
        return (image - light) / through.clip(0.1)[..., None] + light
