"""Depth for MMSegmentation's own tools: data, model and scores. Name this module in a config's `custom_imports`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from mmengine.registry import DATASETS, METRICS
from mmengine.structures import PixelData
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from core import build
from tasks.decoding.scores import resize
from tasks.deployment import Split, bgr
from tasks.depth.data import counting
from tasks.depth.metrics import Errors
from tasks.depth.samples import DepthSamples
from tasks.depth.scores import depth_of, reverse_huber
from tasks.registry import DATA
from tasks.samples import Sample
from tasks.stage import Stage


@DATASETS.register_module()
class DepthSplit(Split):
    """Images with depths."""

    def read(self, data: Mapping[str, Any], stage: Stage) -> DepthSamples:
        return DepthSamples(build(DATA, data), stage)

    def packed(self, index: int, sample: Sample) -> dict[str, Any]:
        image, depth = sample
        size = depth.shape
        about = dict(img_shape=size, ori_shape=size, pad_shape=size, scale_factor=(1.0, 1.0))
        truth = PixelData(data=torch.from_numpy(depth)[None])
        return {"inputs": bgr(image), "data_samples": SegDataSample(gt_depth_map=truth, metainfo=about)}


@MODELS.register_module()
class DepthEncoderDecoder(EncoderDecoder):
    """An encoder and a decoder whose one score of a pixel is its depth between two `metres`, with its loss."""

    def __init__(self, metres: Sequence[float], **settings: Any):
        super().__init__(**settings)
        self.metres = metres

    def loss(self, inputs: Tensor, data_samples: Any) -> dict[str, Tensor]:
        truth = torch.stack([sample.gt_depth_map.data[0] for sample in data_samples])
        scores = self.decode_head(self.extract_feat(inputs))
        return {"loss": reverse_huber(resize(scores, truth.shape[-2:]), truth, *self.metres)}

    def postprocess_result(self, seg_logits: Tensor, data_samples: Any = None) -> Any:
        depths = depth_of(seg_logits, *self.metres)
        samples = data_samples or [SegDataSample() for _ in depths]
        for sample, depth in zip(samples, depths, strict=True):
            sample.set_data({"pred_depth_map": PixelData(data=depth)})
        return samples


@METRICS.register_module()
class DepthErrors(BaseMetric):
    """The metrics of `Errors`, over all pixels that are from the nearest to the farthest of two `metres`."""

    def __init__(self, metres: Sequence[float], **settings: Any):
        super().__init__(**settings)
        self.metres = metres

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        for sample in data_samples:
            depth, found = (sample[name]["data"][0].cpu() for name in ("gt_depth_map", "pred_depth_map"))
            counts, errors = counting(depth, *self.metres), Errors()
            errors.add(depth[counts], found[counts])
            self.results.append(errors)

    def compute_metrics(self, results: Sequence[Errors]) -> dict[str, float]:
        whole = Errors()
        for errors in results:
            whole.sums, whole.count = whole.sums + errors.sums, whole.count + errors.count
        return whole.metrics()
