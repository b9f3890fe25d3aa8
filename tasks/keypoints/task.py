"""Keypoints: the joints of one person, each the peak of a heat map that a searched decoder gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from core import Inherit, matching
from tasks.batch import Batch
from tasks.decoding.scores import resize
from tasks.decoding.task import DecoderOptions, DecoderTask
from tasks.deployment import Example, as_batch, plain
from tasks.keypoints.data import KeypointData
from tasks.keypoints.deployment import HeatMaps
from tasks.keypoints.drawing import LEAST, enlarged, figure_on
from tasks.keypoints.heatmaps import decoded, distance, map_size
from tasks.keypoints.metrics import metric_names, scores
from tasks.keypoints.samples import KeypointSamples, in_images
from tasks.stage import Stage
from tasks.task import Parts

BEGINNING = 0.01  # of their usual size are the weights of the last layers of a network that has learnt nothing


@dataclass(frozen=True)
class KeypointOptions(DecoderOptions):
    """As those of other decoders, but heat maps meet the truth at a quarter of the images' size whatever the decoder."""

    loss_at: Literal["scores"] = "scores"


class KeypointTask(DecoderTask):
    """Find the joints of a person. `data` is the config of a `KeypointData`; there is a heat map a joint.

    Heat maps are brought to a quarter of the images' size (`STRIDE`), where the decoder does not give them there anyway, and
    learn Gaussians by the mean squared error (Xiao et al., ECCV 2018), whose `sigma` is in pixels of the maps; joints that
    are not labelled do not count. Persons are cut out by their boxes and scored at the view's `eval_size`, which all stages
    must have. Metrics are `metric_names` of the data, and the mean training loss of the last epoch.
    """

    primary = "PCKh"
    metrics = ("PCKh", "loss")
    Options = KeypointOptions
    Data = KeypointData

    def __init__(self, *, sigma: float = 2.0, **settings: Any):
        super().__init__(**settings)
        if not 0 < sigma <= 100:
            raise ValueError(f"sigma must be positive and at most 100 pixels of a heat map, not {sigma}")
        self.sigma = sigma
        self.metrics = (*metric_names(self.data), "loss")
        self.primary = self.metrics[0]

    @property
    def outputs(self) -> int:
        return len(self.data.skeleton.joints)

    def samples(self, stage: Stage) -> KeypointSamples:
        return KeypointSamples(self.data, stage)

    def check(self, stages: Iterable[Stage]) -> None:
        for stage in (stages := list(stages)):
            if stage.view.eval_size is None:
                raise ValueError(
                    f"stage {stage.name!r} has no eval_size, the size that persons are scored at: give one"
                )
        super().check(stages)

    # Training and scoring.

    def begin(self, model: Parts, stage: Stage, seed: int, adopt: Inherit = matching) -> Any:
        """As for other decoders, but heat maps begin near zero (Xiao et al., ECCV 2018), as most of a heat map is."""
        network = super().begin(model, stage, seed, adopt)
        with torch.no_grad():
            for layer in network.decode_head.modules():
                if isinstance(layer, nn.Conv2d) and layer.out_channels == self.outputs and layer.bias is not None:
                    layer.weight *= BEGINNING
                    layer.bias.zero_()
        return network

    @property
    def learns_by(self) -> dict[str, Any]:
        return dict(sigma=self.sigma)

    def distance(self, scores: Tensor, truth: Tensor) -> Tensor:
        return distance(scores, truth, self.sigma)

    def criterion(self, network: Any, stage: Stage, outputs: Sequence[Tensor], batch: Batch) -> Tensor:
        """As for other decoders, on heat maps of one size."""
        size = map_size(stage.view.size)
        return super().criterion(network, stage, [resize(maps, size) for maps in outputs], batch)

    def score(self, network: Any, stage: Stage) -> dict[str, float]:
        return scores(self.data, stage.view.eval, self.found(network, stage))

    def found(self, network: Any, stage: Stage) -> np.ndarray:
        """The joints (n, K, 3) of a stage's scored persons: x and y in pixels of their images, and the height of the peak."""
        size, found = stage.view.eval_size, []
        assert size is not None
        for batch in self.scored_batches(stage):
            self.meter.count(len(batch.truth), size)
            maps = resize(self.forward(network, batch.inputs)[0], map_size(size))
            found.append(decoded(maps.cpu().numpy()))
        return in_images(np.concatenate(found), self.data, stage.view.eval, size)

    # Taken home.

    def deployed(self, network: nn.Module) -> nn.Module:
        return HeatMaps(network)

    def usage(self, stage: Stage) -> dict[str, Any]:
        skeleton = self.data.skeleton
        seen = dict(colours="rgb", white=255, size=stage.view.eval_size)
        return dict(task="keypoints", joints=skeleton.joints, limbs=skeleton.limbs, least=LEAST, **seen)

    def example(self, network: nn.Module, image: np.ndarray, truth: np.ndarray) -> Example:
        found = decoded(network(as_batch(image, self.device)).cpu().numpy())[0]
        skeleton, there = self.data.skeleton, truth[:, 2] > 0
        drawn = [figure_on(image, joints, skeleton.joints, skeleton.limbs) for joints in (truth, found)]
        away = np.linalg.norm(found[there, :2] - truth[there, :2], axis=1)
        pictures = dict(input=enlarged(image), truth=drawn[0], answer=drawn[1])
        return Example(pictures, {"pixels off": float(away.mean()) if there.any() else 0.0})

    def stock(self, model: Parts, stage: Stage) -> dict[str, Any]:
        config = {**self.config(self.without_aux(model)), "type": "PoseEstimator", "sigma": self.sigma}
        colours = {name: config["data_preprocessor"][name] for name in ("mean", "std", "bgr_to_rgb")}
        config["data_preprocessor"] = dict(type="ImgDataPreprocessor", **colours)
        split = dict(type="KeypointSplit", data=self.data_config, view=plain(stage.view))
        test = {**split, "scored": True}
        evaluator = dict(type="KeypointScores", data=self.data_config, view=plain(stage.view))
        return dict(scope="mmseg", model=config, train=split, test=test, evaluator=evaluator)
