"""Restoration: a network from the degraded image to the clean one, trained on crops, scored on whole images."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tasks.restoration.networks  # noqa: F401 - registers the networks to compare with
from tasks.batch import Batch
from tasks.deployment import Deployable, Example, as_batch, plain, whole
from tasks.looks import looks_kept_in
from tasks.registry import DATA, DEGRADATIONS
from tasks.restoration.data import RestorationData
from tasks.restoration.degradations import Degradation
from tasks.restoration.drawing import picture
from tasks.restoration.metrics import RADIUS, psnr, ssim
from tasks.restoration.samples import RestorationSamples
from tasks.restoration.tiles import tiled
from tasks.stage import Stage
from tasks.task import Parts
from tasks.templates import check_slots
from tasks.trainable import Trainable

BEST = 100.0  # dB that an image counts which is restored without any error
LEVELLED = ("PSNR", "SSIM")  # what is also told of each level of a degradation


class RestorationTask(Trainable, Deployable):
    """Make a clean image of a degraded one. A space decides the whole network: the one slot of a model is "network".

    Networks take (N, channels, H, W), black 0 and white 1, and return the same shape; for a degradation with a `scale` they
    return images that much larger, and for one that `marks` lost pixels they take the marks as one channel more. `data` is the
    config of a `RestorationData`, `degradation` of an entry of DEGRADATIONS, where the data are no pairs. `input_size` (height,
    width) of a network's input is what MAdds and latency refer to. The loss is the mean squared error + `ssim_weight` *
    log10(1 / SSIM), as in IR-NAS (Zhang et al., CVPR 2020).

    Every image is scored whole, clipped to 0 to 1 and, if `rounded`, brought to 8 bits. An image of more than `tile` x `tile`
    pixels goes through in overlapping tiles of that size, which gives the same for networks that look no further than tile / 4.
    Metrics are the means over the images, "PSNR_lost" is of the pixels that were lost, where they are marked. Where a
    degradation has several levels, all images are scored at each, and metrics are there by level ("PSNR30") beside their mean.
    "loss" is the mean training loss of the last epoch; a network that is not trained has its loss on the scored images.
    """

    primary = "PSNR"
    metrics = ("PSNR", "SSIM", "loss")

    def __init__(
        self,
        data: dict[str, Any],
        cache: str,
        degradation: dict[str, Any] | None = None,
        device: str = "cpu",
        input_size: tuple[int, int] = (321, 481),
        rounded: bool = False,
        ssim_weight: float = 0.0,
        tile: int | None = None,
        workers: int | None = None,
    ):
        with looks_kept_in(cache):
            images: RestorationData = self.built(DATA, data, RestorationData)
        self.degradation = self.built(DEGRADATIONS, degradation, Degradation) if degradation else None
        self.scale, self.marks = (self.degradation.scale, self.degradation.marks) if self.degradation else (1, False)
        super().__init__(images, cache, device, (images.channels + self.marks, *input_size), workers)
        if self.data.paired == (degradation is not None):
            wrong = "are degraded already: leave out" if self.data.paired else "are clean: give"
            raise ValueError(f"the images of {type(self.data).__name__} {wrong} the degradation")
        if ssim_weight < 0 or (tile is not None and tile < 8):
            raise ValueError(f"ssim_weight must not be negative, nor tile below 8: {ssim_weight} and {tile}")
        self.rounded, self.ssim_weight, self.tile = rounded, ssim_weight, tile
        self.data_config, self.degradation_config = data, degradation
        self.levels = self.degradation.levels() if self.degradation else {"": None}
        self.scores = (*RestorationTask.metrics, *(("PSNR_lost",) if self.marks else ()))
        self.metrics = (*self.scores, *(f"{name}{level}" for level in self.levels if level for name in LEVELLED))

    # Data.

    def check(self, stages: Iterable[Stage]) -> None:
        super().check(stages := list(stages))
        smallest = 2 * RADIUS + 1
        for stage in stages:
            view, name = stage.view, repr(stage.name)
            if self.ssim_weight and min(view.size) < smallest:
                raise ValueError(f"stage {name}: SSIM needs crops of at least {smallest} pixels, not {view.size}")
            if any(side % self.scale for side in view.size):
                raise ValueError(f"stage {name}: the sides of crops must be multiples of {self.scale}, not {view.size}")
            side = round(max(view.size) / view.scale[0])
            for split in view.train:
                self._check_size(split, side, f"crops of {side} pixels (stage {name})")
            needed = -(-smallest // self.scale) * self.scale  # as images are cut to multiples of the scale
            self._check_size(view.eval, needed, "SSIM")

    def _check_size(self, split: str, side: int, purpose: str) -> None:
        for index in range(self.data.size(split)):
            height, width = self.data.shape(split, index)
            if min(height, width) < side:
                small = f"{self.data.name(split, index)} is {width}x{height}, too small for {purpose}"
                raise ValueError(f"{small}: use images of at least {side}x{side}")

    def samples(self, stage: Stage) -> RestorationSamples:
        return RestorationSamples(self.data, stage, self.degradation)

    def on_device(self, images: Tensor, truths: Tensor) -> Batch:
        """(N, H, W, C) images as (N, C, H, W), which lies in memory channels last."""
        return Batch(*(one.to(self.device, non_blocking=True).permute(0, 3, 1, 2) for one in (images, truths)))

    def config(self, model: Parts) -> dict[str, Any]:
        check_slots(model, ["network"], "RestorationTask")
        return dict(model["network"])

    def network(self, model: Parts) -> nn.Module:
        """Raises ValueError for a network whose output is not as large as clean images."""
        network = super().network(model)
        channels, height, width = self.input_shape
        with torch.no_grad():
            made = copy.deepcopy(network).to("meta")(torch.empty(1, *self.input_shape, device="meta")).shape
        wanted = (1, channels - self.marks, self.scale * height, self.scale * width)
        if tuple(made) != wanted:
            raise ValueError(
                f"it makes images of {tuple(made)} and not {wanted}: give it the scale or marks of the degradation"
            )
        return network

    # Training and scoring.

    def forward(self, network: nn.Module, inputs: Tensor) -> Tensor:
        return network(inputs)

    def criterion(self, network: nn.Module, stage: Stage, outputs: Tensor, batch: Batch) -> Tensor:
        return distance(outputs, batch.truth, self.ssim_weight)

    def score(self, network: nn.Module, stage: Stage) -> dict[str, float]:
        """The metrics of a network in eval mode on the stage's scored images, and its loss on them."""
        rows = {level: np.mean(list(self._rows(network, stage, one)), 0) for level, one in self.levels.items()}
        metrics = dict(zip(self.scores, np.mean(list(rows.values()), 0).tolist(), strict=True))
        for level, row in rows.items():
            metrics |= {f"{name}{level}": float(value) for name, value in zip(LEVELLED, row, strict=False) if level}
        return metrics

    def _rows(self, network: nn.Module, stage: Stage, degradation: Degradation | None) -> Iterator[list[float]]:
        """The `scores` of each image."""
        for batch in self.scored(RestorationSamples(self.data, stage, degradation)):
            clean = batch.truth
            self.meter.count(len(clean), clean.shape[-2:])
            made = restored(network, batch.inputs, self.tile)
            loss = distance(made, clean, self.ssim_weight)
            made = made.clamp(0, 1)
            if self.rounded:
                made = (made * 255).round() / 255
            lost = [psnr(made, clean, batch.inputs[:, -1:])] if self.marks else []
            scores = psnr(made, clean).clamp(max=BEST), ssim(made, clean), loss, *lost
            yield [float(score) for score in scores]

    # Taken home.

    def finished(self, model: Parts, weights: Mapping[str, Tensor]) -> nn.Module:
        return whole(self.network(model), weights)

    def deployed(self, network: nn.Module) -> nn.Module:
        return network

    def usage(self, stage: Stage) -> dict[str, Any]:
        colours = "gray" if self.data.gray else "rgb"
        return dict(
            task="restoration", colours=colours, white=1, size=None, scale=self.scale, marks=self.marks, tile=self.tile
        )

    def example(self, network: nn.Module, image: np.ndarray, truth: np.ndarray) -> Example:
        made = restored(network, as_batch(image, self.device), self.tile).clamp(0, 1).cpu()
        value = float(psnr(made, as_batch(truth)).clamp(max=BEST))
        pictures = dict(input=picture(image), truth=picture(truth), answer=picture(made[0].permute(1, 2, 0).numpy()))
        return Example(pictures, {"PSNR": value})

    def stock(self, model: Parts, stage: Stage) -> dict[str, Any]:
        split = dict(
            type="RestorationSplit", data=self.data_config, view=plain(stage.view), degradation=self.degradation_config
        )
        network = dict(type="Restorer", network=self.config(model), ssim_weight=self.ssim_weight, tile=self.tile)
        evaluator = dict(type="RestorationScores", rounded=self.rounded)
        return dict(scope="mmengine", model=network, train=split, test={**split, "scored": True}, evaluator=evaluator)


def distance(restored: Tensor, clean: Tensor, ssim_weight: float) -> Tensor:
    """Mean squared error, and the logarithm of what SSIM lacks, if it counts."""
    loss = F.mse_loss(restored, clean)
    if ssim_weight:
        likeness = ssim(restored, clean).mean().clamp(min=1e-3)  # it may be negative, where there is no logarithm
        loss = loss - ssim_weight * torch.log10(likeness)
    return loss


def restored(network: nn.Module, degraded: Tensor, tile: int | None) -> Tensor:
    """What a network makes of (N, C, H, W) images, in tiles where they are large."""
    if tile is None or degraded.shape[-2] * degraded.shape[-1] <= tile**2:
        return network(degraded)
    return tiled(network, degraded, tile, tile // 4)
