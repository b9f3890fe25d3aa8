"""What cached features gain over a live, frozen encoder: predicted and measured."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from tasks import Stage
from tasks.complexity import madds
from tasks.encoder_task import EncoderTask
from tasks.trainable import build_network


class AsTrained(torch.nn.Module):
    """A network with its auxiliary cells, which only training runs; its norms may be in eval mode."""

    def __init__(self, network: Any):
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> Any:
        for name in ("decode_head", "bbox_head"):
            if hasattr(self.network, name):
                getattr(self.network, name).training = True
        return self.network(x)


def decoding_seconds(task: EncoderTask, stage: Stage) -> float:
    """How long it takes to read and cut every sample that the stage looks at, the training ones once an epoch."""
    samples = task.samples(stage)
    started = time.perf_counter()
    for _ in range(stage.recipe.epochs):
        for _ in samples.crops():
            pass
    for _ in samples.all_scored():
        pass
    return time.perf_counter() - started


def cache_gain(task: EncoderTask, stage: Stage, model: Mapping[str, Any], repeat: int) -> dict[str, Any]:
    """Predicted and measured gain of the cache for one candidate.

    Both stages train and score it with the same seed, in turns; the fastest of `repeat` runs counts. The prediction needs no
    second training: MAdds counted for encoder and decoder (a training step costs three forward passes of the decoder, and one
    of the frozen encoder), at the speed at which the cached stage works them off, plus reading and cropping the images, which
    is timed alone. Losses must be equal: their relative difference is given.
    """
    network = build_network(task.config(task.trained(model, stage)), seed=0, device="cpu")
    view, epochs = stage.view, stage.recipe.epochs
    train_shape, eval_shape = (3, *view.size), (3, *(view.eval_size or view.size))
    encoder, scored_encoder = madds(network.backbone, train_shape), madds(network.backbone, eval_shape)
    decoder = madds(AsTrained(network), train_shape) - encoder
    scored_decoder = madds(task.network(model), eval_shape) - scored_encoder
    live = replace(stage, options=tuple(sorted({**dict(stage.options), "cached": False}.items())))
    runs = [(task.fit(model, stage, seed=0), task.fit(model, live, seed=0)) for _ in range(repeat)]
    cached_seconds, live_seconds = (min(pair[k].cost.seconds for pair in runs) for k in (0, 1))
    cached, same = runs[0][0].metrics, runs[0][1].metrics
    trained = epochs * len(task.features(stage, training=True)[0])
    scored = len(task.features(stage, training=False)[0])
    speed = (3 * trained * decoder + scored * scored_decoder) / cached_seconds
    skipped = (trained * encoder + scored * scored_encoder) / speed + decoding_seconds(task, stage)
    predicted = 1 + skipped / cached_seconds
    return {
        "encoder MMAdds": encoder / 1e6,
        "decoder MMAdds": decoder / 1e6,
        "cached s": cached_seconds,
        "live s": live_seconds,
        "predicted gain": predicted,
        "measured gain": live_seconds / cached_seconds,
        "measured / predicted": live_seconds / cached_seconds / predicted,
        "loss difference": abs(cached["loss"] - same["loss"]) / same["loss"],
    }
