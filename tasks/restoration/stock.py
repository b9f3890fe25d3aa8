"""Restoration for MMEngine's runner: data, model and scores. Name this module in a config's `custom_imports`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, METRICS, MODELS

from core import build
from tasks.deployment import Split
from tasks.registry import DATA, DEGRADATIONS
from tasks.restoration.metrics import psnr, ssim
from tasks.restoration.samples import RestorationSamples
from tasks.restoration.task import BEST, distance, restored
from tasks.samples import Sample
from tasks.stage import Stage


@DATASETS.register_module()
class RestorationSplit(Split):
    """Degraded and clean images; those that are scored come once for each level of the degradation."""

    def read(
        self, data: Mapping[str, Any], stage: Stage, degradation: Mapping[str, Any] | None = None
    ) -> RestorationSamples:
        images = build(DATA, data)
        whole = build(DEGRADATIONS, degradation) if degradation else None
        levels = list(whole.levels().values()) if whole else [None]
        self.levels = [RestorationSamples(images, stage, one) for one in levels]
        return RestorationSamples(images, stage, whole)

    def __len__(self) -> int:
        return super().__len__() * (len(self.levels) if self.scored else 1)

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not self.scored:
            return super().__getitem__(index)
        level, place = divmod(index, self.samples.eval_size)
        return self.packed(index, self.levels[level].scored(place))

    def packed(self, index: int, sample: Sample) -> dict[str, Any]:
        degraded, clean = (torch.from_numpy(one.copy()).permute(2, 0, 1) for one in sample)
        return {"inputs": degraded, "data_samples": clean}


@MODELS.register_module()
class Restorer(BaseModel):
    """A network that restores images, with its loss, as MMEngine's runner trains and tests it."""

    def __init__(self, network: Mapping[str, Any], ssim_weight: float = 0.0, tile: int | None = None):
        super().__init__()
        self.network = MODELS.build(dict(network))
        self.ssim_weight, self.tile = ssim_weight, tile

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = "tensor") -> Any:
        images, clean = (torch.stack(list(one)) for one in (inputs, data_samples))
        if mode == "loss":
            return {"loss": distance(self.network(images), clean, self.ssim_weight)}
        made = restored(self.network, images, self.tile)
        return made if mode == "tensor" else [(one, other) for one, other in zip(made, clean, strict=True)]


@METRICS.register_module()
class RestorationScores(BaseMetric):
    """PSNR and SSIM, means over the images; with `rounded`, of images in 8 bits."""

    def __init__(self, rounded: bool = False, **settings: Any):
        super().__init__(**settings)
        self.rounded = rounded

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        for made, clean in data_samples:
            made = made[None].clamp(0, 1)
            made = (made * 255).round() / 255 if self.rounded else made
            self.results.append((float(psnr(made, clean[None]).clamp(max=BEST)), float(ssim(made, clean[None]))))

    def compute_metrics(self, results: Sequence[tuple[float, float]]) -> dict[str, float]:
        return {
            name: sum(values) / len(values)
            for name, values in zip(("PSNR", "SSIM"), zip(*results, strict=True), strict=True)
        }
