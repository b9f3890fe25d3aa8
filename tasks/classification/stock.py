"""Classification for MMEngine's runner: data and scores. Name this module in a config's `custom_imports`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from mmengine.registry import DATASETS, METRICS

import tasks.classification.networks  # noqa: F401 - registers the classifier
from core import build
from tasks.classification.metrics import Ranks
from tasks.classification.samples import ClassificationSamples
from tasks.deployment import Split, bgr
from tasks.registry import DATA
from tasks.samples import Sample
from tasks.stage import Stage


@DATASETS.register_module()
class ClassificationSplit(Split):
    """Images with labels."""

    def read(self, data: Mapping[str, Any], stage: Stage) -> ClassificationSamples:
        return ClassificationSamples(build(DATA, data), stage)

    def packed(self, index: int, sample: Sample) -> dict[str, Any]:
        image, label = sample
        return {"inputs": bgr(image), "data_samples": int(label)}


@METRICS.register_module()
class ClassificationScores(BaseMetric):
    """What `Ranks` counts, over all images."""

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        self.results += [(scores.cpu(), int(label)) for scores, label in data_samples]

    def compute_metrics(self, results: Sequence[Any]) -> dict[str, float]:
        scores, labels = zip(*results, strict=True)
        ranks = Ranks(len(scores[0]))
        ranks.add(torch.stack(scores), torch.tensor(labels))
        return ranks.metrics()
