"""Keypoints for MMEngine's runner: data, model and scores. Name this module in a config's `custom_imports`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.registry import DATASETS, METRICS, MODELS
from mmseg.models.segmentors import EncoderDecoder

import tasks.decoding.networks  # noqa: F401 - registers the heads to compare with
from core import build
from tasks.decoding.scores import resize, scores_of
from tasks.deployment import Split, bgr
from tasks.keypoints.heatmaps import decoded, distance, map_size
from tasks.keypoints.metrics import scores
from tasks.keypoints.samples import KeypointSamples, in_images
from tasks.registry import DATA
from tasks.samples import Sample
from tasks.stage import Stage


@DATASETS.register_module()
class KeypointSplit(Split):
    """Persons with their joints."""

    def read(self, data: Mapping[str, Any], stage: Stage) -> KeypointSamples:
        return KeypointSamples(build(DATA, data), stage)

    def packed(self, index: int, sample: Sample) -> dict[str, Any]:
        image, joints = sample
        return {"inputs": bgr(image), "data_samples": torch.from_numpy(joints)}


@MODELS.register_module()
class PoseEstimator(EncoderDecoder):
    """A network that gives heat maps, with its loss, as MMEngine's runner trains and tests it."""

    def __init__(self, sigma: float, **network: Any):
        super().__init__(**network)
        self.sigma = sigma

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = "tensor") -> Any:
        maps = resize(scores_of(self.decode_head(self.backbone(inputs)))[0], map_size(inputs.shape[-2:]))
        if mode == "loss":
            return {"loss": distance(maps, torch.stack(list(data_samples)), self.sigma)}
        return maps if mode == "tensor" else list(decoded(maps.cpu().numpy()))


@METRICS.register_module()
class KeypointScores(BaseMetric):
    """What `scores` tells of a split's persons, which come in their order."""

    def __init__(self, data: Mapping[str, Any], view: Mapping[str, Any], **settings: Any):
        super().__init__(**settings)
        height, width = view["eval_size"]
        self.data, self.split, self.size = build(DATA, data), view["eval"], (height, width)

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        self.results += list(data_samples)

    def compute_metrics(self, results: Sequence[np.ndarray]) -> dict[str, float]:
        return scores(self.data, self.split, in_images(np.stack(results), self.data, self.split, self.size))
