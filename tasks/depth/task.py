"""Depth from one image: an encoder, a searched decoder, training in stages."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tasks.decoding.scores import resize
from tasks.decoding.task import DecoderTask
from tasks.deployment import Example, as_batch, plain
from tasks.depth.data import DepthData, counting
from tasks.depth.deployment import Depths
from tasks.depth.drawing import coloured
from tasks.depth.metrics import NAMES, Errors
from tasks.depth.samples import DepthSamples
from tasks.depth.scores import depth_of, reverse_huber
from tasks.stage import Stage
from tasks.task import Parts


class DepthTask(DecoderTask):
    """Say how far away every pixel is. `data` is the config of a `DepthData`; networks learn by the reverse Huber loss.

    A network's one score of a pixel says where between the nearest and the farthest depth of the data it is (`depth_of`).
    Depths are scored in metres at the view's `eval_size`, true ones brought there by nearest neighbour; None: at each image's
    own size. Metrics are those of `Errors`; "loss" is the mean training loss of the last epoch.
    """

    primary = "RMSE"
    metrics = (*NAMES, "loss")
    errors = ("RMSE", "RMSE_log", "abs_rel", "sqr_rel")
    Data = DepthData

    @property
    def outputs(self) -> int:
        return 1

    @property
    def metres(self) -> tuple[float, float]:
        """The nearest and the farthest depth."""
        return self.data.nearest, self.data.farthest

    def samples(self, stage: Stage) -> DepthSamples:
        return DepthSamples(self.data, stage)

    def distance(self, scores: Tensor, truth: Tensor) -> Tensor:
        return reverse_huber(scores, truth, *self.metres)

    def score(self, network: Any, stage: Stage) -> dict[str, float]:
        errors = Errors()
        for batch in self.scored_batches(stage):
            size = batch.truth.shape[-2:]
            self.meter.count(len(batch.truth), size)
            scores = resize(self.forward(network, batch.inputs)[0], size)
            counts = counting(batch.truth, *self.metres)
            errors.add(batch.truth[counts], depth_of(scores[:, 0], *self.metres)[counts])
        return errors.metrics()

    # Taken home.

    def deployed(self, network: nn.Module) -> nn.Module:
        return Depths(network, *self.metres)

    def usage(self, stage: Stage) -> dict[str, Any]:
        return dict(task="depth", colours="rgb", white=255, size=stage.view.eval_size, metres=self.metres)

    def example(self, network: Any, image: np.ndarray, truth: np.ndarray) -> Example:
        found = network(as_batch(image, self.device))[0, 0].cpu()
        depth, errors = torch.from_numpy(truth), Errors()
        counts = counting(depth, *self.metres)
        errors.add(depth[counts], found[counts])
        drawn = [coloured(one, *self.metres) for one in (truth, found.numpy())]
        score = {"RMSE": errors.metrics()["RMSE"]} if errors.count else {}
        return Example(dict(input=image, truth=drawn[0], answer=drawn[1]), score)

    def stock(self, model: Parts, stage: Stage) -> dict[str, Any]:
        config = self.config(self.without_aux(model))
        config |= dict(type="mmseg.DepthEncoderDecoder", metres=self.metres)
        config["data_preprocessor"]["size"] = stage.view.size
        split = dict(type="DepthSplit", data=self.data_config, view=plain(stage.view))
        evaluator = dict(type="DepthErrors", metres=self.metres)
        return dict(scope="mmseg", model=config, train=split, test={**split, "scored": True}, evaluator=evaluator)
