"""Networks that nobody searched, to compare with: DnCNN, non-local means, and nothing at all."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from mmengine.registry import MODELS
from skimage.restoration import denoise_nl_means
from torch import Tensor, nn
from torch.nn import functional as F


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
class Unchanged(nn.Module):
    """The degraded image itself: what a network must beat. It has no weights."""

    def forward(self, images: Tensor) -> Tensor:
        return images


@MODELS.register_module()
class NonLocalMeans(nn.Module):
    """Non-local means (Buades et al. 2005) of scikit-image, for noise of `sigma` on the scale 0 to 255. It has no weights.

    Patches of 5x5 in a neighbourhood of 13x13, filter strength 0.8 sigma.
    """

    def __init__(self, sigma: float):
        super().__init__()
        if not 0 < sigma <= 255:
            raise ValueError(f"sigma must be above 0 and at most 255, not {sigma}: the scale is that of 8-bit images")
        self.sigma = sigma / 255

    def forward(self, images: Tensor) -> Tensor:
        if images.is_meta:  # when it is counted
            return images
        means = [
            denoise_nl_means(image, 5, 6, 0.8 * self.sigma, sigma=self.sigma, channel_axis=-1).reshape(image.shape)
            for image in images.detach().permute(0, 2, 3, 1).cpu().numpy()
        ]
        return torch.from_numpy(np.stack(means)).permute(0, 3, 1, 2).to(images)
