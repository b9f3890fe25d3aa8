"""Segmentation data for MMSegmentation's own tools: name this module in a config's `custom_imports`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.registry import DATASETS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from core import build
from tasks.deployment import Split, bgr
from tasks.registry import DATA
from tasks.samples import Sample
from tasks.segmentation.samples import SegmentationSamples
from tasks.stage import Stage


@DATASETS.register_module()
class SegmentationSplit(Split):
    """Images with label maps."""

    def read(self, data: Mapping[str, Any], stage: Stage) -> SegmentationSamples:
        return SegmentationSamples(build(DATA, data), stage)

    def packed(self, index: int, sample: Sample) -> dict[str, Any]:
        image, labels = sample
        truth = PixelData(data=torch.from_numpy(labels)[None].long())
        size = labels.shape
        about = dict(img_shape=size, ori_shape=size, pad_shape=size, scale_factor=(1.0, 1.0))
        return {"inputs": bgr(image), "data_samples": SegDataSample(gt_sem_seg=truth, metainfo=about)}
